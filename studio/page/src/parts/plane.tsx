// The plane of x1 and x2: how the network answers over it, and the points. A canvas, since it changes with each frame.
import { useEffect, useRef } from 'preact/hooks';
import { useAdding } from './adding';
import { classColours, css, mix, paint, paper, type Colour } from './colours';

export interface PointSet {
    xy: Float32Array;
    labels: Float32Array;
    /** Drawn with an open middle: points of the test. */
    open?: boolean;
}

interface PlaneProps {
    label: string;
    /** Answers side × side × outputs, the first row at the bottom. */
    grid: Float32Array | undefined;
    side: number;
    outputs: number;
    reach: number;
    points: PointSet[];
    /** Whole classes instead of shades. */
    discretise?: boolean;
    onAdd?: (x: number, y: number, other: boolean) => void;
}

const SIZE = 600;

/** The colour of one answer. */
function shade(grid: Float32Array, at: number, outputs: number, discretise: boolean, ground: Colour): Colour {
    if (outputs === 1) {
        const p = grid[at]!,
            side = p < 0.5 ? 0 : 1;
        return mix(ground, classColours[side]!, discretise ? 0.6 : Math.abs(p - 0.5) * 1.3);
    }
    let best = 0;
    for (let k = 1; k < outputs; k++) if (grid[at + k]! > grid[at + best]!) best = k;
    const lead = (grid[at + best]! - 1 / outputs) / (1 - 1 / outputs);
    return mix(ground, classColours[best % 3]!, discretise ? 0.6 : lead * 0.65);
}

export function gridImage(grid: Float32Array, side: number, outputs: number, discretise: boolean): ImageData {
    const image = new ImageData(side, side),
        ground = paper();
    for (let i = 0; i < side * side; i++) {
        const row = side - 1 - Math.floor(i / side);
        paint(image.data, row * side + (i % side), shade(grid, i * outputs, outputs, discretise, ground));
    }
    return image;
}

/** A circle, triangle or square: classes differ by more than colour. */
export function drawMark(
    c: CanvasRenderingContext2D,
    x: number,
    y: number,
    label: number,
    size: number,
    open: boolean,
): void {
    c.beginPath();
    if (label === 0) c.arc(x, y, size, 0, 7);
    else if (label === 1) {
        c.moveTo(x, y - 1.25 * size);
        c.lineTo(x + 1.15 * size, y + 0.8 * size);
        c.lineTo(x - 1.15 * size, y + 0.8 * size);
        c.closePath();
    } else c.rect(x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size);
    const colour = css(classColours[label % 3]!);
    c.lineWidth = open ? 2.5 : 1.5;
    c.fillStyle = open ? css(paper()) : colour;
    c.strokeStyle = open ? colour : css(paper());
    c.fill();
    c.stroke();
}

/** Where keys would add a point. */
function drawCross(c: CanvasRenderingContext2D, x: number, y: number): void {
    c.beginPath();
    c.moveTo(x - 16, y);
    c.lineTo(x + 16, y);
    c.moveTo(x, y - 16);
    c.lineTo(x, y + 16);
    c.lineWidth = 3;
    c.strokeStyle = getComputedStyle(c.canvas).color;
    c.stroke();
}

export function Plane({ label, grid, side, outputs, reach, points, discretise = false, onAdd }: PlaneProps) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const small = useRef<OffscreenCanvas>();
    const { cross, attributes } = useAdding(reach, onAdd);
    useEffect(() => {
        const c = canvas.current!.getContext('2d')!;
        const place = (x: number, y: number) =>
            [SIZE * (0.5 + x / (2 * reach)), SIZE * (0.5 - y / (2 * reach))] as const;
        c.clearRect(0, 0, SIZE, SIZE);
        if (grid?.length === side * side * outputs) {
            small.current ??= new OffscreenCanvas(side, side);
            small.current.getContext('2d')!.putImageData(gridImage(grid, side, outputs, discretise), 0, 0);
            c.imageSmoothingEnabled = !discretise;
            c.drawImage(small.current, 0, 0, SIZE, SIZE);
        }
        for (const set of points)
            for (let i = 0; i < set.labels.length; i++)
                drawMark(c, ...place(set.xy[2 * i]!, set.xy[2 * i + 1]!), set.labels[i]!, 6, set.open ?? false);
        if (cross) drawCross(c, ...place(...cross));
    });
    return (
        <canvas ref={canvas} class="plane" width={SIZE} height={SIZE} role="img" aria-label={label} {...attributes} />
    );
}
