import type { Network, OptimizerName, PointShape, Soma } from 'soma-wasm';
import { Pace, progressOf, trainFor, type Progress } from './trainer';

export const SIDE = 41;
export const PLANE = 60;
export const WEIGHTS = ['w1', 'w2', 'b'] as const;

export interface NeuronConfig {
    set: PointShape;
    noise: number;
    seed: number;
    optimizer: OptimizerName;
    rate: number;
    batch: number;
    /** w1, w2 and b where training begins. */
    start: number[];
}

export interface NeuronFrame extends Progress {
    /** w1, w2, b and the loss's gradient by them, over all points. */
    weights: number[];
    gradient: number[];
    /** The neuron's answers over the plane -1.2 … 1.2, PLANE × PLANE. */
    plane: Float32Array;
}

/** One sigmoid of w1 x1 + w2 x2 + b. */
export class NeuronEngine {
    #soma: Soma;
    #network: Network | undefined;
    #points!: { xy: Float32Array; labels: Float32Array };
    #pace = new Pace();
    #batch = 1;
    #plane = Float32Array.from({ length: 2 * PLANE * PLANE }, (_, k) => {
        const i = k >> 1;
        return 1.2 * (((k & 1 ? Math.floor(i / PLANE) : i % PLANE) / (PLANE - 1)) * 2 - 1);
    });

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    configure(c: NeuronConfig): { xy: Float32Array; labels: Float32Array } {
        this.#network?.destroy();
        const network = this.#soma.network('dense 1 sigmoid', { sample: [2], seed: c.seed });
        this.#network = network;
        this.#points = this.#soma.points(c.set, 200, c.noise, c.seed);
        // Of three blobs the third is left out: a neuron tells two classes apart.
        const kept = [...this.#points.labels.keys()].filter((i) => this.#points.labels[i]! < 2);
        this.#points = {
            xy: Float32Array.from(kept.flatMap((i) => [...this.#points.xy.subarray(2 * i, 2 * i + 2)])),
            labels: Float32Array.from(kept, (i) => this.#points.labels[i]!),
        };
        network.setData('train', this.#points.xy, this.#points.labels);
        network.setData('test', this.#points.xy, this.#points.labels);
        network.set('dense1.weight', c.start.slice(0, 2));
        network.set('dense1.bias', c.start.slice(2));
        this.#batch = Math.min(c.batch, this.#points.labels.length);
        network.setTraining(this.#batch, { kind: c.optimizer, rate: c.rate });
        this.#pace.reset();
        return { xy: this.#points.xy.slice(), labels: this.#points.labels.slice() };
    }

    /** The loss over two of the weights, the others as they are. */
    surface(first: number, second: number, reach: number): Float32Array {
        const axis = (k: number) => ({
            parameter: k < 2 ? 'dense1.weight' : 'dense1.bias',
            index: k < 2 ? k : 0,
            low: -reach,
            high: reach,
        });
        return this.#network!.surface(axis(first), axis(second), SIDE);
    }

    run(milliseconds: number, stepsPerSecond: number): NeuronFrame {
        const due = this.#pace.due(stepsPerSecond, 1);
        const speed = trainFor(this.#network!, due, milliseconds, this.#batch);
        return this.frame(speed);
    }

    step(): NeuronFrame {
        this.#network!.train(1);
        return this.frame(0);
    }

    /** Up to a step, to follow a link. */
    replay(steps: number): NeuronFrame {
        this.#network!.train(Math.max(0, steps - this.#network!.steps));
        return this.frame();
    }

    pause(): void {
        this.#pace.reset();
    }

    frame(speed = 0): NeuronFrame {
        const network = this.#network!;
        const { gradients } = network.differentiate(this.#points.xy, this.#points.labels);
        const both = (get: (name: string) => Float32Array) => [...get('dense1.weight'), ...get('dense1.bias')];
        return {
            ...progressOf(network, speed),
            weights: both((name) => network.get(name).data),
            gradient: both((name) => gradients.get(name)!.data),
            plane: network.predict(this.#plane),
        };
    }
}
