import type { Pointer, Wasm } from './module.js';
import { SomaError } from './module.js';
import type { NetworkOptions, Optimizer, ScheduleName } from './settings.js';
import { networkArray, optimizerArray, scheduleNames } from './settings.js';
import { TAP_NUMBERS, tapOf, type Tap } from './taps.js';

export interface Tensor {
    shape: number[];
    data: Float32Array;
}

export interface Layer {
    text: string;
    /** Of one sample. */
    shape: number[];
}

export interface Measure {
    loss: number;
    /** Share of right answers; NaN for numbers. */
    accuracy: number;
}

/** Which element of which parameter, and from where to where it goes. */
export interface Axis {
    parameter: string;
    index: number;
    low: number;
    high: number;
}

const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

/** A network that can be trained, asked and looked into. It holds memory until `destroy`. */
export class Network {
    #wasm: Wasm;
    #pointer: Pointer;
    #rowsOf = { train: 0, test: 0 };
    readonly sampleSize: number;
    readonly outputs: number;
    /** What the last layer's numbers mean. */
    readonly meaning: 'number' | 'sigmoid' | 'softmax';
    /** The complete specification. */
    readonly spec: string;
    readonly parameters: readonly string[];
    readonly layers: readonly Layer[];

    constructor(wasm: Wasm, spec: string, options: NetworkOptions) {
        this.#wasm = wasm;
        const { sample } = options;
        if (sample.length < 1 || sample.length > 7) throw new SomaError('a sample has 1 to 7 dimensions');
        this.#pointer = wasm.withText(spec, (text) =>
            wasm.with(32, (dims) => {
                wasm.ints(dims, sample.length).set(sample);
                return wasm.withDoubles(networkArray(options), (settings) =>
                    wasm.try('network_create', text, dims, sample.length, settings),
                );
            }),
        );
        const p = this.#pointer;
        this.sampleSize = size(sample);
        this.outputs = wasm.call('network_outputs', p);
        this.meaning = (['number', 'sigmoid', 'softmax'] as const)[wasm.call('network_meaning', p)] ?? 'number';
        this.spec = wasm.text(wasm.call('network_text', p));
        this.parameters = Array.from({ length: wasm.call('network_parameters', p) }, (_, i) =>
            wasm.text(wasm.call('network_parameter_name', p, i)),
        );
        this.layers = Array.from({ length: wasm.call('network_layers', p) }, (_, i) => ({
            text: wasm.text(wasm.call('network_layer_text', p, i)),
            shape: wasm.readShape((dims) => wasm.call('network_layer_shape', p, i, dims)),
        }));
    }

    /** @internal */
    get pointer(): Pointer {
        if (!this.#pointer) throw new SomaError('the network was destroyed');
        return this.#pointer;
    }

    destroy(): void {
        this.#wasm.call('network_destroy', this.#pointer);
        this.#pointer = 0;
    }

    #rows(x: ArrayLike<number>): number {
        const rows = x.length / this.sampleSize;
        if (!this.#pointer) throw new SomaError('the network was destroyed');
        if (!Number.isInteger(rows)) throw new SomaError(`rows have ${this.sampleSize} numbers each`);
        return rows;
    }

    #targets(rows: number, targets: ArrayLike<number>): void {
        const width = this.meaning === 'softmax' ? 1 : this.outputs;
        if (targets.length !== rows * width)
            throw new SomaError(`expected ${rows * width} targets, not ${targets.length}`);
        if (this.meaning !== 'softmax') return;
        for (let i = 0; i < targets.length; i++)
            if (!(Number(targets[i]) >= 0 && Number(targets[i]) < this.outputs))
                throw new SomaError('there is no such class');
    }

    // ---- Parameters

    shape(parameter: string): number[] {
        if (!this.parameters.includes(parameter)) throw new SomaError(`there is no parameter '${parameter}'`);
        return this.#wasm.withText(parameter, (name) =>
            this.#wasm.readShape((dims) => this.#wasm.call('network_parameter_shape', this.#pointer, name, dims)),
        );
    }

    get(parameter: string): Tensor {
        const shape = this.shape(parameter);
        return { shape, data: this.#read('network_parameter_get', parameter, size(shape)) };
    }

    set(parameter: string, values: ArrayLike<number>): void {
        if (values.length !== size(this.shape(parameter))) throw new SomaError(`'${parameter}' has another size`);
        this.#wasm.withText(parameter, (name) =>
            this.#wasm.withFloats(values, (p) =>
                this.#wasm.try('network_parameter_set', this.#pointer, name, p, values.length),
            ),
        );
    }

    #read(call: string, parameter: string, count: number): Float32Array {
        return this.#wasm.withText(parameter, (name) =>
            this.#wasm.readFloats(count, (p) => this.#wasm.try(call, this.#pointer, name, p, count)),
        );
    }

    // ---- Training

    /** The rows to train on, or those to test on. Targets are class numbers, or the numbers to predict. */
    setData(part: 'train' | 'test', x: ArrayLike<number>, targets: ArrayLike<number>): void {
        const rows = this.#rows(x);
        this.#targets(rows, targets);
        this.#rowsOf[part] = 0;
        this.#wasm.withFloats(x, (px) =>
            this.#wasm.withFloats(targets, (pt) =>
                this.#wasm.try('network_set_data', this.#pointer, part === 'train' ? 0 : 1, px, pt, rows),
            ),
        );
        this.#rowsOf[part] = rows;
    }

    /** How to train from now on; the optimizer starts anew. */
    setTraining(batch: number, optimizer: Optimizer): void {
        this.#wasm.withDoubles(optimizerArray(optimizer), (p) =>
            this.#wasm.try('network_set_training', this.#pointer, Math.max(1, Math.floor(batch)), p),
        );
    }

    setRate(rate: number): void {
        this.#wasm.try('network_set_rate', this.#pointer, rate);
    }

    /** How the rate changes with the steps that are taken, over so many epochs; then it stays. */
    setSchedule(kind: ScheduleName, rate: number, epochs: number): void {
        this.#wasm.try('network_set_schedule', this.#pointer, scheduleNames.indexOf(kind), rate, epochs);
    }

    train(steps: number): void {
        this.#wasm.try('network_train', this.#pointer, steps);
    }

    get steps(): number {
        return this.#wasm.call('network_steps', this.#pointer);
    }
    get stepsPerEpoch(): number {
        return this.#wasm.call('network_steps_per_epoch', this.#pointer);
    }
    /** The mean loss over the last whole epoch; NaN before. */
    get epochLoss(): number {
        return this.#wasm.call('network_epoch_loss', this.#pointer);
    }

    /** The same over the epoch that runs, as far as it has come. */
    get runningLoss(): number {
        return this.#wasm.call('network_running_loss', this.#pointer);
    }

    /** The measure, and the answers that it is about: rows × outputs. */
    examine(part: 'train' | 'test'): Measure & { answers: Float32Array } {
        let measure: Measure = { loss: NaN, accuracy: NaN };
        const rows = this.#rowsOf[part];
        const answers = this.#wasm.readFloats(rows * this.outputs, (out) =>
            this.#wasm.with(16, (p) => {
                this.#wasm.try('network_examine', this.#pointer, part === 'train' ? 0 : 1, p, out);
                const [loss = NaN, accuracy = NaN] = this.#wasm.doubles(p, 2);
                measure = { loss, accuracy };
            }),
        );
        return { ...measure, answers };
    }

    measure(part: 'train' | 'test'): Measure {
        return this.#wasm.with(16, (p) => {
            this.#wasm.try('network_measure', this.#pointer, part === 'train' ? 0 : 1, p);
            const [loss = NaN, accuracy = NaN] = this.#wasm.doubles(p, 2);
            return { loss, accuracy };
        });
    }

    // ---- Answers and what lies behind them

    predict(x: ArrayLike<number>): Float32Array {
        const rows = this.#rows(x);
        return this.#wasm.withFloats(x, (px) =>
            this.#wasm.readFloats(rows * this.outputs, (out) =>
                this.#wasm.try('network_predict', this.#pointer, px, rows, out),
            ),
        );
    }

    /** The outputs of every layer: rows × the layer's shape. */
    look(x: ArrayLike<number>): Float32Array[] {
        const rows = this.#rows(x);
        this.#wasm.withFloats(x, (px) => this.#wasm.try('network_look', this.#pointer, px, rows));
        return this.layers.map((layer, i) => {
            const count = rows * size(layer.shape);
            return this.#wasm.readFloats(count, (p) => this.#wasm.try('network_layer_get', this.#pointer, i, p, count));
        });
    }

    /** The loss over some rows and its gradient by every parameter that is trained. */
    differentiate(x: ArrayLike<number>, targets: ArrayLike<number>): { loss: number; gradients: Map<string, Tensor> } {
        const rows = this.#rows(x);
        this.#targets(rows, targets);
        const loss = this.#wasm.withFloats(x, (px) =>
            this.#wasm.withFloats(targets, (pt) =>
                this.#wasm.with(8, (out) => {
                    this.#wasm.try('network_differentiate', this.#pointer, px, pt, rows, out);
                    return this.#wasm.doubles(out, 1)[0] ?? NaN;
                }),
            ),
        );
        const gradients = new Map<string, Tensor>();
        for (const name of this.parameters) {
            if (/\.running_/.test(name)) continue;
            const shape = this.shape(name);
            gradients.set(name, { shape, data: this.#read('network_gradient_get', name, size(shape)) });
        }
        return { loss, gradients };
    }

    /**
     * What passes through every layer with weights for some rows, without a training step: values after the
     * activation, gradients of the loss before it. Histograms of values go from `low` to `high` where these are given.
     */
    tap(x: ArrayLike<number>, targets: ArrayLike<number>, bins?: { low: number; high: number }): Tap[] {
        const rows = this.#rows(x);
        this.#targets(rows, targets);
        const wasm = this.#wasm;
        wasm.withFloats(x, (px) =>
            wasm.withFloats(targets, (pt) =>
                wasm.withDoubles([bins?.low ?? NaN, bins?.high ?? NaN], (pb) =>
                    wasm.try('network_tap', this.#pointer, px, pt, rows, pb),
                ),
            ),
        );
        return wasm.with(8 * TAP_NUMBERS, (p) =>
            Array.from({ length: wasm.call('network_taps', this.#pointer) }, (_, i) => {
                wasm.try('network_tap_get', this.#pointer, i, p);
                const name = wasm.text(wasm.call('network_tap_name', this.#pointer, i));
                return tapOf(name, wasm.doubles(p, TAP_NUMBERS));
            }),
        );
    }

    /** The loss on the training rows over a grid of two parameters' elements, row by row of the second. */
    surface(a: Axis, b: Axis, steps: number): Float32Array {
        return this.#wasm.withText(a.parameter, (first) =>
            this.#wasm.withText(b.parameter, (second) =>
                this.#wasm.withDoubles([a.low, a.high, b.low, b.high], (range) =>
                    this.#wasm.readFloats(steps * steps, (out) =>
                        this.#wasm.try(
                            'network_surface',
                            this.#pointer,
                            first,
                            a.index,
                            second,
                            b.index,
                            range,
                            steps,
                            out,
                        ),
                    ),
                ),
            ),
        );
    }

    /** The network as an ONNX file. `divisor`: 255 for one that was trained on pictures of 0 … 1; the file takes bytes. */
    save(divisor = 1): Uint8Array {
        return this.#wasm.with(4, (length) => {
            const bytes = this.#wasm.try('network_save', this.#pointer, divisor, length);
            const copy = this.#wasm.bytes(bytes, this.#wasm.ints(length, 1)[0] ?? 0).slice();
            this.#wasm.give(bytes);
            return copy;
        });
    }
}
