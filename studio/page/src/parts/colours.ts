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
    // Called for each pixel of each picture: nothing is made but the result.
    const at = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * share);
    return [at(0), at(1), at(2)];
}

/** Sets one pixel of a picture. */
export function paint(pixels: Uint8ClampedArray, pixel: number, colour: Colour): void {
    pixels[4 * pixel] = colour[0];
    pixels[4 * pixel + 1] = colour[1];
    pixels[4 * pixel + 2] = colour[2];
    pixels[4 * pixel + 3] = 255;
}

const darkness = matchMedia('(prefers-color-scheme: dark)');
export const isDark = (): boolean => darkness.matches;

/** The same for an effect that draws when what it depends on changes: this is among it. */
export function useDark(): boolean {
    const [dark, setDark] = useState(isDark);
    useEffect(() => {
        const changed = () => setDark(isDark());
        darkness.addEventListener('change', changed);
        return () => darkness.removeEventListener('change', changed);
    }, []);
    return dark;
}
/** The colour of a line or a mark: the same, lightened on dark paper. */
export const inked = (c: Colour): Colour => (isDark() ? mix(c, [255, 255, 255], 0.45) : c);
export const paper = (): Colour => (isDark() ? [24, 28, 33] : [255, 255, 255]);
