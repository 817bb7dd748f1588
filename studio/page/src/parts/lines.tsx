// A few lines over a common axis as a drawing: each has its mark and its dashes beside its colour, and its name at its
// end.
import { css, inked, type Colour } from './colours';

export interface Line {
    name: string;
    colour: Colour;
    mark: string;
    dash: number[];
    /** Heights at equal distances; what is not a number leaves a gap. */
    values: readonly number[];
}

interface Props {
    label: string;
    lines: readonly Line[];
    /** What is written below the first and the last value, and between. */
    ticks: readonly string[];
    axis: string;
    /** The top of the scale, and how heights are written. */
    top: number;
    text: (value: number) => string;
}

const WIDTH = 460,
    HEIGHT = 210,
    LEFT = 52,
    RIGHT = 24,
    TOP = 34,
    BOTTOM = 40;

export function Lines({ label, lines, ticks, axis, top, text }: Props) {
    const x = (share: number) => LEFT + share * (WIDTH - LEFT - RIGHT),
        y = (value: number) => HEIGHT - BOTTOM - (Math.min(value, top) / top) * (HEIGHT - TOP - BOTTOM);
    return (
        <svg class="lines" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
            {[0, 0.5, 1].map((share) => (
                <>
                    <path class="grid" d={`M${LEFT} ${y(share * top)}H${WIDTH - RIGHT}`} />
                    <text x={LEFT - 6} y={y(share * top) + 4} text-anchor="end">
                        {text(share * top)}
                    </text>
                </>
            ))}
            {ticks.map((tick, i) => (
                <text x={x(i / (ticks.length - 1))} y={HEIGHT - BOTTOM + 17} text-anchor="middle">
                    {tick}
                </text>
            ))}
            <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 5} text-anchor="middle">
                {axis}
            </text>
            {lines.map((line, k) => {
                const last = line.values.length - 1;
                const points = line.values.flatMap((v, i) =>
                    Number.isFinite(v) ? [[x(i / last), y(v)] as const] : [],
                );
                const every = Math.max(1, Math.round(points.length / 9));
                const at = LEFT + (k * (WIDTH - LEFT - RIGHT)) / lines.length;
                return (
                    <g data-line={line.name} data-values={line.values.join(' ')}>
                        <polyline
                            points={points.map((p) => p.map((v) => v.toFixed(1)).join()).join(' ')}
                            fill="none"
                            stroke={css(inked(line.colour))}
                            stroke-width="2.5"
                            stroke-dasharray={line.dash.join(' ')}
                        />
                        {points
                            .filter((_, i) => i % every === 0)
                            .map(([px, py]) => (
                                <text
                                    x={px}
                                    y={py + 4.5}
                                    text-anchor="middle"
                                    fill={css(inked(line.colour))}
                                    class="dot"
                                >
                                    {line.mark}
                                </text>
                            ))}
                        <text x={at} y={16}>
                            <tspan fill={css(inked(line.colour))} class="dot">
                                {line.mark}
                            </tspan>{' '}
                            {line.name}
                        </text>
                    </g>
                );
            })}
        </svg>
    );
}
