// Small pictures out of a run: the filters of its first convolution, and its answers over the plane of two features.
import { useEffect, useRef } from 'preact/hooks';
import { decimal, t } from '../language';
import { classColours, css, mix, paper, signed } from './colours';
import { drawMark } from './plane';
import { bytesOf, type Filters, type PlaneLook } from './run_reader';

const GAP = 1;

/** Filters side by side; of three channels red, green and blue, of one blue above 0 and orange below. */
export function FilterPicture({ picture: p }: { picture: Filters }) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const columns = Math.min(p.count, 8),
        rows = Math.ceil(p.count / columns);
    useEffect(() => {
        const c = canvas.current!.getContext('2d')!,
            bytes = bytesOf(p.bytes),
            area = p.height * p.width,
            largest = Math.max(Math.abs(p.low), Math.abs(p.high)) || 1;
        c.clearRect(0, 0, canvas.current!.width, canvas.current!.height);
        for (let f = 0; f < p.count; f++) {
            const image = new ImageData(p.width, p.height);
            for (let i = 0; i < area; i++) {
                const at = f * p.channels * area + i;
                const weight = p.low + (bytes[at]! / 255) * (p.high - p.low);
                const colour =
                    p.channels === 3
                        ? [bytes[at]!, bytes[at + area]!, bytes[at + 2 * area]!]
                        : signed(weight / largest, paper());
                image.data.set([...colour, 255], 4 * i);
            }
            c.putImageData(image, (f % columns) * (p.width + GAP), Math.floor(f / columns) * (p.height + GAP));
        }
    });
    return (
        <canvas
            ref={canvas}
            class="run-filters"
            width={columns * (p.width + GAP) - GAP}
            height={rows * (p.height + GAP) - GAP}
            role="img"
            aria-label={`${t('Filters of')} ${p.layer}: ${p.count}, ${p.height} × ${p.width}, ${decimal(p.low, 3)} … ${decimal(p.high, 3)}`}
        />
    );
}

const SIZE = 480;

export function PlanePicture({
    picture: p,
    points,
}: {
    picture: PlaneLook;
    points: readonly [number, number, number][];
}) {
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        const c = canvas.current!.getContext('2d')!,
            bytes = bytesOf(p.bytes),
            classes = p.classes ? bytesOf(p.classes) : undefined,
            ground = paper();
        const image = new ImageData(p.columns, p.rows);
        for (let i = 0; i < bytes.length; i++) {
            const value = bytes[i]! / 255,
                likely = p.low + value * (p.high - p.low);
            const colour = classes
                ? mix(ground, classColours[classes[i]! % 3]!, Math.max(0, Math.min(1, likely)) ** 2 * 0.65)
                : signed(2 * value - 1, ground);
            image.data.set([...colour, 255], 4 * i);
        }
        const small = new OffscreenCanvas(p.columns, p.rows);
        small.getContext('2d')!.putImageData(image, 0, 0);
        c.drawImage(small, 0, 0, SIZE, SIZE);
        for (const [x, y, label] of points) {
            const across = (SIZE * (x - p.left)) / (p.right - p.left),
                down = (SIZE * (p.top - y)) / (p.top - p.bottom);
            if (classes) drawMark(c, across, down, label % 3, 5, false);
            else {
                c.fillStyle = css(classColours[2]!);
                c.fillRect(across - 2, down - 2, 4, 4);
            }
        }
    });
    return (
        <canvas
            ref={canvas}
            class="plane still"
            width={SIZE}
            height={SIZE}
            role="img"
            aria-label={t('The answers over the plane, and the points')}
        />
    );
}
