// Colours of classes and of signs. None stands alone: classes have shapes of points, signs are written.
import { useEffect, useState } from 'preact/hooks';

export type Colour = readonly [number, number, number];

/** Told apart by people who see red and green alike (Okabe and Ito). */
export const classColours: readonly Colour[] = [
    [0, 114, 178],
    [230, 135, 0],
    [0, 140, 100],
];
export const classMarks = ['●', '▲', '■'] as const;
const POSITIVE: Colour = [0, 114, 178],
    NEGATIVE: Colour = [214, 94, 0];

export const css = ([r, g, b]: Colour, alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;

/** Blue for more than 0, orange for less, stronger away from it; the paper's colour at 0. */
export function signed(value: number, paper: Colour): Colour {
    const strength = Math.min(1, Math.abs(value)),
        to = value < 0 ? NEGATIVE : POSITIVE;
    return mix(paper, to, strength);
}

export function mix(a: Colour, b: Colour, share: number): Colour {
    return [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * share)) as unknown as Colour;
}

const darkness = matchMedia('(prefers-color-scheme: dark)');
export const isDark = (): boolean => darkness.matches;

/** The same for what is drawn once: it is drawn again when the setting changes. */
export function useDark(): boolean {
    const [dark, setDark] = useState(isDark);
    useEffect(() => {
        const changed = () => setDark(isDark());
        darkness.addEventListener('change', changed);
        return () => darkness.removeEventListener('change', changed);
    }, []);
    return dark;
}
export const paper = (): Colour => (isDark() ? [24, 28, 33] : [255, 255, 255]);
