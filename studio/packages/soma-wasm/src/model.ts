import type { Pointer, Wasm } from './module.js';
import { SomaError } from './module.js';
import type { Tensor } from './network.js';

export interface ModelValue {
    name: string;
    /** -1 stands for the batch. */
    shape: number[];
}

/** An ONNX file, run as it is. It holds memory until `destroy`. */
export class Model {
    #wasm: Wasm;
    #pointer: Pointer;
    readonly inputs: readonly ModelValue[];
    readonly outputs: readonly ModelValue[];
    readonly parameters: number;

    constructor(wasm: Wasm, file: Uint8Array) {
        this.#wasm = wasm;
        this.#pointer = wasm.with(file.length, (p) => {
            wasm.bytes(p, file.length).set(file);
            return wasm.try('model_load', p, file.length);
        });
        const p = this.#pointer;
        const values = (output: number, count: string): ModelValue[] =>
            Array.from({ length: wasm.call(count, p) }, (_, i) => ({
                name: wasm.text(wasm.call('model_value_name', p, output, i)),
                shape: wasm.readShape((dims) => wasm.call('model_value_shape', p, output, i, dims)),
            }));
        this.inputs = values(0, 'model_inputs');
        this.outputs = values(1, 'model_outputs');
        this.parameters = wasm.call('model_parameters', p);
    }

    /** @internal */
    get pointer(): Pointer {
        if (!this.#pointer) throw new SomaError('the model was destroyed');
        return this.#pointer;
    }

    destroy(): void {
        this.#wasm.call('model_destroy', this.#pointer);
        this.#pointer = 0;
    }

    /** Outputs by name for inputs by name; all inputs have the same number of rows. */
    run(inputs: Record<string, ArrayLike<number>>): Record<string, Tensor> {
        let rows = 1;
        this.inputs.forEach((input, i) => {
            const values = inputs[input.name];
            if (!values) throw new SomaError(`the input '${input.name}' is missing`);
            const row = input.shape.reduce((a, b) => a * Math.abs(b), 1);
            rows = input.shape.some((d) => d < 0) ? values.length / row : rows;
            if (values.length % row || !rows) throw new SomaError(`'${input.name}' takes ${row} numbers a row`);
            this.#wasm.withFloats(values, (p) => this.#wasm.try('model_set', this.#pointer, i, p, rows));
        });
        this.#wasm.try('model_run', this.#pointer, rows);
        const answers: Record<string, Tensor> = {};
        this.outputs.forEach((output, i) => {
            const shape = this.#wasm.readShape((dims) => this.#wasm.call('model_output_shape', this.#pointer, i, dims));
            const count = shape.reduce((a, b) => a * b, 1);
            const data = this.#wasm.readFloats(count, (p) =>
                this.#wasm.try('model_output_get', this.#pointer, i, p, count),
            );
            answers[output.name] = { shape, data };
        });
        return answers;
    }
}
