// Pictures of numbers, side by side on one canvas: the maps of a layer, its kernels, a digit. A place can be chosen by a
// click; rooms that use this offer it by number boxes too.
import { useEffect, useRef } from 'preact/hooks';
import { isDark, mix, paper, signed, useDark, type Colour } from './colours';

export interface MapPlace {
    map: number;
    row: number;
    column: number;
}

interface MapsProps {
    label: string;
    /** count × height × width. */
    data: Float32Array | undefined;
    count: number;
    height: number;
    width: number;
    /** Maps in a row. */
    columns: number;
    /** Screen pixels of a number, at most. */
    zoom: number;
    /** Blue above 0 and orange below, or ink from 0 to 1. */
    kind: 'signed' | 'ink';
    /** Each map by its own largest number, not by that of all. */
    each?: boolean;
    /** Writes + and − into what is strong. */
    signs?: boolean;
    chosen?: MapPlace | undefined;
    /** A chosen map without a chosen place in it. */
    chosenMap?: number | undefined;
    onPick?: (place: MapPlace) => void;
}

const SHADES = 128;

/** Colours from −1 to 1. */
function scale(kind: 'signed' | 'ink'): Uint8ClampedArray {
    const ground = paper(),
        ink: Colour = isDark() ? [230, 237, 243] : [27, 31, 36],
        table = new Uint8ClampedArray(3 * (2 * SHADES + 1));
    for (let i = -SHADES; i <= SHADES; i++) {
        const v = i / SHADES;
        table.set(kind === 'signed' ? signed(v, ground) : mix(ground, ink, Math.max(0, v)), 3 * (i + SHADES));
    }
    return table;
}

function greatest(data: Float32Array, from: number, to: number): number {
    let most = 0;
    for (let i = from; i < to; i++) most = Math.max(most, Math.abs(data[i]!));
    return most;
}

export function Maps(props: MapsProps) {
    const { label, data, count, height, width, zoom, kind, each = false, signs = false, chosen, chosenMap } = props;
    const canvas = useRef<HTMLCanvasElement>(null);
    const dark = useDark();
    const small = useRef<OffscreenCanvas>();
    const columns = Math.min(props.columns, count),
        rows = Math.ceil(count / columns);
    const side = Math.max(1, Math.min(12, Math.floor(1000 / (columns * (width + 1))))),
        gap = Math.max(2, side);
    const wide = columns * (width * side + gap) + gap,
        tall = rows * (height * side + gap) + gap;
    useEffect(() => {
        const c = canvas.current!.getContext('2d')!;
        c.clearRect(0, 0, wide, tall);
        if (data?.length !== count * height * width) return;
        small.current ??= new OffscreenCanvas(1, 1);
        const sheet = small.current,
            size = height * width;
        if (sheet.width !== width || sheet.height !== count * height) {
            sheet.width = width;
            sheet.height = count * height;
        }
        const image = new ImageData(width, count * height),
            colours = scale(kind),
            most = kind === 'ink' ? 1 : greatest(data, 0, data.length) || 1;
        for (let map = 0; map < count; map++) {
            const top = each ? greatest(data, map * size, (map + 1) * size) || 1 : most;
            for (let i = map * size; i < (map + 1) * size; i++) {
                const shade = 3 * (Math.round(SHADES * Math.max(-1, Math.min(1, data[i]! / top))) + SHADES);
                image.data[4 * i] = colours[shade]!;
                image.data[4 * i + 1] = colours[shade + 1]!;
                image.data[4 * i + 2] = colours[shade + 2]!;
                image.data[4 * i + 3] = 255;
            }
        }
        sheet.getContext('2d')!.putImageData(image, 0, 0);
        c.imageSmoothingEnabled = false;
        const line = getComputedStyle(canvas.current!).getPropertyValue('--line'),
            accent = getComputedStyle(canvas.current!).getPropertyValue('--accent');
        for (let map = 0; map < count; map++) {
            const x = gap + (map % columns) * (width * side + gap),
                y = gap + Math.floor(map / columns) * (height * side + gap);
            c.drawImage(sheet, 0, map * height, width, height, x, y, width * side, height * side);
            const here = chosenMap === map || chosen?.map === map;
            c.strokeStyle = here ? accent : line;
            c.lineWidth = here ? gap : Math.max(1, gap / 4);
            c.strokeRect(
                x - c.lineWidth / 2,
                y - c.lineWidth / 2,
                width * side + c.lineWidth,
                height * side + c.lineWidth,
            );
            if (here && chosen) {
                c.lineWidth = Math.max(2, side / 4);
                c.strokeRect(x + chosen.column * side, y + chosen.row * side, side, side);
            }
            if (!signs) continue;
            c.font = `${side}px sans-serif`;
            c.textAlign = 'center';
            c.textBaseline = 'middle';
            c.fillStyle = getComputedStyle(canvas.current!).color;
            for (let i = 0; i < size; i++) {
                const v = data[map * size + i]! / most;
                if (Math.abs(v) > 0.3)
                    c.fillText(
                        v < 0 ? '−' : '+',
                        x + ((i % width) + 0.5) * side,
                        y + (Math.floor(i / width) + 0.5) * side,
                    );
            }
        }
    }, [
        data,
        count,
        height,
        width,
        columns,
        kind,
        each,
        signs,
        chosen?.map,
        chosen?.row,
        chosen?.column,
        chosenMap,
        dark,
    ]);
    const pick = (e: MouseEvent) => {
        const box = canvas.current!.getBoundingClientRect();
        const x = ((e.clientX - box.left) / box.width) * wide - gap,
            y = ((e.clientY - box.top) / box.height) * tall - gap;
        const across = Math.floor(x / (width * side + gap)),
            down = Math.floor(y / (height * side + gap)),
            map = down * columns + across;
        const column = Math.floor((x - across * (width * side + gap)) / side),
            row = Math.floor((y - down * (height * side + gap)) / side);
        if (
            across >= 0 &&
            across < columns &&
            map >= 0 &&
            map < count &&
            column >= 0 &&
            column < width &&
            row >= 0 &&
            row < height
        )
            props.onPick?.({ map, row, column });
    };
    return (
        <canvas
            ref={canvas}
            class={props.onPick ? 'maps choose' : 'maps'}
            width={wide}
            height={tall}
            style={{ maxWidth: `${columns * (width * zoom + 3) + 3}px` }}
            role="img"
            aria-label={label}
            onClick={props.onPick ? pick : undefined}
        />
    );
}
