/** soma in WebAssembly: networks that are built, trained, looked into and saved by the C library. */
import { describe, type Description } from './description.js';
import {
    fitPicture,
    readTable,
    summaryOf,
    type Picture,
    type PictureSample,
    type Table,
    type TableSchema,
} from './data.js';
import { Formula, Landscape } from './formula.js';
import { Inside } from './inside.js';
import { Model } from './model.js';
import { SomaError, Wasm } from './module.js';
import { Network } from './network.js';
import type { NetworkOptions, Optimizer } from './settings.js';
import type { Statistics } from './taps.js';
import { gaborKernels, Slide, type GaborOptions, type SlideOptions } from './slide.js';

export type { Description, DescriptionRow } from './description.js';
export { Formula, Landscape, type FormulaNode, type Range } from './formula.js';
export { Feature, Inside, type FeatureOptions, type InsideLayer, type Pixel } from './inside.js';
export type { Picture, PictureSample, Table, TableColumn, TableSchema } from './data.js';
export { Model, type InnerValue, type ModelNode, type ModelValue } from './model.js';
export { SomaError } from './module.js';
export { Network, type Axis, type Layer, type Measure, type Tensor } from './network.js';
export {
    featureNames,
    initNames,
    optimizerNames,
    scheduleNames,
    type FeatureName,
    type InitName,
    type NetworkOptions,
    type Optimizer,
    type OptimizerName,
    type ScheduleName,
} from './settings.js';
export { BINS, type Statistics, type Tap } from './taps.js';
export {
    slideKinds,
    type GaborOptions,
    type Products,
    type Slide,
    type SlideKind,
    type SlideOptions,
} from './slide.js';

export const pointShapes = ['moons', 'spiral', 'circles', 'xor', 'blobs', 'random'] as const;
export type PointShape = (typeof pointShapes)[number];

export interface Points {
    /** x1, x2 of each point. */
    xy: Float32Array;
    labels: Float32Array;
}

export class Soma {
    #wasm: Wasm;

    constructor(module: WebAssembly.Module) {
        this.#wasm = new Wasm(module);
    }

    get version(): string {
        return this.#wasm.text(this.#wasm.call('soma_text_version'));
    }

    /** A network from a specification: "dense 8 tanh, dense 8 tanh". */
    network(spec: string, options: NetworkOptions): Network {
        return new Network(this.#wasm, spec, options);
    }

    /**
     * The layers and sizes of a specification or of a known network ("alexnet"), told without making its weights. A
     * known network has a usual sample.
     */
    describe(spec: string, sample: readonly number[] = []): Description {
        return describe(this.#wasm, spec, sample);
    }

    /** A model from an ONNX file. */
    load(file: Uint8Array): Model {
        return new Model(this.#wasm, file);
    }

    /** Opens a network or a model for looking inside; what was opened must outlive it. */
    inside(opened: Network | Model): Inside {
        return new Inside(this.#wasm, opened, opened instanceof Network ? 'network' : 'model');
    }

    /**
     * A drawing, height × width numbers from 0 to 1, as a picture of 28 × 28 like MNIST's: fitted into a box of 20 × 20,
     * its centre of mass in the middle. Undefined: it is empty.
     */
    digit(ink: ArrayLike<number>, height: number, width: number): Float32Array | undefined {
        const wasm = this.#wasm;
        if (ink.length !== height * width) throw new SomaError('the drawing has another size');
        return wasm.withFloats(ink, (p) =>
            wasm.with(4 * 784, (out) =>
                wasm.call('digit_fit', p, height, width, out) ? wasm.floats(out, 784).slice() : undefined,
            ),
        );
    }

    /** The rows of a CSV text as a model with this schema reads them. */
    table(name: string, bytes: Uint8Array, schema: TableSchema): Table {
        return readTable(this.#wasm, name, bytes, schema);
    }

    /** A picture of any size as a model wants it: the largest centred part of its proportions, scaled. */
    fit(picture: Picture, sample: PictureSample): Float32Array {
        return fitPicture(this.#wasm, picture, sample);
    }

    summary(values: ArrayLike<number>): Statistics {
        return summaryOf(this.#wasm, values);
    }

    formula(text: string): Formula {
        return new Formula(this.#wasm, text);
    }

    landscape(text: string, optimizer: Optimizer, start: { x: number; y: number }): Landscape {
        return new Landscape(this.#wasm, text, optimizer, start);
    }

    /** A window that slides over a picture: convolution, pooling, simple and complex cells. */
    slide(options: SlideOptions): Slide {
        return new Slide(this.#wasm, options);
    }

    /** Gabor's kernels, size × size each: the one asked for, and one a quarter of a wave further. */
    gabor(options: GaborOptions): { size: number; kernels: Float32Array } {
        return gaborKernels(this.#wasm, options);
    }

    /** One of the library's point sets; the same arguments always mean the same points. */
    points(shape: PointShape, count: number, noise: number, seed = 0): Points {
        const wasm = this.#wasm;
        return wasm.with(12 * count, (p) => {
            wasm.call('points_make', pointShapes.indexOf(shape), count, noise, seed, p, p + 8 * count);
            return { xy: wasm.floats(p, 2 * count).slice(), labels: wasm.floats(p + 8 * count, count).slice() };
        });
    }
}

/** Compiles the module, given its bytes or a response that brings them. */
export async function loadSoma(source: BufferSource | Response | Promise<Response>): Promise<Soma> {
    const given = await source;
    const bytes = given instanceof ArrayBuffer || ArrayBuffer.isView(given) ? given : await given.arrayBuffer();
    return new Soma(await WebAssembly.compile(bytes as BufferSource));
}
