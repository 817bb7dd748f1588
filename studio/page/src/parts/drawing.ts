// What is seen inside an element as one SVG that stands alone: its <svg>s as they are, its canvases as embedded pixels,
// its text, and the boxes of HTML elements that have a border or a ground. A part that can draw itself better than its
// pixels registers how (curves, whose plot is a canvas). Controls, and what is marked data-unsaved, are left out.
const NAMESPACE = 'http://www.w3.org/2000/svg';
const MARGIN = 8;

/** What a style sheet says of a drawing travels only if it is written into it. */
const STYLES = [
    'fill',
    'fill-opacity',
    'stroke',
    'stroke-width',
    'stroke-dasharray',
    'stroke-linecap',
    'stroke-linejoin',
    'stroke-opacity',
    'opacity',
    'paint-order',
    'font-family',
    'font-size',
    'font-weight',
    'font-style',
    'text-anchor',
    'dominant-baseline',
    'display',
    'visibility',
];

const UNSAVED = 'select, input, textarea, label, .save, .note, .hidden, [data-unsaved]';

/** Draws an element's content in its own width and height, in place of what is inside it. */
export type Drawer = () => SVGElement;
const drawers = new WeakMap<Element, Drawer>();

export function drawsItself(element: Element, drawer: Drawer): void {
    drawers.set(element, drawer);
}

export function make(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
    const element = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
    if (text !== undefined) element.textContent = text;
    return element;
}

/** An <svg> with its styles written into it. */
function styled(svg: SVGSVGElement): SVGSVGElement {
    const copy = svg.cloneNode(true) as SVGSVGElement;
    const originals = [svg, ...svg.querySelectorAll('*')];
    [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
        const style = getComputedStyle(originals[i]!);
        element.removeAttribute('class');
        for (const name of STYLES) (element as SVGElement).style.setProperty(name, style.getPropertyValue(name));
    });
    copy.removeAttribute('style');
    return copy;
}

class Drawing {
    #parts: SVGElement[] = [];
    #left = Infinity;
    #top = Infinity;
    #right = -Infinity;
    #bottom = -Infinity;

    add(part: SVGElement, { left, top, right, bottom }: DOMRect): void {
        this.#parts.push(part);
        this.#left = Math.min(this.#left, left);
        this.#top = Math.min(this.#top, top);
        this.#right = Math.max(this.#right, right);
        this.#bottom = Math.max(this.#bottom, bottom);
    }

    text(): string {
        const x = this.#left - MARGIN,
            y = this.#top - MARGIN;
        const width = Math.max(0, this.#right - x + MARGIN),
            height = Math.max(0, this.#bottom - y + MARGIN);
        const root = make('svg', { width, height, viewBox: `${x} ${y} ${width} ${height}` });
        const ground = getComputedStyle(document.documentElement).backgroundColor;
        root.append(make('rect', { x, y, width, height, fill: ground }), ...this.#parts);
        return new XMLSerializer().serializeToString(root);
    }
}

function addText(drawing: Drawing, node: Text, parent: Element): void {
    const text = node.data.replace(/\s+/g, ' ').trim();
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!text || !box.width) return;
    const style = getComputedStyle(parent);
    const attributes = {
        x: box.left,
        y: box.top + box.height / 2,
        'dominant-baseline': 'central',
        fill: style.color,
        'font-family': style.fontFamily,
        'font-size': style.fontSize,
        'font-weight': style.fontWeight,
    };
    drawing.add(make('text', attributes, text), box);
}

const clear = (colour: string) => colour === 'transparent' || /^rgba\(.*, 0\)$|\/ 0\)$/.test(colour);

/** The ground and border of an HTML element, if it has any. */
function addBox(drawing: Drawing, element: Element, box: DOMRect): void {
    const style = getComputedStyle(element);
    const border = style.borderTopStyle === 'none' ? 0 : parseFloat(style.borderTopWidth);
    if (!border && clear(style.backgroundColor)) return;
    const shape = make('rect', {
        x: box.left + border / 2,
        y: box.top + border / 2,
        width: Math.max(0, box.width - border),
        height: Math.max(0, box.height - border),
        rx: style.borderTopLeftRadius.endsWith('%') ? box.width / 2 : parseFloat(style.borderTopLeftRadius) || 0,
        fill: clear(style.backgroundColor) ? 'none' : style.backgroundColor,
        stroke: border ? style.borderTopColor : 'none',
        'stroke-width': border,
    });
    drawing.add(shape, box);
}

/** Pixels as sharp as on the page, and cut off where the box around them has round corners. */
function imageStyle(canvas: HTMLCanvasElement, parent: Element): string {
    const sharp = getComputedStyle(canvas).imageRendering === 'pixelated' ? 'image-rendering: pixelated; ' : '';
    const { overflowX, borderTopLeftRadius: radius } = getComputedStyle(parent);
    return overflowX === 'hidden' && radius !== '0px' ? `${sharp}clip-path: inset(0 round ${radius})` : sharp;
}

function walk(drawing: Drawing, parent: Element): void {
    for (const node of parent.childNodes) {
        if (node instanceof Text) addText(drawing, node, parent);
        if (!(node instanceof Element) || node.matches(UNSAVED)) continue;
        const box = node.getBoundingClientRect();
        if (!box.width || !box.height) continue;
        const { left: x, top: y, width, height } = box;
        const own = drawers.get(node)?.() ?? (node instanceof SVGSVGElement ? styled(node) : undefined);
        if (own) {
            for (const [key, value] of Object.entries({ x, y, width, height })) own.setAttribute(key, `${value}`);
            drawing.add(own, box);
        } else if (node instanceof HTMLCanvasElement) {
            const image = { x, y, width, height, href: node.toDataURL(), preserveAspectRatio: 'none' };
            drawing.add(make('image', { ...image, style: imageStyle(node, parent) }), box);
        } else {
            addBox(drawing, node, box);
            walk(drawing, node);
        }
    }
}

export function drawingOf(element: Element): string {
    const drawing = new Drawing();
    walk(drawing, element);
    return drawing.text();
}
