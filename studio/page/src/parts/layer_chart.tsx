// A number for each layer, from the first to the last, for some networks side by side: on a scale of decades, or as a
// share. The networks differ by mark and dash as well as by colour.
import { t } from '../language';
import { useWidth } from './width';

export interface LayerSeries {
    name: string;
    /** In the style sheet: .series.plain, .series.residual. */
    kind: string;
    mark: '●' | '■';
    dash?: string;
    /** NaN where there is nothing to show. */
    values: number[];
}

interface Props {
    label: string;
    title: string;
    series: readonly LayerSeries[];
    scale: 'decades' | 'share';
    /** The layer that is looked at, from 0. */
    chosen: number;
    onChoose: (layer: number) => void;
}

const DISC = 'M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0Z',
    SQUARE = 'M-3.6 -3.6H3.6V3.6H-3.6Z';
const HEIGHT = 200,
    LEFT = 48,
    RIGHT = 12,
    TOP = 26,
    BOTTOM = 26;

const raised: Record<string, string> = { '-': '⁻', '0': '⁰', '1': '¹', '2': '²', '3': '³', '4': '⁴' };
const more: Record<string, string> = { '5': '⁵', '6': '⁶', '7': '⁷', '8': '⁸', '9': '⁹' };
/** "10⁻⁶". */
export const power = (exponent: number) =>
    `10${[...String(exponent)].map((digit) => raised[digit] ?? more[digit] ?? digit).join('')}`;

/** Whole decades that hold all numbers above 0. */
function decades(values: number[]): [number, number] {
    const exponents = values.filter((v) => v > 0 && Number.isFinite(v)).map(Math.log10);
    if (!exponents.length) return [-2, 0];
    const low = 2 * Math.floor(Math.min(...exponents) / 2),
        high = 2 * Math.ceil(Math.max(...exponents) / 2);
    return [low, Math.max(high, low + 2)];
}

export function LayerChart({ label, title, series, scale, chosen, onChoose }: Props) {
    const { box, width } = useWidth<HTMLDivElement>();
    const layers = Math.max(2, ...series.map((s) => s.values.length));
    const [low, high] = scale === 'share' ? [0, 1] : decades(series.flatMap((s) => s.values));
    const x = (layer: number) => LEFT + ((width - LEFT - RIGHT) * (layer + 0.5)) / layers;
    const y = (value: number) => {
        const at = scale === 'share' ? value : Math.log10(value);
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (Math.max(low, at) - low) / (high - low));
    };
    const step = scale === 'share' ? 0.25 : Math.max(1, Math.ceil((high - low) / 6));
    const ticks = Array.from({ length: Math.floor((high - low) / step + 1e-9) + 1 }, (_, i) => low + i * step);
    const every = Math.ceil(layers / Math.max(1, (width - LEFT - RIGHT) / 26));
    const shown = (value: number) => (scale === 'share' ? !Number.isNaN(value) : Number.isFinite(value));
    return (
        <div ref={box} class="layers">
            <svg width={width} height={HEIGHT} role="img" aria-label={label}>
                <text x={LEFT} y={14} class="title">
                    {title}
                </text>
                {ticks.map((v) => (
                    <g>
                        <line
                            class="rule"
                            x1={LEFT}
                            x2={width - RIGHT}
                            y1={y(scale === 'share' ? v : 10 ** v)}
                            y2={y(scale === 'share' ? v : 10 ** v)}
                        />
                        <text x={LEFT - 6} y={y(scale === 'share' ? v : 10 ** v) + 4} text-anchor="end">
                            {scale === 'share' ? `${100 * v} %` : power(v)}
                        </text>
                    </g>
                ))}
                <rect
                    class="chosen"
                    x={x(chosen) - (width - LEFT - RIGHT) / layers / 2}
                    y={TOP - 6}
                    width={(width - LEFT - RIGHT) / layers}
                    height={HEIGHT - TOP - BOTTOM + 12}
                />
                {Array.from({ length: layers }, (_, i) => (
                    <g class="pick" onClick={() => onChoose(i)}>
                        <rect
                            x={x(i) - (width - LEFT - RIGHT) / layers / 2}
                            y={0}
                            width={(width - LEFT - RIGHT) / layers}
                            height={HEIGHT}
                            fill="transparent"
                        />
                        {(i % every === 0 || i === layers - 1) && (i === layers - 1 || layers - 1 - i >= every) && (
                            <text x={x(i)} y={HEIGHT - 8} text-anchor="middle">
                                {i === layers - 1 ? t('out') : i + 1}
                            </text>
                        )}
                    </g>
                ))}
                {series.map((s) => {
                    const points = s.values.flatMap((v, i) => (shown(v) ? [`${x(i)},${y(v)}`] : []));
                    return (
                        <g class={`series ${s.kind}`}>
                            <polyline points={points.join(' ')} stroke-dasharray={s.dash} fill="none" />
                            {s.values.map(
                                (v, i) =>
                                    shown(v) && (
                                        <path
                                            d={s.mark === '●' ? DISC : SQUARE}
                                            transform={`translate(${x(i).toFixed(1)} ${y(v).toFixed(1)})`}
                                            data-series={s.name}
                                            data-layer={i}
                                            data-value={v}
                                        />
                                    ),
                            )}
                        </g>
                    );
                })}
            </svg>
        </div>
    );
}
