// Curves over the epochs, by uPlot. Long histories are thinned: a curve needs no more points than the screen has.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { t } from '../language';
import { css, isDark, type Colour } from './colours';

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

interface CurvesProps {
    label: string;
    history: History;
    curves: readonly Curve[];
    /** Changes whenever the history does. */
    version: unknown;
    logarithmic?: boolean;
}

export function Curves({ label, history, curves, version, logarithmic = false }: CurvesProps) {
    const box = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot>();
    useEffect(() => {
        const ink = isDark() ? '#c9d1d9' : '#444';
        const axis = {
            stroke: ink,
            grid: { stroke: isDark() ? '#30363d' : '#e5e7eb', width: 1 },
            ticks: { show: false },
        };
        const width = () => Math.max(200, box.current!.clientWidth);
        plot.current = new uPlot(
            {
                width: width(),
                height: 180,
                cursor: { y: false },
                legend: { live: false },
                scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
                axes: [axis, { ...axis, size: 56 }],
                series: [
                    { label: t('epoch') },
                    ...curves.map((c) => ({
                        label: t(c.label),
                        stroke: css(c.colour),
                        width: 2,
                        ...(c.dash ? { dash: c.dash } : {}),
                    })),
                ],
            },
            history.columns(curves.length + 1) as uPlot.AlignedData,
            box.current!,
        );
        const watcher = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: 180 }));
        watcher.observe(box.current!);
        return () => {
            watcher.disconnect();
            plot.current?.destroy();
        };
    }, []);
    useEffect(() => plot.current?.setData(history.columns(curves.length + 1) as uPlot.AlignedData), [version]);
    return <div ref={box} class="curves" role="img" aria-label={label} />;
}
