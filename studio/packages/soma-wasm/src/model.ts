import type { Pointer, Wasm } from './module.js';
import { SomaError } from './module.js';
import type { Tensor } from './network.js';

export interface ModelValue {
    name: string;
    /** -1 stands for the batch. */
    shape: number[];
}

/** A node as the file has it. */
export interface ModelNode {
    op: string;
    name: string;
    /** "kernel_shape 3 3, strides 2 2" */
    attributes: string;
    /** Names of values and weights; "" for an input that is left out. */
    inputs: string[];
    outputs: {
        name: string;
        /** Undefined for what can't be looked at: numbers that are known without running. */
        shape?: number[];
    }[];
}

/** An output of a node. */
export interface InnerValue {
    node: number;
    output: number;
}

const size = (shape: number[]) => shape.reduce((a, b) => a * Math.abs(b), 1);

/** An ONNX file, run as it is. It holds memory until `destroy`. */
export class Model {
    #wasm: Wasm;
    #pointer: Pointer;
    #chosen: InnerValue | undefined;
    readonly inputs: readonly ModelValue[];
    readonly outputs: readonly ModelValue[];
    readonly parameters: number;
    /** The program that wrote the file, "" if it doesn't say. */
    readonly producer: string;
    readonly opset: number;
    readonly nodes: readonly ModelNode[];
    /** The trained tensors. */
    readonly weights: readonly ModelValue[];

    constructor(wasm: Wasm, file: Uint8Array) {
        this.#wasm = wasm;
        this.#pointer = wasm.with(file.length, (p) => {
            wasm.bytes(p, file.length).set(file);
            return wasm.try('model_load', p, file.length);
        });
        const p = this.#pointer;
        const list = <T>(count: number, item: (i: number) => T): T[] =>
            Array.from({ length: count }, (_, i) => item(i));
        const text = (name: string, ...args: number[]) => wasm.text(wasm.call(name, p, ...args));
        const shape = (name: string, ...args: number[]) => wasm.readShape((dims) => wasm.call(name, p, ...args, dims));
        const values = (output: number, count: string): ModelValue[] =>
            list(wasm.call(count, p), (i) => ({
                name: text('model_value_name', output, i),
                shape: shape('model_value_shape', output, i),
            }));
        this.inputs = values(0, 'model_inputs');
        this.outputs = values(1, 'model_outputs');
        this.parameters = wasm.call('model_parameters', p);
        this.producer = text('model_producer');
        this.opset = wasm.call('model_opset', p);
        this.nodes = list(wasm.call('model_nodes', p), (node) => {
            const ends = (output: number) =>
                list(wasm.call('model_node_ends', p, node, output), (i) => text('model_node_end', node, output, i));
            return {
                op: text('model_node_text', node, 0),
                name: text('model_node_text', node, 1),
                attributes: text('model_node_text', node, 2),
                inputs: ends(0),
                outputs: ends(1).map((name, i) => {
                    const known = wasm.with(32, (dims) => wasm.call('model_node_shape', p, node, i, dims)) >= 0;
                    return { name, ...(known ? { shape: shape('model_node_shape', node, i) } : {}) };
                }),
            };
        });
        this.weights = list(wasm.call('model_weights', p), (i) => ({
            name: text('model_weight_name', i),
            shape: shape('model_weight_shape', i),
        }));
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

    /** An entry of the file's metadata, "" if there is none of that key. */
    metadata(key: string): string {
        return this.#wasm.withText(key, (k) => this.#wasm.text(this.#wasm.call('model_metadata', this.#pointer, k)));
    }

    /** A trained tensor by its place among the weights. */
    weight(index: number): Tensor {
        const { shape } = this.weights[index]!;
        const data = this.#wasm.readFloats(size(shape), (p) =>
            this.#wasm.try('model_weight_get', this.#pointer, index, p, size(shape)),
        );
        return { shape: [...shape], data };
    }

    /** Outputs by name for inputs by name; all inputs have the same number of rows. */
    run(inputs: Record<string, ArrayLike<number>>): Record<string, Tensor> {
        this.#step(inputs);
        return Object.fromEntries(this.outputs.map((output, i) => [output.name, this.#get(i)]));
    }

    /** A value between the nodes. */
    look(inputs: Record<string, ArrayLike<number>>, value: InnerValue): Tensor {
        if (!this.nodes[value.node]?.outputs[value.output]?.shape)
            throw new SomaError('this value is known without running: there is nothing to look at');
        if (this.#chosen?.node !== value.node || this.#chosen.output !== value.output) {
            this.#wasm.call('model_choose', this.#pointer, value.node, value.output);
            this.#chosen = { ...value };
        }
        this.#step(inputs);
        return this.#get(-1);
    }

    #step(inputs: Record<string, ArrayLike<number>>): void {
        let rows = 1;
        this.inputs.forEach((input, i) => {
            const values = inputs[input.name];
            if (!values) throw new SomaError(`the input '${input.name}' is missing`);
            const row = size(input.shape);
            rows = input.shape.some((d) => d < 0) ? values.length / row : rows;
            if (values.length % row || !rows) throw new SomaError(`'${input.name}' takes ${row} numbers a row`);
            this.#wasm.withFloats(values, (p) => this.#wasm.try('model_set', this.#pointer, i, p, rows));
        });
        this.#wasm.try('model_run', this.#pointer, rows);
    }

    #get(output: number): Tensor {
        const shape = this.#wasm.readShape((dims) =>
            this.#wasm.call('model_output_shape', this.#pointer, output, dims),
        );
        const data = this.#wasm.readFloats(size(shape), (p) =>
            this.#wasm.try('model_output_get', this.#pointer, output, p, size(shape)),
        );
        return { shape, data };
    }
}
