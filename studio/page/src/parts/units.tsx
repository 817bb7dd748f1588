// A layer unit by unit: what each answers over the plane, and its weights as squares: filled where they are positive,
// hollow where they are negative, as large as they are (Hinton's diagram). Units that are equal look equal.
import { useEffect, useRef } from 'preact/hooks';
import { decimal, t } from '../language';
import { paper, signed, useDark } from './colours';

const CELL = 22,
    NAME = 26;

interface UnitsProps {
    label: string;
    /** side² × units outputs, the first row at the bottom; `low` is drawn orange, `high` blue. */
    maps: Float32Array;
    side: number;
    low: number;
    high: number;
    weights: Float32Array;
    biases: Float32Array;
}

/** All units side by side in one picture: what one canvas draws at once costs least. */
export function UnitMaps({ label, maps, side, low, high, biases }: Omit<UnitsProps, 'weights'>) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const dark = useDark();
    const units = biases.length,
        pitch = side + 3,
        width = units * pitch - 3;
    useEffect(() => {
        if (maps.length !== side * side * units) return;
        const image = new ImageData(width, side),
            ground = paper();
        for (let u = 0; u < units; u++)
            for (let i = 0; i < side * side; i++) {
                const value = (2 * (maps[i * units + u]! - low)) / (high - low) - 1;
                const [r, g, b] = signed(value, ground);
                const at = 4 * ((side - 1 - Math.floor(i / side)) * width + u * pitch + (i % side));
                image.data[at] = r;
                image.data[at + 1] = g;
                image.data[at + 2] = b;
                image.data[at + 3] = 255;
            }
        canvas.current!.getContext('2d')!.putImageData(image, 0, 0);
    }, [maps, dark]);
    return (
        <canvas
            ref={canvas}
            class="unit-maps"
            width={width}
            height={side}
            style={{ maxWidth: `${2 * width}px` }}
            role="img"
            aria-label={label}
        />
    );
}

export function Hinton({ label, weights, biases }: Pick<UnitsProps, 'label' | 'weights' | 'biases'>) {
    const units = biases.length,
        inputs = weights.length / units;
    const largest = Math.max(1e-9, ...weights.map(Math.abs), ...biases.map(Math.abs));
    const cell = (value: number, row: number, column: number, name: string) => {
        const size = Number.isFinite(value) ? Math.max(1.5, (CELL - 3) * Math.sqrt(Math.abs(value) / largest)) : 0;
        return (
            <rect
                class={value < 0 ? 'negative' : 'positive'}
                x={NAME + column * CELL + (CELL - size) / 2}
                y={row * CELL + (CELL - size) / 2}
                width={size}
                height={size}
            >
                <title>{`${t('unit')} ${row + 1}, ${name}: ${decimal(value, 4)}`}</title>
            </rect>
        );
    };
    const width = NAME + (inputs + 1) * CELL + 8,
        height = units * CELL + 18;
    return (
        <div class="scroll" tabIndex={0} role="region" aria-label={label}>
            <svg class="hinton" width={width} height={height} role="img" aria-label={label}>
                {Array.from(biases, (bias, u) => (
                    <g data-unit={u}>
                        <text x={NAME - 6} y={u * CELL + CELL / 2 + 4} text-anchor="end">
                            {u + 1}
                        </text>
                        {Array.from({ length: inputs }, (_, k) =>
                            cell(weights[u * inputs + k]!, u, k, `${t('weight')} ${k + 1}`),
                        )}
                        {cell(bias, u, inputs + 0.3, t('bias'))}
                    </g>
                ))}
                <text x={NAME + (inputs * CELL) / 2} y={height - 4} text-anchor="middle">
                    {t('weights')}
                </text>
                <text x={NAME + (inputs + 0.8) * CELL} y={height - 4} text-anchor="middle">
                    b
                </text>
            </svg>
        </div>
    );
}
