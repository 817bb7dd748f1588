// The filters of the room of convolution: small kernels with names, and cells with Gabor's kernels.
import type { Cell, FilterConfig } from '../engine/convolution';

export interface Filter {
    name: string;
    title: string;
    /** What it does, in a sentence. */
    about: string;
    cell: Cell;
    /** Kernels side by side; none for Gabor's. */
    kernels?: readonly number[][];
    /** Its results are greys. */
    grey?: boolean;
}

const SOBEL_RIGHT = [-1, 0, 1, -2, 0, 2, -1, 0, 1],
    SOBEL_UP = [1, 2, 1, 0, 0, 0, -1, -2, -1];
/** Pascal's triangle: nearly a bell. */
const BELL = [1, 4, 6, 4, 1].flatMap((a) => [1, 4, 6, 4, 1].map((b) => (a * b) / 256));

export const filters: readonly Filter[] = [
    {
        name: 'energy',
        title: 'complex cell: energy of a pair',
        about: 'The root of the squares of two kernels a quarter of a wave apart: lines of its orientation, wherever they lie and whether bright or dark.',
        cell: 'energy',
    },
    {
        name: 'pooled',
        title: 'complex cell: the strongest simple cell around',
        about: 'Max pooling over neighbouring simple cells: the pattern may lie anywhere among them.',
        cell: 'pooled',
    },
    {
        name: 'simple',
        title: 'simple cell: a Gabor filter, rectified',
        about: 'max(0, response): only what looks like the kernel itself, at its very place.',
        cell: 'simple',
    },
    {
        name: 'gabor',
        title: 'Gabor filter',
        about: 'A wave under a bell, as the receptive fields of simple cells look: positive for its pattern, negative for the opposite one.',
        cell: 'convolution',
    },
    {
        name: 'sobelx',
        title: 'Sobel, upright edges',
        about: 'Right minus left: positive where the picture gets brighter to the right.',
        cell: 'convolution',
        kernels: [SOBEL_RIGHT],
    },
    {
        name: 'sobely',
        title: 'Sobel, lying edges',
        about: 'Above minus below: positive where the picture gets brighter upwards.',
        cell: 'convolution',
        kernels: [SOBEL_UP],
    },
    {
        name: 'sobel',
        title: 'Sobel, strength of edges',
        about: 'The root of the squares of both Sobel filters: edges of every direction.',
        cell: 'energy',
        kernels: [SOBEL_RIGHT, SOBEL_UP],
    },
    {
        name: 'edges',
        title: 'edges (Laplace)',
        about: 'Each pixel against its neighbours: nothing where the picture is even, both signs along an edge.',
        cell: 'convolution',
        kernels: [[0, -1, 0, -1, 4, -1, 0, -1, 0]],
    },
    {
        name: 'blur',
        title: 'blur, 3 × 3 mean',
        about: 'The mean of nine pixels.',
        cell: 'convolution',
        kernels: [Array<number>(9).fill(1 / 9)],
        grey: true,
    },
    {
        name: 'bell',
        title: 'blur, 5 × 5 bell',
        about: 'A weighted mean: the nearer, the heavier.',
        cell: 'convolution',
        kernels: [BELL],
        grey: true,
    },
    {
        name: 'sharpen',
        title: 'sharpen',
        about: 'The picture plus its edges; what leaves the greys is cut off in the drawing.',
        cell: 'convolution',
        kernels: [[0, -1, 0, -1, 5, -1, 0, -1, 0]],
        grey: true,
    },
    {
        name: 'own',
        title: 'a kernel of one’s own',
        about: 'Nine numbers of your choice.',
        cell: 'convolution',
        kernels: [],
    },
];

export interface PictureSettings {
    scene: string;
    filter: string;
    orientation: number;
    wavelength: number;
    phase: number;
    pool: number;
    own: number[];
    row: number;
    column: number;
}

export const usual: PictureSettings = {
    scene: 'house',
    filter: 'energy',
    orientation: 90,
    wavelength: 8,
    phase: 0,
    pool: 5,
    own: [-2, -1, 0, -1, 1, 1, 0, 1, 2],
    row: 60,
    column: 80,
};

const BOUNDS = {
    orientation: [0, 180],
    wavelength: [3, 16],
    phase: [0, 360],
    pool: [1, 9],
    row: [0, 159],
    column: [0, 159],
} as const;
type Bounded = keyof typeof BOUNDS;

export function pictureFromLink(settings: URLSearchParams, scenes: readonly string[]): PictureSettings {
    const s = { ...usual, own: [...usual.own] };
    const scene = settings.get('scene'),
        filter = settings.get('filter');
    if (scene && scenes.includes(scene)) s.scene = scene;
    if (filter && filters.some((f) => f.name === filter)) s.filter = filter;
    for (const [name, [low, high]] of Object.entries(BOUNDS) as [Bounded, readonly [number, number]][]) {
        const n = Number(settings.get(name) ?? NaN);
        if (n >= low && n <= high) s[name] = n;
    }
    const own = (settings.get('own') ?? '').split(' ').filter(Boolean).map(Number);
    if (own.length === 9 && own.every(Number.isFinite)) s.own = own;
    s.pool |= 1;
    return s;
}

export function pictureToLink(s: PictureSettings): Record<string, string> {
    const { own, ...rest } = s;
    const texts = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, `${value}`]));
    return s.filter === 'own' ? { ...texts, own: own.join(' ') } : texts;
}

export function filterConfig(s: PictureSettings, filter: Filter): FilterConfig {
    const kernels = filter.name === 'own' ? [s.own] : filter.kernels;
    return {
        cell: filter.cell,
        pool: filter.cell === 'pooled' ? s.pool : 1,
        kernels: kernels
            ? { size: Math.sqrt(kernels[0]!.length), values: kernels.flat() }
            : { orientation: s.orientation, wavelength: s.wavelength, phase: s.phase },
    };
}
