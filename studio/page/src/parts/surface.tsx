// A function of two numbers as a map with contour lines, and paths on it.
import { useEffect, useRef } from 'preact/hooks';
import { css, inked, useDark, type Colour } from './colours';

export interface Path {
    /** x, y, … with `stride` numbers a point. */
    points: readonly number[];
    stride: number;
    colour: Colour;
    dash: number[];
    /** A letter at its end. */
    mark: string;
}

interface Props {
    label: string;
    heights: Float32Array | undefined;
    side: number;
    range: { x: [number, number]; y: [number, number] };
    paths: Path[];
    axes: [string, string];
    onChoose?: (x: number, y: number) => void;
}

const SIZE = 560,
    LINES = 14;

/** Heights on a scale on which the valleys show: the square root of how far they lie above the lowest. */
function levels(heights: Float32Array): Float32Array {
    let low = Infinity,
        high = -Infinity;
    for (const h of heights) if (Number.isFinite(h)) ((low = Math.min(low, h)), (high = Math.max(high, h)));
    return heights.map((h) => (Number.isFinite(h) ? Math.sqrt((h - low) / (high - low || 1)) : 1));
}

/** Bilinear between the grid's points, row 0 at the bottom. */
function sample(level: Float32Array, side: number, u: number, v: number): number {
    const x = Math.min(side - 1.001, u * (side - 1)),
        y = Math.min(side - 1.001, v * (side - 1));
    const i = Math.floor(x),
        k = Math.floor(y),
        a = x - i,
        b = y - k,
        at = k * side + i;
    return (
        (level[at]! * (1 - a) + level[at + 1]! * a) * (1 - b) +
        (level[at + side]! * (1 - a) + level[at + side + 1]! * a) * b
    );
}

function drawMap(c: CanvasRenderingContext2D, heights: Float32Array, side: number, dark: boolean): void {
    const level = levels(heights),
        image = c.createImageData(SIZE, SIZE),
        pixels = image.data;
    const bands = new Int8Array(SIZE * SIZE);
    for (let row = 0; row < SIZE; row++)
        for (let column = 0; column < SIZE; column++) {
            const at = row * SIZE + column,
                l = sample(level, side, column / SIZE, 1 - (row + 1) / SIZE);
            bands[at] = Math.floor(l * LINES);
            const line = (column && bands[at] !== bands[at - 1]) || (row && bands[at] !== bands[at - SIZE]);
            const tone = dark ? 28 + 90 * l - (line ? -40 : 0) : 255 - 110 * l - (line ? 45 : 0);
            pixels[4 * at] = pixels[4 * at + 1] = tone;
            pixels[4 * at + 2] = dark ? tone + 14 : tone;
            pixels[4 * at + 3] = 255;
        }
    c.putImageData(image, 0, 0);
}

export function Surface({ label, heights, side, range, paths, axes, onChoose }: Props) {
    const map = useRef<HTMLCanvasElement>(null);
    const dark = useDark();
    useEffect(() => {
        if (heights) drawMap(map.current!.getContext('2d')!, heights, side, dark);
    }, [heights, dark]);
    const x = (v: number) => (SIZE * (v - range.x[0])) / (range.x[1] - range.x[0]);
    const y = (v: number) => SIZE - (SIZE * (v - range.y[0])) / (range.y[1] - range.y[0]);
    const choose = (e: MouseEvent) => {
        const box = map.current!.getBoundingClientRect();
        const u = (e.clientX - box.left) / box.width,
            v = 1 - (e.clientY - box.top) / box.height;
        onChoose?.(range.x[0] + u * (range.x[1] - range.x[0]), range.y[0] + v * (range.y[1] - range.y[0]));
    };
    return (
        <div class="surface" onClick={onChoose ? choose : undefined}>
            <canvas ref={map} width={SIZE} height={SIZE} aria-hidden="true" />
            <svg viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={label}>
                {paths.map((p) => {
                    const pairs: string[] = [];
                    for (let i = 0; i + 1 < p.points.length; i += p.stride)
                        pairs.push(`${x(p.points[i]!).toFixed(1)},${y(p.points[i + 1]!).toFixed(1)}`);
                    const end = pairs.at(-1)?.split(',').map(Number);
                    return (
                        <g>
                            <polyline
                                points={pairs.join(' ')}
                                fill="none"
                                stroke={css(inked(p.colour))}
                                stroke-width="2.5"
                                stroke-dasharray={p.dash.join(' ')}
                            />
                            {end && <circle cx={end[0]} cy={end[1]} r="9" fill={css(inked(p.colour))} />}
                            {end && (
                                <text x={end[0]} y={end[1]! + 4} text-anchor="middle" class="mark">
                                    {p.mark}
                                </text>
                            )}
                        </g>
                    );
                })}
                <text x={SIZE - 8} y={SIZE - 8} text-anchor="end">
                    {axes[0]} →
                </text>
                <text x={8} y={18}>
                    ↑ {axes[1]}
                </text>
            </svg>
        </div>
    );
}
