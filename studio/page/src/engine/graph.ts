import type { Formula, FormulaNode, Soma } from 'soma-wasm';

export interface Computed {
    values: Float64Array;
    gradients: Float64Array;
}

export class GraphEngine {
    #soma: Soma;
    #formula: Formula | undefined;

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    /** The formula's nodes; what can't be read is thrown as a sentence, and the formula before it stays. */
    read(text: string): readonly FormulaNode[] {
        const formula = this.#soma.formula(text);
        this.#formula?.destroy();
        this.#formula = formula;
        return formula.nodes;
    }

    run(inputs: Record<string, number>): Computed {
        return this.#formula!.run(inputs);
    }
}
