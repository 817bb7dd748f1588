// A picture with its name and, below it, buttons that save it. What is saved is what is seen: everything drawn inside,
// put together as one SVG in the colours of the page, and that SVG as pixels for PNG.
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { t } from '../language';
import { drawingOf } from './drawing';
import { useShown } from './view';

export function save(name: string, blob: Blob): void {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Twice the size on the screen, so that it is sharp on a slide. */
async function pixels(svg: string): Promise<Blob | null> {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = 2 * image.width;
    canvas.height = 2 * image.height;
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done));
}

/** `name` is the file's name without its ending. */
export function Figure({ name, children }: { name: string; children: ComponentChildren }) {
    const box = useRef<HTMLElement>(null);
    const saves = useShown('Save the picture', 'save');
    const png = async () => {
        const blob = await pixels(drawingOf(box.current!));
        if (blob) save(`${name}.png`, blob);
    };
    const svg = () => save(`${name}.svg`, new Blob([drawingOf(box.current!)], { type: 'image/svg+xml' }));
    return (
        <figure ref={box} class="figure">
            {children}
            {saves && (
                <div class="save" role="group" aria-label={`${t('Save the picture')}: ${name}`}>
                    <button type="button" onClick={svg}>
                        SVG
                    </button>
                    <button type="button" onClick={() => void png()}>
                        PNG
                    </button>
                </div>
            )}
        </figure>
    );
}
