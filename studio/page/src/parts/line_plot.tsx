// A curve that is learnt: the network's answers from left to right, and the points.
import { t } from '../language';
import { useAdding } from './adding';
import { classColours, css } from './colours';
import type { PointSet } from './plane';

interface Props {
    label: string;
    /** Answers at places evenly spread from -reach to reach. */
    answers: Float32Array | undefined;
    reach: number;
    points: PointSet[];
    onAdd: (x: number, y: number, other: boolean) => void;
}

const SIZE = 600;

export function LinePlot({ label, answers, reach, points, onAdd }: Props) {
    const place = (v: number) => SIZE * (0.5 + v / (2 * reach));
    const { cross, attributes } = useAdding(reach, onAdd);
    const within = (v: number) => Math.max(-2 * reach, Math.min(2 * reach, v));
    const line = Array.from(
        answers ?? [],
        (y, i) =>
            `${i ? 'L' : 'M'}${((SIZE * i) / (answers!.length - 1)).toFixed(1)} ${(SIZE - place(within(y))).toFixed(1)}`,
    ).join('');
    return (
        <svg class="plane line" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={label} {...attributes}>
            <path class="axis" d={`M0 ${SIZE / 2}H${SIZE}M${SIZE / 2} 0V${SIZE}`} />
            <text x={SIZE - 8} y={SIZE / 2 - 8} text-anchor="end">
                x
            </text>
            <text x={SIZE / 2 + 8} y={16}>
                y
            </text>
            {points.map((set) =>
                Array.from(set.labels, (_, i) => (
                    <circle
                        cx={place(set.xy[2 * i]!)}
                        cy={SIZE - place(set.xy[2 * i + 1]!)}
                        r={5}
                        fill={set.open ? 'none' : css(classColours[0]!)}
                        stroke={css(classColours[0]!)}
                        stroke-width={2}
                    />
                )),
            )}
            <path class="answer" d={line} stroke={css(classColours[1]!)}>
                <title>{t('The network’s answers')}</title>
            </path>
            {cross && <path class="cross" d={`M${place(cross[0]) - 16} ${SIZE - place(cross[1])}h32m-16 -16v32`} />}
        </svg>
    );
}
