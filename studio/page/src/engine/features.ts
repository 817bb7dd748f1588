// Pictures that excite a unit: of the network just trained in the room of digits, or of a model from a file.
import type { Feature, Inside, Model, Soma } from 'soma-wasm';
import type { DigitsConfig, DigitsEngine } from './digits';

export interface FeatureConfig {
    layer: number;
    channel: number;
    seed: number;
    rate: number;
    decay: number;
    jitter: number;
    blur: number;
    /** Values that the picture may have; both 0: any. */
    low: number;
    high: number;
}

export interface FeaturesDescribed {
    /** The settings of the trained network; undefined for a file. */
    trained?: DigitsConfig;
    sample: number[];
    layers: { name: string; shape: number[] }[];
}

export interface FeatureFrame {
    steps: number;
    activation: number;
    picture: Float32Array;
}

export class FeaturesEngine {
    #soma: Soma;
    #digits: DigitsEngine;
    #model: Model | undefined;
    #inside: Inside | undefined;
    #feature: Feature | undefined;
    #steps = 0;
    #activation = NaN;

    constructor(soma: Soma, digits: DigitsEngine) {
        this.#soma = soma;
        this.#digits = digits;
    }

    #close(): void {
        this.#feature?.destroy();
        this.#inside?.destroy();
        this.#model?.destroy();
        this.#feature = this.#inside = this.#model = undefined;
    }

    #open(file: Uint8Array): FeaturesDescribed {
        const model = this.#soma.load(file);
        let inside: Inside;
        try {
            inside = this.#soma.inside(model);
        } catch (error) {
            model.destroy();
            throw error;
        }
        this.#close();
        this.#model = model;
        this.#inside = inside;
        return {
            sample: inside.sample,
            layers: inside.layers.map(({ name, shape }) => ({ name, shape })),
        };
    }

    /** The network that was trained last, as it now is; undefined if there is none. A copy, so that it can go on. */
    openTrained(): FeaturesDescribed | undefined {
        const trained = this.#digits.trained;
        return trained && { ...this.#open(trained.network.save()), trained: trained.config };
    }

    openFile(file: Uint8Array): FeaturesDescribed {
        return this.#open(file);
    }

    #create(c: FeatureConfig): Feature {
        const pictures = this.#inside!.sample.length === 3;
        return this.#inside!.feature(c.layer, c.channel, {
            low: c.low,
            high: c.high,
            rate: c.rate * (c.high > c.low ? c.high - c.low : 1),
            decay: c.decay,
            seed: c.seed,
            ...(pictures ? { jitter: c.jitter, blur: c.blur, blurEvery: 4 } : {}),
        });
    }

    /** Begins anew, with noise. */
    begin(c: FeatureConfig): FeatureFrame {
        const feature = this.#create(c);
        this.#feature?.destroy();
        this.#feature = feature;
        this.#steps = 0;
        this.#activation = feature.step(0);
        return this.#frame();
    }

    /** Takes up to `steps` steps within some milliseconds. */
    run(steps: number, milliseconds: number): FeatureFrame {
        const begun = performance.now();
        for (let i = 0; i < steps && (i === 0 || performance.now() - begun < milliseconds); i++) {
            this.#activation = this.#feature!.step(1);
            this.#steps++;
        }
        return this.#frame();
    }

    #frame(): FeatureFrame {
        return { steps: this.#steps, activation: this.#activation, picture: this.#feature!.picture() };
    }

    /** The picture of one channel after so many steps, for a sheet of all of them. */
    finished(c: FeatureConfig, steps: number): Float32Array {
        const feature = this.#create(c);
        try {
            feature.step(steps);
            return feature.picture();
        } finally {
            feature.destroy();
        }
    }
}
