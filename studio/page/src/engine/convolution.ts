// The room of convolution: a window walked by hand over a few numbers, and filters and cells over a picture.
import type { GaborOptions, Products, Slide, SlideOptions, Soma } from 'soma-wasm';

export type Operation = 'convolution' | 'max' | 'average';

/** A window over a table of numbers. */
export interface StepsConfig {
    kind: Operation;
    picture: [number, number];
    kernel: [number, number];
    stride: number;
    padding: number;
    dilation: number;
    values: number[];
    weights: number[];
}

export interface StepsResult {
    /** Height and width of the output; none where the window fits nowhere. */
    places: [number, number] | undefined;
    output: number[];
    /** Of a convolution, for every number of the output. */
    products: Products[];
    /** The engine's sentence where the window fits nowhere. */
    mistake: string;
}

export type Cell = 'convolution' | 'simple' | 'energy' | 'pooled';

export interface FilterConfig {
    cell: Cell;
    /** Kernels of that size, one after the other; or Gabor's. */
    kernels: { size: number; values: number[] } | GaborOptions;
    pool: number;
}

export interface Filtered {
    width: number;
    height: number;
    values: Float32Array;
    /** The largest magnitude, by which colours are scaled. */
    largest: number;
    /** The first kernel. */
    kernel: { size: number; values: Float32Array };
    /** How far the output's first number lies from the picture's. */
    margin: number;
}

/** What a grating that moves over one cell, and one that turns, makes it answer. */
export interface Tuning {
    /** By the part of a wave that it has moved. */
    moved: { simple: number[]; complex: number[] };
    /** By its orientation, at its best place. */
    turned: { simple: number[]; complex: number[] };
}

const TUNING_STEPS = 36;

export class ConvolutionEngine {
    #soma: Soma;
    #picture: { width: number; height: number; values: Float32Array } | undefined;

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    #with<T>(options: SlideOptions, body: (slide: Slide) => T): T {
        const slide = this.#soma.slide(options);
        try {
            return body(slide);
        } finally {
            slide.destroy();
        }
    }

    steps(c: StepsConfig): StepsResult {
        try {
            return this.#with(c, (slide) => {
                const [, height, width] = slide.shape as [number, number, number];
                const output = [...slide.run(c.values, c.weights)];
                const products =
                    c.kind === 'convolution'
                        ? output.map((_, i) => slide.products(c.values, c.weights, Math.floor(i / width), i % width))
                        : [];
                return { places: [height, width], output, products, mistake: '' };
            });
        } catch (error) {
            const mistake = error instanceof Error ? error.message : String(error);
            return { places: undefined, output: [], products: [], mistake };
        }
    }

    /** The picture to filter, grey between 0 and 1. */
    picture(width: number, height: number, values: Float32Array): void {
        this.#picture = { width, height, values };
    }

    #kernels(c: FilterConfig): { size: number; all: Float32Array } {
        if ('values' in c.kernels) return { size: c.kernels.size, all: Float32Array.from(c.kernels.values) };
        const { size, kernels } = this.#soma.gabor(c.kernels);
        return { size, all: kernels };
    }

    filter(c: FilterConfig): Filtered {
        const { width, height, values } = this.#picture!;
        const { size, all } = this.#kernels(c);
        const area = size * size,
            filters = c.cell === 'energy' ? all.length / area : 1;
        const options = {
            kind: c.cell,
            picture: [height, width] as [number, number],
            kernel: [size, size] as [number, number],
            filters,
            pool: c.pool,
        };
        return this.#with(options, (slide) => {
            const out = slide.run(values, all.subarray(0, filters * area));
            const [, rows, columns] = slide.shape as [number, number, number];
            return {
                width: columns,
                height: rows,
                values: out,
                largest: out.reduce((a, b) => Math.max(a, Math.abs(b)), 0),
                kernel: { size, values: all.slice(0, area) },
                margin: (height - rows) / 2,
            };
        });
    }

    /** A simple cell and the complex cell of its pair before gratings of its wavelength. */
    tuning(gabor: GaborOptions): Tuning {
        const { size, kernels } = this.#soma.gabor(gabor);
        const shape = { picture: [size, size], kernel: [size, size] } as const;
        const best = gabor.phase ?? 0;
        return this.#with({ kind: 'simple', ...shape }, (simple) =>
            this.#with({ kind: 'energy', filters: 2, ...shape }, (complex) => {
                const over = (stimulus: (share: number) => [number, number]) => {
                    const gratings = Array.from({ length: TUNING_STEPS + 1 }, (_, i) =>
                        this.#grating(size, gabor.wavelength, ...stimulus(i / TUNING_STEPS)),
                    );
                    const one = kernels.subarray(0, size * size);
                    return {
                        simple: gratings.map((g) => simple.run(g, one)[0]!),
                        complex: gratings.map((g) => complex.run(g, kernels)[0]!),
                    };
                };
                return {
                    moved: over((share) => [gabor.orientation, best + 360 * share]),
                    turned: over((share) => [180 * share, best]),
                };
            }),
        );
    }

    /** A wave between 0 and 1 over a square, as a stimulus: its crests lie `phase` degrees from the middle. */
    #grating(size: number, wavelength: number, orientation: number, phase: number): Float32Array {
        const turn = (orientation * Math.PI) / 180,
            middle = (size - 1) / 2;
        return Float32Array.from({ length: size * size }, (_, i) => {
            const across = ((i % size) - middle) * Math.sin(turn) + (Math.floor(i / size) - middle) * Math.cos(turn);
            return 0.5 + 0.5 * Math.cos((2 * Math.PI * across) / wavelength + (phase * Math.PI) / 180);
        });
    }
}
