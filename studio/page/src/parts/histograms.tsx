// Histograms of a network's layers, one beside the other: a column a layer, a row a bin, the darker the more of the
// layer's numbers lie there. A canvas, since it changes with each frame.
import { useEffect, useRef } from 'preact/hooks';
import type { Statistics } from 'soma-wasm';
import { decimal } from '../language';
import { isDark, mix, paper, type Colour } from './colours';
import { power } from './layer_chart';
import { useWidth } from './width';

const HEIGHT = 132,
    LEFT = 48,
    RIGHT = 12,
    TOP = 20,
    BOTTOM = 6;

/** What values and gradients are drawn in (style.css: --value, --gradient). */
const inks: Record<'values' | 'gradients', [Colour, Colour]> = {
    values: [
        [17, 99, 41],
        [111, 212, 138],
    ],
    gradients: [
        [179, 38, 30],
        [255, 154, 143],
    ],
};

interface Props {
    label: string;
    title: string;
    what: 'values' | 'gradients';
    layers: Statistics[];
    chosen: number;
}

export function Histograms({ label, title, what, layers, chosen }: Props) {
    const { box, width } = useWidth<HTMLDivElement>();
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        const scale = Math.min(2, devicePixelRatio || 1);
        const c = canvas.current!.getContext('2d')!;
        c.setTransform(scale, 0, 0, scale, 0, 0);
        const ground = paper(),
            ink = inks[what][isDark() ? 1 : 0],
            text = isDark() ? '#e6edf3' : '#1b1f24';
        c.clearRect(0, 0, width, HEIGHT);
        const column = (width - LEFT - RIGHT) / Math.max(1, layers.length),
            height = HEIGHT - TOP - BOTTOM;
        layers.forEach((layer, i) => {
            const bins = layer.histogram,
                most = Math.max(1, ...bins);
            bins.forEach((count, k) => {
                if (!count) return;
                const [r, g, b] = mix(ground, ink, 0.18 + 0.82 * (count / most));
                c.fillStyle = `rgb(${r} ${g} ${b})`;
                const top = TOP + height * (1 - (k + 1) / bins.length);
                c.fillRect(LEFT + i * column, top, Math.max(1, column - 1), height / bins.length + 0.5);
            });
        });
        c.strokeStyle = text;
        c.lineWidth = 2;
        if (chosen < layers.length) c.strokeRect(LEFT + chosen * column - 1, TOP - 1, column + 1, height + 2);
        c.fillStyle = text;
        c.font = '12px system-ui, sans-serif';
        c.textAlign = 'left';
        c.font = '600 12px system-ui, sans-serif';
        c.fillText(title, LEFT, 13);
        c.font = '12px system-ui, sans-serif';
        c.textAlign = 'right';
        const first = layers[0];
        if (!first) return;
        const tick = (v: number) =>
            what === 'gradients'
                ? power(Math.round(v))
                : decimal(v, Number.isInteger(v) ? 0 : Math.abs(v) < 0.1 ? 3 : 1);
        c.fillText(tick(first.high), LEFT - 6, TOP + 8);
        c.fillText(tick((first.low + first.high) / 2), LEFT - 6, TOP + height / 2 + 4);
        // Smaller gradients are counted in the first bin.
        c.fillText(`${what === 'gradients' ? '≤' : ''}${tick(first.low)}`, LEFT - 6, TOP + height);
    });
    const scale = Math.min(2, devicePixelRatio || 1);
    return (
        <div ref={box} class="layers">
            <canvas
                ref={canvas}
                width={Math.round(width * scale)}
                height={HEIGHT * scale}
                style={{ width: `${width}px`, height: `${HEIGHT}px` }}
                role="img"
                aria-label={label}
            />
        </div>
    );
}

/** One layer's histogram as bars. */
export function Bars({ label, of, what }: { label: string; of: Statistics; what: 'values' | 'gradients' }) {
    const most = Math.max(1, ...of.histogram);
    return (
        <svg class={`bars ${what}`} viewBox="0 0 320 80" preserveAspectRatio="none" role="img" aria-label={label}>
            {of.histogram.map((count, k) => (
                <rect x={10 * k + 1} width={8} y={78 - (76 * count) / most} height={(76 * count) / most} />
            ))}
            <line x1="0" x2="320" y1="79" y2="79" />
        </svg>
    );
}
