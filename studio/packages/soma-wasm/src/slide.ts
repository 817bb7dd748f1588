import type { Pointer, Wasm } from './module.js';
import { SomaError } from './module.js';

/** What a window makes of a picture; the order is binding.h's. */
export const slideKinds = ['convolution', 'max', 'average', 'simple', 'energy', 'pooled'] as const;
export type SlideKind = (typeof slideKinds)[number];

export interface SlideOptions {
    kind: SlideKind;
    /** Height and width of the picture, and of the kernel. */
    picture: readonly [number, number];
    kernel: readonly [number, number];
    filters?: number;
    stride?: number;
    /** On all four sides. */
    padding?: number;
    dilation?: number;
    /** Of 'pooled': how many places each way. */
    pool?: number;
}

/** One number of a convolution taken apart, in the order of the kernel's elements. */
export interface Products {
    inputs: number[];
    weights: number[];
    products: number[];
    sum: number;
}

export interface GaborOptions {
    /** In pixels. */
    wavelength: number;
    /** Of the lines that it answers to, in degrees: 0 for lying ones, 90 for standing ones, against the clock between. */
    orientation: number;
    /** In degrees: 0 for a bright line, 90 and 270 for edges, 180 for a dark line. */
    phase?: number;
}

const LARGEST = 1 << 15;

/** A window that slides over a picture. It holds memory until `destroy`. */
export class Slide {
    #wasm: Wasm;
    #pointer: Pointer;
    readonly #options: Required<SlideOptions>;
    /** Of the output: filters, height, width. */
    readonly shape: readonly number[];

    constructor(wasm: Wasm, options: SlideOptions) {
        const o = { filters: 1, stride: 1, padding: 0, dilation: 1, pool: 1, ...options };
        const numbers = [...o.picture, o.filters, ...o.kernel, o.stride, o.padding, o.dilation, o.pool];
        if (!numbers.every((n) => Number.isInteger(n) && n >= 0 && n <= LARGEST))
            throw new SomaError('sizes of a window are whole numbers');
        this.#wasm = wasm;
        this.#options = o;
        this.#pointer = wasm.with(4 * (numbers.length + 1), (p) => {
            wasm.ints(p, numbers.length + 1).set([slideKinds.indexOf(o.kind), ...numbers]);
            return wasm.try('slide_create', p);
        });
        this.shape = wasm.readShape((dims) => wasm.call('slide_shape', this.#pointer, dims));
    }

    destroy(): void {
        this.#wasm.call('slide_destroy', this.#pointer);
        this.#pointer = 0;
    }

    #with<T>(x: ArrayLike<number>, kernels: ArrayLike<number>, body: (x: Pointer, kernels: Pointer) => T): T {
        const { kind, picture, kernel, filters } = this.#options;
        const weights = kind === 'max' || kind === 'average' ? 0 : filters * kernel[0] * kernel[1];
        if (!this.#pointer) throw new SomaError('the window was destroyed');
        if (x.length !== picture[0] * picture[1]) throw new SomaError('the picture has another size');
        if (weights && kernels.length !== weights) throw new SomaError('the kernel has another size');
        return this.#wasm.withFloats(x, (px) => this.#wasm.withFloats(kernels, (pk) => body(px, pk)));
    }

    /** The output for a picture, row by row; pooling has no kernels. */
    run(x: ArrayLike<number>, kernels: ArrayLike<number> = []): Float32Array {
        const count = this.shape.reduce((a, b) => a * b, 1);
        return this.#with(x, kernels, (px, pk) =>
            this.#wasm.readFloats(count, (out) => this.#wasm.try('slide_run', this.#pointer, px, pk, out)),
        );
    }

    /** The products behind one number of a convolution by the first filter. */
    products(x: ArrayLike<number>, kernels: ArrayLike<number>, row: number, column: number): Products {
        const count = this.#options.kernel[0] * this.#options.kernel[1];
        return this.#with(x, kernels, (px, pk) =>
            this.#wasm.with(8 * (3 * count + 1), (out) => {
                this.#wasm.try('slide_products', this.#pointer, px, pk, row, column, out);
                const all = [...this.#wasm.doubles(out, 3 * count + 1)];
                const each = (part: number) => Array.from({ length: count }, (_, i) => all[3 * i + part]!);
                return { inputs: each(0), weights: each(1), products: each(2), sum: all[3 * count]! };
            }),
        );
    }
}

/** Gabor's kernels, a wave under a bell: the one asked for, and one a quarter of a wave further. */
export function gaborKernels(wasm: Wasm, o: GaborOptions): { size: number; kernels: Float32Array } {
    if (!(o.wavelength >= 2 && o.wavelength <= 64)) throw new SomaError('the wavelength is between 2 and 64 pixels');
    const size = wasm.call('gabor_size', o.wavelength);
    const kernels = wasm.withDoubles([o.wavelength, o.orientation, o.phase ?? 0], (settings) =>
        wasm.readFloats(2 * size * size, (out) => wasm.try('gabor_kernels', settings, out)),
    );
    return { size, kernels };
}
