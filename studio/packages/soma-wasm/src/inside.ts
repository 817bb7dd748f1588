import type { Model } from './model.js';
import type { Pointer, Wasm } from './module.js';
import { SomaError } from './module.js';
import type { Network } from './network.js';

export interface InsideLayer {
    /** "conv2d1", "dense2", or what a file calls it. */
    name: string;
    /** Of one sample: [units] or [channels, height, width]. */
    shape: number[];
    /** What its convolution or product reads; empty for other layers. */
    input: number[];
}

/** A number of a convolution's map, taken apart. The products are in the kernel's order. */
export interface Pixel {
    channels: number;
    height: number;
    width: number;
    /** The input's channel that the first product reads. */
    first: number;
    /** Of the input under the window's first element; may lie in the padding. */
    row: number;
    column: number;
    /** From one element of the window to the next. */
    down: number;
    right: number;
    sum: number;
    bias: number;
    /** sum + bias */
    value: number;
    /** After the activation. */
    output: number;
    inputs: Float64Array;
    weights: Float64Array;
    products: Float64Array;
}

/** What isn't given is the library's choice; without bounds the picture has none. */
export interface FeatureOptions {
    low?: number;
    high?: number;
    /** The root mean square of a step. */
    rate?: number;
    noise?: number;
    /** The share by which a step draws the picture to its centre. */
    decay?: number;
    /** Pixels by which it is shifted at random while the gradient is taken. */
    jitter?: number;
    /** Standard deviation of a blur, after every so many steps. */
    blur?: number;
    blurEvery?: number;
    seed?: number;
}

const PIXEL_NUMBERS = 12;
const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

/** A picture that is made to excite a unit. It holds memory until `destroy`. */
export class Feature {
    #wasm: Wasm;
    #pointer: Pointer;
    readonly shape: number[];

    /** @internal */
    constructor(wasm: Wasm, pointer: Pointer, shape: number[]) {
        this.#wasm = wasm;
        this.#pointer = pointer;
        this.shape = shape;
    }

    destroy(): void {
        this.#wasm.call('feature_destroy', this.#pointer);
        this.#pointer = 0;
    }

    /** Takes steps and returns the activation of the picture as it then is. */
    step(steps: number): number {
        if (!this.#pointer) throw new SomaError('the feature was destroyed');
        return this.#wasm.with(8, (p) => {
            this.#wasm.try('feature_step', this.#pointer, steps, p);
            return this.#wasm.doubles(p, 1)[0] ?? NaN;
        });
    }

    picture(): Float32Array {
        const count = size(this.shape);
        return this.#wasm.readFloats(count, (p) => this.#wasm.try('feature_get', this.#pointer, p, count));
    }
}

/** A network or a model opened for looking inside; it must be ended before what it opens. */
export class Inside {
    #wasm: Wasm;
    #pointer: Pointer;
    /** The shape of one sample. */
    readonly sample: number[];
    readonly classes: number;
    /** Those that have weights. */
    readonly layers: readonly InsideLayer[];

    /** @internal */
    constructor(wasm: Wasm, opened: Network | Model, kind: 'network' | 'model') {
        this.#wasm = wasm;
        this.#pointer = wasm.try(`inside_of_${kind}`, opened.pointer);
        const p = this.#pointer;
        this.sample = wasm.readShape((dims) => wasm.call('inside_sample_shape', p, dims));
        this.classes = wasm.call('inside_scores_count', p);
        this.layers = Array.from({ length: wasm.call('inside_layers', p) }, (_, i) => ({
            name: wasm.text(wasm.call('inside_layer_name', p, i)),
            shape: this.#shape(i, 1),
            input: this.#shape(i, 0),
        }));
    }

    #shape(layer: number, which: number): number[] {
        return this.#wasm.readShape((dims) => this.#wasm.call('inside_layer_shape', this.#pointer, layer, which, dims));
    }

    destroy(): void {
        this.#wasm.call('inside_destroy', this.#pointer);
        this.#pointer = 0;
    }

    #rows(x: ArrayLike<number>): number {
        const rows = x.length / size(this.sample);
        if (!this.#pointer) throw new SomaError('this was ended');
        if (!rows || !Number.isInteger(rows)) throw new SomaError(`samples have ${size(this.sample)} numbers each`);
        return rows;
    }

    #layer(index: number): InsideLayer {
        const layer = this.layers[index];
        if (!layer) throw new SomaError('there is no such layer');
        return layer;
    }

    /** Computes one sample, which `values`, `scores` and `pixel` are then about. */
    look(x: ArrayLike<number>): void {
        if (this.#rows(x) !== 1) throw new SomaError('one sample is looked at');
        this.#wasm.withFloats(x, (p) => this.#wasm.try('inside_look', this.#pointer, p));
    }

    /** What a layer read, what it computed, and the same after its activation. */
    values(layer: number, which: 'input' | 'value' | 'output'): Float32Array {
        const { shape, input } = this.#layer(layer),
            count = size(which === 'input' ? input : shape);
        return this.#wasm.readFloats(count, (p) =>
            this.#wasm.try('inside_get', this.#pointer, layer, ['input', 'value', 'output'].indexOf(which), p, count),
        );
    }

    /** What stands before the last softmax or sigmoid, its exponents and their sum, and the answers. */
    scores(): { scores: Float32Array; powers: Float64Array; sum: number; answers: Float32Array } {
        const n = this.classes,
            wasm = this.#wasm;
        return wasm.with(8 * (n + 1) + 8 * n, (powers) => {
            const scores = powers + 8 * (n + 1),
                answers = scores + 4 * n;
            wasm.try('inside_scores', this.#pointer, scores, powers, answers);
            return {
                scores: wasm.floats(scores, n).slice(),
                powers: wasm.doubles(powers, n).slice(),
                sum: wasm.doubles(powers, n + 1)[n] ?? NaN,
                answers: wasm.floats(answers, n).slice(),
            };
        });
    }

    /** Takes a number of a convolution's map apart, for the sample that was looked at. */
    pixel(layer: number, channel: number, row: number, column: number): Pixel {
        const { shape } = this.#layer(layer);
        if (shape.length !== 3) throw new SomaError('only maps have pixels');
        const wasm = this.#wasm;
        const read = (count: number) =>
            wasm.with(8 * (PIXEL_NUMBERS + 3 * count), (numbers) =>
                wasm.with(12, (place) => {
                    wasm.ints(place, 3).set([channel, row, column]);
                    const products = numbers + 8 * PIXEL_NUMBERS;
                    wasm.try('inside_pixel', this.#pointer, layer, place, products, count, numbers);
                    return wasm.doubles(numbers, PIXEL_NUMBERS + 3 * count).slice();
                }),
            );
        const [channels = 0, height = 0, width = 0] = read(0);
        const count = channels * height * width,
            found = read(count);
        const at = (i: number) => found[i] ?? NaN;
        const each = (k: number) => Float64Array.from({ length: count }, (_, i) => at(PIXEL_NUMBERS + 3 * i + k));
        return {
            channels,
            height,
            width,
            first: at(3),
            row: at(4),
            column: at(5),
            down: at(6),
            right: at(7),
            sum: at(8),
            bias: at(9),
            value: at(10),
            output: at(11),
            inputs: each(0),
            weights: each(1),
            products: each(2),
        };
    }

    /** The gradient of a class's score by each number of the samples, a class for each. */
    saliency(x: ArrayLike<number>, classes: readonly number[]): Float32Array {
        const rows = this.#rows(x),
            wasm = this.#wasm;
        if (classes.length !== rows) throw new SomaError('expected a class for each sample');
        return wasm.withFloats(x, (px) =>
            wasm.with(4 * rows, (pc) => {
                wasm.ints(pc, rows).set(classes);
                return wasm.readFloats(x.length, (out) =>
                    wasm.try('inside_saliency', this.#pointer, px, pc, rows, out),
                );
            }),
        );
    }

    /** A picture that excites a unit or channel of a layer, before its activation: it begins as noise. */
    feature(layer: number, channel: number, o: FeatureOptions = {}): Feature {
        const { shape } = this.#layer(layer);
        if (!(channel >= 0 && channel < (shape[0] ?? 0))) throw new SomaError('the layer has no such unit');
        const settings = [
            o.low ?? 0,
            o.high ?? 0,
            o.rate ?? 0,
            o.noise ?? 0,
            o.decay ?? 0,
            o.jitter ?? 0,
            o.blur ?? 0,
            o.blurEvery ?? 0,
            o.seed ?? 0,
        ];
        const pointer = this.#wasm.withDoubles(settings, (p) =>
            this.#wasm.try('inside_feature', this.#pointer, layer, channel, p),
        );
        return new Feature(this.#wasm, pointer, this.sample);
    }
}
