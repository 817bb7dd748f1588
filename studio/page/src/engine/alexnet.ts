// AlexNet's sizes, and those of a layer of one's own, as the library tells them from a graph without weights.
import type { Description, DescriptionRow, Soma } from 'soma-wasm';

/** A convolution that a visitor makes up. */
export interface OwnLayer {
    size: number;
    channels: number;
    filters: number;
    kernel: number;
    stride: number;
    padding: number;
}

export interface Compared {
    /** A layer of 1024 units on a picture of 32 × 32, and a convolution on the same. */
    perceptron: DescriptionRow;
    convolution: DescriptionRow;
    /** AlexNet's first layer of units, put right behind the picture. */
    large: DescriptionRow;
}

export class AlexnetEngine {
    #soma: Soma;

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    describe(): Description {
        return this.#soma.describe('alexnet');
    }

    #first(spec: string, sample: number[]): DescriptionRow {
        return this.#soma.describe(spec, sample).rows[0]!;
    }

    compare(): Compared {
        const { sample } = this.describe();
        return {
            perceptron: this.#first('dense 1024', [1, 32, 32]),
            convolution: this.#first('conv 6 5x5', [1, 32, 32]),
            large: this.#first('dense 4096', sample),
        };
    }

    /** Throws a sentence where there is no such layer. */
    own(l: OwnLayer): DescriptionRow {
        const padding = l.padding ? ` p${l.padding}` : '';
        const spec = `conv ${l.filters} ${l.kernel}x${l.kernel} s${l.stride}${padding}`;
        return this.#first(spec, [l.channels, l.size, l.size]);
    }
}
