// Gradient flow: how large the gradient is that reaches each layer, on a logarithmic scale, with its number; and how many
// of the layer's units are saturated.
import { percent, scientific, t } from '../language';
import type { LayerLook } from './run_reader';

const WIDTH = 420,
    ROW = 46,
    HEAD = 22;

/** Whole decades that hold all the values, two at least. */
function decades(values: number[]): [number, number] {
    const logs = values.filter((v) => v > 0).map(Math.log10);
    if (!logs.length) return [-8, 0];
    const high = Math.ceil(Math.max(...logs)),
        low = Math.floor(Math.min(...logs));
    return [Math.min(low, high - 2), high];
}

export function LayerBars({ layers }: { layers: readonly LayerLook[] }) {
    const sizes = layers.map((l) => l.gradient_rms ?? NaN);
    const [low, high] = decades(sizes);
    const place = (value: number) => (value > 0 ? Math.max(2, ((Math.log10(value) - low) / (high - low)) * WIDTH) : 0);
    const state = (l: LayerLook) =>
        l.saturated === null
            ? ''
            : `${t('saturated')} ${percent(l.saturated)}${l.dead ? `, ${t('dead')} ${percent(l.dead)}` : ''}`;
    const said = layers.map((l, i) => `${l.name}: ${scientific(sizes[i]!)}${state(l) && `, ${state(l)}`}`).join('; ');
    return (
        <svg
            class="layer-bars"
            viewBox={`0 0 ${WIDTH} ${HEAD + layers.length * ROW}`}
            role="img"
            aria-label={`${t('Gradient that reaches each layer')}: ${said}`}
        >
            {Array.from({ length: high - low + 1 }, (_, i) => (
                <line
                    class="decade"
                    x1={(i / (high - low)) * WIDTH}
                    x2={(i / (high - low)) * WIDTH}
                    y1={HEAD - 4}
                    y2={HEAD + layers.length * ROW}
                />
            ))}
            <text x={0} y={14}>
                {scientific(10 ** low)}
            </text>
            <text x={WIDTH} y={14} text-anchor="end">
                {scientific(10 ** high)}
            </text>
            {layers.map((l, i) => (
                <g transform={`translate(0 ${HEAD + i * ROW})`}>
                    <text x={4} y={18}>
                        {l.name} <tspan class="gradient">{scientific(sizes[i]!)}</tspan>
                    </text>
                    <text x={WIDTH - 4} y={18} text-anchor="end" class="faint">
                        {state(l)}
                    </text>
                    <rect class="bar-of" x={0} y={25} width={place(sizes[i]!)} height={12} />
                </g>
            ))}
        </svg>
    );
}
