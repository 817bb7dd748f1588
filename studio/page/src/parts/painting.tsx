// A picture that a network paints from the places of its pixels, and the picture that it learns.
import { useEffect, useRef } from 'preact/hooks';

interface Props {
    label: string;
    /** Three numbers for each pixel, 0 … 1; what lies outside is cut off. */
    colours: Float32Array | undefined;
    side: number;
    /** Whether the first row is the lowest. */
    upward?: boolean;
}

export function Painting({ label, colours, side, upward = false }: Props) {
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        if (colours?.length !== 3 * side * side) return;
        const context = canvas.current!.getContext('2d')!,
            image = context.createImageData(side, side);
        for (let i = 0; i < side * side; i++) {
            const row = Math.floor(i / side),
                to = 4 * ((upward ? side - 1 - row : row) * side + (i % side));
            for (let k = 0; k < 3; k++) image.data[to + k] = 255 * colours[3 * i + k]!;
            image.data[to + 3] = 255;
        }
        context.putImageData(image, 0, 0);
    });
    return <canvas ref={canvas} class="plane painting" width={side} height={side} role="img" aria-label={label} />;
}
