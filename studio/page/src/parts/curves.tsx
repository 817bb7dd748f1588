// Curves over the epochs, by uPlot. Long histories are thinned: a curve needs no more points than the screen has.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { language, t } from '../language';
import { css, inked, useDark, type Colour } from './colours';
import { drawsItself, make } from './drawing';

export interface Curve {
    label: string;
    colour: Colour;
    dash?: number[];
}

const LIMIT = 800;

/** One row a frame: the epoch, then a number for each curve. */
export class History {
    rows: number[][] = [];

    add(row: number[]): void {
        const last = this.rows.at(-1);
        if (last && last[0] === row[0]) this.rows.pop();
        this.rows.push(row);
        if (this.rows.length > LIMIT) this.rows = this.rows.filter((_, i) => i % 2 === 0 || i === this.rows.length - 1);
    }

    /** What is no number leaves a gap. */
    columns(count: number): (number | null)[][] {
        const finite = (v: number | undefined) => (v !== undefined && Number.isFinite(v) ? v : null);
        return Array.from({ length: count }, (_, k) => this.rows.map((row) => finite(row[k])));
    }
}

const HEIGHT = 200;

/** A sample of a curve's line: colour and dashes. */
function Line({ curve }: { curve: Curve }) {
    return (
        <svg class="line" width="28" height="10" viewBox="0 0 28 10" aria-hidden="true">
            <line
                x1="1"
                x2="27"
                y1="5"
                y2="5"
                stroke={css(inked(curve.colour))}
                stroke-width="2.5"
                stroke-dasharray={curve.dash?.join(' ')}
            />
        </svg>
    );
}

/** Where an axis has its lines, and what is written there. */
interface Ticks {
    at: (number | null)[];
    text: string[];
}

/** The plot in lines and letters, for a picture that is saved: the plot on the page is a canvas. */
function vector(
    u: uPlot,
    ticks: Ticks[],
    curves: readonly Curve[],
    ink: string,
    grid: string,
    gap: boolean,
    mark: number | undefined,
): SVGElement {
    const svg = make('svg', { viewBox: `0 0 ${u.width} ${u.height}` });
    const area = u.bbox,
        ratio = uPlot.pxRatio;
    const left = area.left / ratio,
        top = area.top / ratio,
        right = left + area.width / ratio,
        bottom = top + area.height / ratio;
    const x = (v: number) => left + u.valToPos(v, 'x'),
        y = (v: number) => top + u.valToPos(v, 'y');
    const font = { fill: ink, 'font-family': 'system-ui, sans-serif', 'font-size': 12 };
    ticks[0]!.at.forEach((v, i) => {
        if (v === null) return;
        svg.append(make('line', { x1: x(v), x2: x(v), y1: top, y2: bottom, stroke: grid }));
        svg.append(make('text', { ...font, x: x(v), y: bottom + 17, 'text-anchor': 'middle' }, ticks[0]!.text[i]));
    });
    ticks[1]!.at.forEach((v, i) => {
        if (v === null) return;
        svg.append(make('line', { x1: left, x2: right, y1: y(v), y2: y(v), stroke: grid }));
        svg.append(make('text', { ...font, x: left - 7, y: y(v) + 4, 'text-anchor': 'end' }, ticks[1]!.text[i]));
    });
    const middle = { x: (left + right) / 2, y: u.height - 4, 'text-anchor': 'middle' };
    svg.append(make('text', { ...font, ...middle, 'font-weight': 600 }, String(u.axes[0]!.label)));
    if (gap) {
        const corners = (k: number) =>
            [...u.data[0]].flatMap((at, i) => {
                const value = u.data[k]![i];
                return typeof value === 'number' && Number.isFinite(value)
                    ? [`${x(at).toFixed(1)} ${y(value).toFixed(1)}`]
                    : [];
            });
        const round = [...corners(1), ...corners(2).reverse()];
        if (round.length)
            svg.append(make('path', { d: `M${round.join('L')}Z`, fill: css(inked(curves[1]!.colour), GAP) }));
    }
    if (mark !== undefined)
        svg.append(
            make('line', { x1: x(mark), x2: x(mark), y1: top, y2: bottom, stroke: ink, 'stroke-dasharray': '3 4' }),
        );
    curves.forEach((curve, k) => {
        let path = '',
            down = false;
        u.data[0].forEach((at, i) => {
            const value = u.data[k + 1]![i];
            if (value === null || value === undefined || !Number.isFinite(value)) return void (down = false);
            path += `${down ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
            down = true;
        });
        if (u.data[0].length === 1) path += 'h0'; // a dot
        const line = { stroke: css(inked(curve.colour)), 'stroke-width': 2, 'stroke-linecap': 'round', fill: 'none' };
        svg.append(make('path', { d: path, ...line, 'stroke-dasharray': curve.dash?.join(' ') ?? 'none' }));
    });
    return svg;
}

interface CurvesProps {
    label: string;
    history: History;
    curves: readonly Curve[];
    /** Changes whenever the history does. */
    version: unknown;
    logarithmic?: boolean;
    /** What the history's rows begin with. */
    across?: string;
    /** Fills what lies between the first two curves. */
    gap?: boolean;
    /** Where a line stands upright. */
    mark?: number | undefined;
}

/** How much of the second curve's colour fills the gap. */
const GAP = 0.18;

export function Curves(props: CurvesProps) {
    const { label, history, curves, version, logarithmic = false, across = 'epoch', gap = false, mark } = props;
    const box = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot>();
    const marked = useRef(mark);
    marked.current = mark;
    const dark = useDark();
    /** Without data there are no axes, which would then push the plot aside when they come. */
    const some = history.rows.length > 0;
    useEffect(() => {
        if (!some) return;
        const ink = dark ? '#c9d1d9' : '#444',
            grid = dark ? '#30363d' : '#e5e7eb';
        const ticks: Ticks[] = [
            { at: [], text: [] },
            { at: [], text: [] },
        ];
        const values = (_: uPlot, at: (number | null)[], axis: number) => {
            const text = at.map((v) =>
                v === null ? '' : v.toLocaleString(language, { maximumSignificantDigits: 6, useGrouping: false }),
            );
            ticks[axis] = { at, text };
            return text;
        };
        const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, values };
        const width = () => Math.max(200, box.current!.clientWidth);
        plot.current = new uPlot(
            {
                width: width(),
                height: HEIGHT,
                cursor: { y: false },
                legend: { show: false },
                scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
                axes: [
                    { ...axis, size: 28, label: t(across), labelSize: 20, labelFont: '600 12px system-ui, sans-serif' },
                    { ...axis, size: 56 },
                ],
                ...(gap ? { bands: [{ series: [2, 1], fill: css(inked(curves[1]!.colour), GAP) }] } : {}),
                hooks: {
                    draw: [
                        (u) => {
                            if (marked.current === undefined) return;
                            const x = Math.round(u.valToPos(marked.current, 'x', true));
                            u.ctx.save();
                            u.ctx.strokeStyle = ink;
                            u.ctx.lineWidth = 2;
                            u.ctx.setLineDash([3, 4]);
                            u.ctx.beginPath();
                            u.ctx.moveTo(x, u.bbox.top);
                            u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
                            u.ctx.stroke();
                            u.ctx.restore();
                        },
                    ],
                },
                series: [
                    {},
                    ...curves.map((c) => ({
                        stroke: css(inked(c.colour)),
                        width: 2,
                        points: { show: (u: uPlot) => u.data[0].length < 2 },
                        ...(c.dash ? { dash: c.dash } : {}),
                    })),
                ],
            },
            history.columns(curves.length + 1) as uPlot.AlignedData,
            box.current!,
        );
        drawsItself(box.current!, () => vector(plot.current!, ticks, curves, ink, grid, gap, marked.current));
        const watcher = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: HEIGHT }));
        watcher.observe(box.current!);
        return () => {
            watcher.disconnect();
            plot.current?.destroy();
        };
    }, [dark, some]);
    useEffect(() => plot.current?.setData(history.columns(curves.length + 1) as uPlot.AlignedData), [version]);
    return (
        <div class="curves">
            <div ref={box} class="plot" style={{ height: `${HEIGHT}px` }} role="img" aria-label={label} />
            {/* Not a list for screen readers: the curves' numbers stand in the room's text. */}
            <div class="legend">
                {curves.map((c) => (
                    <span key={c.label}>
                        <Line curve={c} /> {t(c.label)}
                    </span>
                ))}
            </div>
        </div>
    );
}
