// The lecture's worked examples, and the link that holds a window's geometry and numbers.
import type { Operation, StepsConfig } from '../engine/convolution';

export interface Preset {
    name: string;
    title: string;
    config: StepsConfig;
}

const plain = { stride: 1, padding: 0, dilation: 1 };

export const presets: readonly Preset[] = [
    {
        name: 'convolution',
        title: 'Convolution 4×5',
        config: {
            ...plain,
            kind: 'convolution',
            picture: [4, 5],
            kernel: [3, 3],
            values: [2, 1, 3, 1, 2, 3, 4, 2, 0, 1, 2, 0, 1, 2, 3, 1, 3, 2, 4, 0],
            weights: [2, -1, -1, -1, 0, 0, -1, 0, 2],
        },
    },
    {
        name: 'stride',
        title: 'Stride 2 on 6×6',
        config: {
            ...plain,
            kind: 'convolution',
            stride: 2,
            picture: [6, 6],
            kernel: [3, 3],
            values: [
                4, 9, 2, 5, 8, 3, 5, 6, 2, 4, 0, 3, 2, 4, 5, 4, 5, 2, 5, 6, 5, 4, 7, 8, 5, 7, 7, 9, 2, 1, 5, 8, 5, 3, 8,
                4,
            ],
            weights: [1, 0, -1, 1, 0, -1, 1, 0, -1],
        },
    },
    {
        name: 'max',
        title: 'Max pooling 4×4',
        config: {
            ...plain,
            kind: 'max',
            stride: 2,
            picture: [4, 4],
            kernel: [2, 2],
            values: [1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4],
            weights: [1, 0, 0, 1],
        },
    },
];

/** A table of another size: numbers keep their places, new ones are 0. */
export function resized(values: number[], from: [number, number], to: [number, number]): number[] {
    return Array.from({ length: to[0] * to[1] }, (_, i) => {
        const row = Math.floor(i / to[1]),
            column = i % to[1];
        return row < from[0] && column < from[1] ? values[row * from[1] + column]! : 0;
    });
}

const KINDS: readonly Operation[] = ['convolution', 'max', 'average'];
export const LIMITS = {
    picture: [1, 8],
    kernel: [1, 5],
    stride: [1, 4],
    padding: [0, 3],
    dilation: [1, 3],
} as const;

const numbers = (text: string | null) => (text ?? '').split(' ').filter(Boolean).map(Number);

/** A whole number of a link within its limits. */
function whole(text: string | null | undefined, [low, high]: readonly [number, number], usual: number): number {
    const n = Number(text);
    return text && Number.isInteger(n) && n >= low && n <= high ? n : usual;
}

export function stepsFromLink(settings: URLSearchParams): StepsConfig {
    const { config } = presets.find((p) => p.name === settings.get('example')) ?? presets[0]!;
    const pair = (name: string, limits: readonly [number, number], usual: [number, number]): [number, number] => {
        const [a, b] = (settings.get(name) ?? '').split('x');
        return [whole(a, limits, usual[0]), whole(b, limits, usual[1])];
    };
    const picture = pair('size', LIMITS.picture, config.picture),
        kernel = pair('kernel', LIMITS.kernel, config.kernel);
    const given = (name: string, count: number, usual: number[]) => {
        const found = numbers(settings.get(name));
        return found.length === count && found.every(Number.isFinite) ? found : usual;
    };
    const kind = settings.get('op') as Operation;
    return {
        kind: KINDS.includes(kind) ? kind : config.kind,
        picture,
        kernel,
        stride: whole(settings.get('stride'), LIMITS.stride, config.stride),
        padding: whole(settings.get('padding'), LIMITS.padding, config.padding),
        dilation: whole(settings.get('dilation'), LIMITS.dilation, config.dilation),
        values: given('x', picture[0] * picture[1], resized(config.values, config.picture, picture)),
        weights: given('w', kernel[0] * kernel[1], resized(config.weights, config.kernel, kernel)),
    };
}

export function stepsToLink(c: StepsConfig): Record<string, string> {
    return {
        op: c.kind,
        size: c.picture.join('x'),
        kernel: c.kernel.join('x'),
        stride: `${c.stride}`,
        padding: `${c.padding}`,
        dilation: `${c.dilation}`,
        x: c.values.join(' '),
        w: c.weights.join(' '),
    };
}
