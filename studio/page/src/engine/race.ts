// Optimizers side by side: on a surface of two numbers, and on the same network.
import type { Landscape, Measure, Network, Optimizer, PointShape, Range, Soma } from 'soma-wasm';

export const SIDE = 81;
/** The points of the line that the surface "line" fits. */
const LINE = 24;

export interface Racer {
    optimizer: Optimizer;
    /** Rows a step where there are data; 0: all. */
    batch: number;
}

export interface SurfaceConfig {
    /** A formula of x and y; "" for the loss of a line w x + b through points, with x for w and y for b. */
    formula: string;
    range: Range;
    start: { x: number; y: number };
    racers: Racer[];
}

export interface NetworkRaceConfig {
    set: PointShape;
    seed: number;
    racers: Racer[];
}

/** A racer on a surface. */
interface Walker {
    /** x, y and height before each of some steps. */
    walk(steps: number): Float64Array;
    destroy(): void;
}

/** A line fitted to points that scatter about y = 0.9 x + 0.2. */
class LineWalker implements Walker {
    #network: Network;

    constructor(soma: Soma, racer: Racer, start: { x: number; y: number }) {
        this.#network = soma.network('dense 1', { sample: [1] });
        const scatter = soma.points('blobs', LINE, 0.35, 5).xy;
        const x = Float32Array.from({ length: LINE }, (_, i) => -1.5 + (3 * i) / (LINE - 1));
        this.#network.setData(
            'train',
            x,
            x.map((v, i) => 0.9 * v + 0.2 + 0.6 * scatter[2 * i]!),
        );
        this.#network.setTraining(racer.batch || LINE, racer.optimizer);
        this.#network.set('dense1.weight', [start.x]);
        this.#network.set('dense1.bias', [start.y]);
    }

    surface(range: Range): Float32Array {
        const axis = (parameter: string, [low, high]: [number, number]) => ({ parameter, index: 0, low, high });
        return this.#network.surface(axis('dense1.weight', range.x), axis('dense1.bias', range.y), SIDE);
    }

    walk(steps: number): Float64Array {
        const path = new Float64Array(3 * steps);
        for (let i = 0; i < steps; i++) {
            path[3 * i] = this.#network.get('dense1.weight').data[0]!;
            path[3 * i + 1] = this.#network.get('dense1.bias').data[0]!;
            path[3 * i + 2] = this.#network.measure('train').loss;
            this.#network.train(1);
        }
        return path;
    }

    destroy(): void {
        this.#network.destroy();
    }
}

export class RaceEngine {
    #soma: Soma;
    #walkers: (Walker | undefined)[] = [];
    #networks: (Network | undefined)[] = [];

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    /** Lines the racers up; returns the heights over the surface. */
    surface(c: SurfaceConfig): Float32Array {
        const make = (racer: Racer): Walker =>
            c.formula
                ? this.#soma.landscape(c.formula, racer.optimizer, c.start)
                : new LineWalker(this.#soma, racer, c.start);
        const walkers = c.racers.map(make);
        this.#walkers.forEach((w) => w?.destroy());
        this.#walkers = walkers;
        const first = walkers[0];
        return first instanceof LineWalker ? first.surface(c.range) : (first as Landscape).heights(c.range, SIDE);
    }

    /** Some steps of each; one that left the finite numbers stands still, and its path is empty. */
    walk(steps: number): Float64Array[] {
        return this.#walkers.map((walker, i) => {
            try {
                return walker?.walk(steps) ?? new Float64Array();
            } catch {
                walker?.destroy();
                this.#walkers[i] = undefined;
                return new Float64Array();
            }
        });
    }

    /** The same network from the same weights, once for each racer. */
    networks(c: NetworkRaceConfig): void {
        this.#networks.forEach((n) => n?.destroy());
        const points = this.#soma.points(c.set, 400, 0.08, c.seed);
        this.#networks = c.racers.map((racer) => {
            const network = this.#soma.network('dense 8 tanh, dense 8 tanh', {
                sample: [2],
                task: 'classify',
                outputs: c.set === 'blobs' ? 3 : 2,
                seed: c.seed,
            });
            network.setData('train', points.xy.subarray(0, 600), points.labels.subarray(0, 300));
            network.setData('test', points.xy.subarray(600), points.labels.subarray(300));
            network.setTraining(Math.min(300, racer.batch || 300), racer.optimizer);
            return network;
        });
    }

    /** An epoch of each; loss on the rows to train on, accuracy on the test part. */
    epoch(): (Measure | undefined)[] {
        return this.#networks.map((network, i) => {
            try {
                network?.train(network.stepsPerEpoch);
                return network && { loss: network.measure('train').loss, accuracy: network.measure('test').accuracy };
            } catch {
                network?.destroy();
                this.#networks[i] = undefined;
                return undefined;
            }
        });
    }
}
