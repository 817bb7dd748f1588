import type { Pointer, Wasm } from './module.js';
import type { Optimizer } from './settings.js';
import { optimizerArray } from './settings.js';

export interface FormulaNode {
    /** The op's name ("mul"), "input" or "scalar". */
    op: string;
    /** An input's name; else "". */
    name: string;
    /** The numbers of the nodes that it reads. */
    inputs: number[];
}

/** A formula as a graph. It holds memory until `destroy`. */
export class Formula {
    #wasm: Wasm;
    #pointer: Pointer;
    readonly nodes: readonly FormulaNode[];

    constructor(wasm: Wasm, text: string) {
        this.#wasm = wasm;
        const p = wasm.withText(text, (t) => wasm.try('formula_create', t));
        this.#pointer = p;
        this.nodes = Array.from({ length: wasm.call('formula_nodes', p) }, (_, i) => ({
            op: wasm.text(wasm.call('formula_node_op', p, i)),
            name: wasm.text(wasm.call('formula_node_name', p, i)),
            inputs: wasm.readShape((dims) => wasm.call('formula_node_inputs', p, i, dims)),
        }));
    }

    destroy(): void {
        this.#wasm.call('formula_destroy', this.#pointer);
        this.#pointer = 0;
    }

    /** Every node's value, and the derivative of the formula by it; inputs that aren't named keep their value. */
    run(inputs: Record<string, number>): { values: Float64Array; gradients: Float64Array } {
        const count = this.nodes.length;
        this.nodes.forEach((node, i) => {
            const value = node.op === 'input' ? inputs[node.name] : undefined;
            if (value !== undefined) this.#wasm.try('formula_set', this.#pointer, i, value);
        });
        return this.#wasm.with(16 * count, (p) => {
            this.#wasm.try('formula_run', this.#pointer, p, p + 8 * count);
            return {
                values: this.#wasm.doubles(p, count).slice(),
                gradients: this.#wasm.doubles(p + 8 * count, count).slice(),
            };
        });
    }
}

export interface Range {
    x: [number, number];
    y: [number, number];
}

/** A function of x and y on which an optimizer walks. It holds memory until `destroy`. */
export class Landscape {
    #wasm: Wasm;
    #pointer: Pointer;

    constructor(wasm: Wasm, text: string, optimizer: Optimizer, start: { x: number; y: number }) {
        this.#wasm = wasm;
        this.#pointer = wasm.withText(text, (t) =>
            wasm.withDoubles(optimizerArray(optimizer), (o) => wasm.try('landscape_create', t, o, start.x, start.y)),
        );
    }

    destroy(): void {
        this.#wasm.call('landscape_destroy', this.#pointer);
        this.#pointer = 0;
    }

    /** Takes steps: x, y and the height before each. */
    walk(steps: number): Float64Array {
        return this.#wasm.with(24 * steps, (p) => {
            this.#wasm.try('landscape_walk', this.#pointer, steps, p);
            return this.#wasm.doubles(p, 3 * steps).slice();
        });
    }

    /** The function over a grid, row by row of y. */
    heights(range: Range, steps: number): Float32Array {
        return this.#wasm.withDoubles([...range.x, ...range.y], (r) =>
            this.#wasm.readFloats(steps * steps, (out) =>
                this.#wasm.try('landscape_heights', this.#pointer, r, steps, out),
            ),
        );
    }
}
