// A picture of numbers: grey where they are greys; else blue for more than 0, and orange with stripes for less, so that
// signs can be told without colours. A frame shows the place whose number is read.
import { useEffect, useRef } from 'preact/hooks';
import { isDark, mix, paper, useDark, type Colour } from './colours';

interface Props {
    label: string;
    width: number;
    height: number;
    values: Float32Array;
    /** The magnitude that gets the full colour; 0 for greys between 0 and 1. */
    largest: number;
    /** Free room around the numbers, so that pictures of the same scene lie alike. */
    margin?: number;
    /** Pixels of the canvas for one number. */
    scale?: number;
    /** The place in the scene, margin included, and how much lies around it in the frame. */
    at?: { row: number; column: number; reach: number };
    onPoint?: (row: number, column: number) => void;
}

const positive = (): Colour => (isDark() ? [86, 180, 255] : [0, 84, 160]);
const negative = (): Colour => (isDark() ? [255, 150, 60] : [200, 80, 0]);

/** Which pixels of the canvas a stripe leaves free. */
const striped = (x: number, y: number) => (x + y) % 5 < 2;

function imageOf({ width, height, values, largest, margin = 0, scale = 3 }: Props): ImageData {
    const wide = (width + 2 * margin) * scale,
        high = (height + 2 * margin) * scale;
    const image = new ImageData(wide, high),
        data = image.data,
        ground = paper(),
        [up, down] = [positive(), negative()];
    for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++) {
            const v = values[row * width + column]!;
            const shade = Math.round(255 * Math.min(1, Math.max(0, v)));
            const colour: Colour =
                largest === 0 ? [shade, shade, shade] : mix(ground, v < 0 ? down : up, Math.abs(v) / largest);
            const stripes = largest > 0 && v < -0.04 * largest;
            for (let y = (row + margin) * scale; y < (row + margin + 1) * scale; y++)
                for (let x = (column + margin) * scale; x < (column + margin + 1) * scale; x++) {
                    const free = stripes && striped(x, y),
                        to = 4 * (y * wide + x);
                    for (let k = 0; k < 3; k++) data[to + k] = free ? ground[k]! : colour[k]!;
                    data[to + 3] = 255;
                }
        }
    return image;
}

export function Response(props: Props) {
    const { label, width, height, values, largest, margin = 0, scale = 3, at, onPoint } = props;
    const canvas = useRef<HTMLCanvasElement>(null);
    const image = useRef<ImageData>();
    const dark = useDark();
    useEffect(() => {
        image.current = imageOf(props);
    }, [values, largest, margin, scale, dark]);
    useEffect(() => {
        const c = canvas.current!.getContext('2d')!;
        c.clearRect(0, 0, c.canvas.width, c.canvas.height);
        c.putImageData(image.current!, 0, 0);
        if (!at) return;
        const side = (2 * at.reach + 1) * scale,
            x = (at.column - at.reach) * scale,
            y = (at.row - at.reach) * scale;
        for (const [ink, width] of [
            ['#fff', 5],
            ['#c4007a', 2.5],
        ] as const) {
            c.strokeStyle = ink;
            c.lineWidth = width;
            c.strokeRect(x - 2, y - 2, side + 4, side + 4);
        }
    }, [values, largest, margin, scale, dark, at?.row, at?.column, at?.reach]);
    const point = (e: MouseEvent) => {
        const box = canvas.current!.getBoundingClientRect();
        const row = Math.floor(((e.clientY - box.top) / box.height) * (height + 2 * margin)),
            column = Math.floor(((e.clientX - box.left) / box.width) * (width + 2 * margin));
        if (row >= 0 && column >= 0) onPoint?.(row, column);
    };
    return (
        <canvas
            ref={canvas}
            class={onPoint ? 'response point' : 'response'}
            width={(width + 2 * margin) * scale}
            height={(height + 2 * margin) * scale}
            role="img"
            aria-label={label}
            onPointerMove={onPoint ? point : undefined}
            onClick={onPoint ? point : undefined}
        />
    );
}

/** What the colours of a signed picture mean, from the largest negative number to the largest positive one. */
export function SignScale({ largest, text }: { largest: number; text: (value: number) => string }) {
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        const values = Float32Array.from({ length: 61 * 6 }, (_, i) => ((i % 61) - 30) / 30);
        canvas
            .current!.getContext('2d')!
            .putImageData(imageOf({ label: '', width: 61, height: 6, values, largest: 1 }), 0, 0);
    }, []);
    return (
        <p class="scale">
            <span>{text(-largest)}</span>
            <canvas ref={canvas} width={183} height={18} aria-hidden="true" />
            <span>+{text(largest)}</span>
        </p>
    );
}
