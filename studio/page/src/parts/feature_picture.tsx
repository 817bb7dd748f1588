// Pictures that were made to excite units: in grey or colour, one large or many on a sheet, and the curve of the ascent.
import { useEffect, useRef } from 'preact/hooks';
import { decimal, t } from '../language';

interface Range {
    low: number;
    high: number;
}

/** The grey of a number, or red, green and blue of three, from 0 to 255; without bounds by the picture's own range. */
function paint(data: Float32Array, sample: number[], { low, high }: Range): ImageData {
    const three = sample.length === 3,
        channels = three ? sample[0]! : 1,
        height = three ? sample[1]! : 1,
        width = three ? sample[2]! : data.length;
    let from = low,
        to = high;
    if (!(low < high)) {
        from = data.reduce((a, b) => Math.min(a, b), Infinity);
        to = data.reduce((a, b) => Math.max(a, b), -Infinity);
    }
    const image = new ImageData(width, height),
        plane = height * width,
        shade = (v: number) => (255 * (v - from)) / (to - from || 1);
    for (let i = 0; i < plane; i++) {
        for (let k = 0; k < 3; k++) image.data[4 * i + k] = shade(data[(channels >= 3 ? k * plane : 0) + i]!);
        image.data[4 * i + 3] = 255;
    }
    return image;
}

const sidesOf = (sample: number[]) => ({ height: sample.length === 3 ? sample[1]! : 1, width: sample.at(-1)! });

interface FeaturePictureProps extends Range {
    label: string;
    picture: Float32Array;
    sample: number[];
}

export function FeaturePicture({ label, picture, sample, low, high }: FeaturePictureProps) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const { height, width } = sidesOf(sample),
        zoom = Math.max(1, Math.floor(560 / Math.max(height, width)));
    useEffect(() => {
        const small = new OffscreenCanvas(width, height),
            c = canvas.current!.getContext('2d')!;
        small.getContext('2d')!.putImageData(paint(picture, sample, { low, high }), 0, 0);
        c.imageSmoothingEnabled = false;
        c.drawImage(small, 0, 0, width * zoom, height * zoom);
    });
    return (
        <canvas
            ref={canvas}
            class="maps"
            width={width * zoom}
            height={height * zoom}
            style={{ maxWidth: '420px' }}
            role="img"
            aria-label={label}
        />
    );
}

interface SheetProps extends Range {
    label: string;
    data: Float32Array;
    count: number;
    sample: number[];
    chosen: number;
    onPick: (unit: number) => void;
}

const COLUMNS = 10,
    EDGE = 4;

export function Sheet({ label, data, count, sample, low, high, chosen, onPick }: SheetProps) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const { height, width } = sidesOf(sample),
        zoom = Math.max(1, Math.floor(112 / Math.max(height, width))),
        columns = Math.min(COLUMNS, count);
    const across = width * zoom + EDGE,
        down = height * zoom + EDGE;
    useEffect(() => {
        const c = canvas.current!.getContext('2d')!,
            small = new OffscreenCanvas(width, height),
            size = data.length / count;
        c.clearRect(0, 0, canvas.current!.width, canvas.current!.height);
        c.imageSmoothingEnabled = false;
        for (let k = 0; k < count; k++) {
            const own = data.subarray(k * size, (k + 1) * size),
                x = EDGE + (k % columns) * across,
                y = EDGE + Math.floor(k / columns) * down;
            small.getContext('2d')!.putImageData(paint(own, sample, { low, high }), 0, 0);
            c.drawImage(small, x, y, width * zoom, height * zoom);
            if (k !== chosen) continue;
            c.strokeStyle = getComputedStyle(canvas.current!).getPropertyValue('--accent');
            c.lineWidth = EDGE;
            c.strokeRect(x - EDGE / 2, y - EDGE / 2, width * zoom + EDGE, height * zoom + EDGE);
        }
    });
    const pick = (e: MouseEvent) => {
        const box = canvas.current!.getBoundingClientRect(),
            scale = canvas.current!.width / box.width;
        const column = Math.floor(((e.clientX - box.left) * scale) / across),
            row = Math.floor(((e.clientY - box.top) * scale) / down),
            k = row * columns + column;
        if (column < columns && k < count) onPick(k);
    };
    return (
        <canvas
            ref={canvas}
            class="maps choose"
            width={columns * across + EDGE}
            height={Math.ceil(count / columns) * down + EDGE}
            role="img"
            aria-label={label}
            onClick={pick}
        />
    );
}

const W = 420,
    H = 120;

/** Step and activation in turn. */
export function Ascent({ path }: { path: number[] }) {
    const values = path.filter((_, i) => i % 2 === 1),
        steps = path.at(-2) || 1,
        low = Math.min(...values, 0),
        high = Math.max(...values, low + 1e-9);
    const x = (step: number) => 50 + ((W - 60) * step) / steps,
        y = (v: number) => H - 20 - ((H - 34) * (v - low)) / (high - low);
    const points = values.map((v, i) => `${x(path[2 * i]!).toFixed(1)},${y(v).toFixed(1)}`).join(' ');
    return (
        <svg class="ascent" viewBox={`0 0 ${W} ${H}`} role="img" aria-label={t('Activation, step by step')}>
            <line x1={50} x2={W - 10} y1={y(low)} y2={y(low)} />
            <polyline points={points} />
            <text x={46} y={y(low)} text-anchor="end">
                {decimal(low, 1)}
            </text>
            <text x={46} y={y(high) + 8} text-anchor="end">
                {decimal(high, 1)}
            </text>
            <text x={W - 10} y={H - 4} text-anchor="end">
                {t('step')} {path.at(-2) ?? 0}
            </text>
        </svg>
    );
}
