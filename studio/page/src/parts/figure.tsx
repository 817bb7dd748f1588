// A picture with its name and, below it, buttons that save it: as SVG what is drawn by an <svg>, as PNG everything.
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { t } from '../language';

function save(name: string, blob: Blob): void {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** What a style sheet says of a drawing travels only if it is written into it. */
const STYLES = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font', 'text-anchor'];

function standalone(svg: SVGSVGElement): string {
    const copy = svg.cloneNode(true) as SVGSVGElement;
    const originals = [svg, ...svg.querySelectorAll('*')];
    [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
        const style = getComputedStyle(originals[i]!);
        for (const name of STYLES) (element as SVGElement).style.setProperty(name, style.getPropertyValue(name));
    });
    const { width, height } = svg.getBoundingClientRect();
    copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    copy.setAttribute('width', `${width}`);
    copy.setAttribute('height', `${height}`);
    copy.style.background = getComputedStyle(document.body).backgroundColor;
    return new XMLSerializer().serializeToString(copy);
}

async function drawn(svg: SVGSVGElement): Promise<HTMLCanvasElement> {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = 2 * image.width;
    canvas.height = 2 * image.height;
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas;
}

/** `name` is the file's name without its ending. The first svg or canvas inside is what is saved. */
export function Figure({ name, children }: { name: string; children: ComponentChildren }) {
    const box = useRef<HTMLElement>(null);
    const picture = () => box.current!.querySelector<SVGSVGElement | HTMLCanvasElement>('svg, canvas');
    const png = async () => {
        const found = picture();
        if (!found) return;
        const canvas = found instanceof SVGSVGElement ? await drawn(found) : found;
        canvas.toBlob((blob) => blob && save(`${name}.png`, blob));
    };
    const svg = () => {
        const found = picture();
        if (found instanceof SVGSVGElement)
            save(`${name}.svg`, new Blob([standalone(found)], { type: 'image/svg+xml' }));
        else void png();
    };
    return (
        <figure ref={box} class="figure">
            {children}
            <div class="save" role="group" aria-label={`${t('Save the picture')}: ${name}`}>
                <button type="button" onClick={svg}>
                    SVG
                </button>
                <button type="button" onClick={() => void png()}>
                    PNG
                </button>
            </div>
        </figure>
    );
}
