// Gradient flow: a deep plain network and a residual one, trained side by side on the same batches. Both have the same
// layers with the same initial weights; around each inner layer of the residual one its input goes by.
import type { InitName, Network, OptimizerName, PointShape, Soma, Tap } from 'soma-wasm';
import { Pace, progressOf, type Progress } from './trainer';

export const PLANE = 60;
export const UNIT_GRID = 25;
export const REACH = 1.2;
export const COUNT = 400;
const TRAINED = 300;

export const forms = ['plain', 'residual'] as const;
export type Form = (typeof forms)[number];

export interface FlowConfig {
    set: PointShape;
    noise: number;
    /** Hidden layers, and the units of each. */
    depth: number;
    width: number;
    activation: string;
    init: InitName;
    /** Of all weights where they are constant. */
    initValue: number;
    seed: number;
    optimizer: OptimizerName;
    rate: number;
    batch: number;
}

export interface FlowPoints {
    train: { xy: Float32Array; labels: Float32Array };
    test: { xy: Float32Array; labels: Float32Array };
}

/** One network after a slice. */
export interface FlowSide extends Progress {
    spec: string;
    /** Its layers with weights, from the first to the output. */
    taps: Tap[];
    /** Answers over the plane, PLANE × PLANE. */
    plane: Float32Array;
    /** Of the layer that is looked at: its units' outputs over the plane, UNIT_GRID² × units, ... */
    units: Float32Array;
    /** ... its weights, a row for each unit, and its biases. */
    weights: Float32Array;
    biases: Float32Array;
    /** How many of its units differ in a weight or the bias. */
    different: number;
    /** Why it trains no more; the rest is as it was before. */
    failure?: string;
}

export type FlowFrame = Record<Form, FlowSide>;

export function flowSpec(form: Form, c: Pick<FlowConfig, 'depth' | 'width' | 'activation'>): string {
    const layer = `dense ${c.width} ${c.activation}`;
    const inner = form === 'plain' ? layer : `residual(${layer})`;
    return [layer, ...Array<string>(c.depth - 1).fill(inner)].join(', ');
}

function planeOf(side: number): Float32Array {
    return Float32Array.from({ length: 2 * side * side }, (_, k) => {
        const i = k >> 1;
        return REACH * (((k & 1 ? Math.floor(i / side) : i % side) / (side - 1)) * 2 - 1);
    });
}

/** Rows that are not equal, number by number, to one before them. */
function differentRows(weights: Float32Array, biases: Float32Array): number {
    const inputs = weights.length / biases.length;
    const rows = Array.from(biases, (b, i) => `${weights.subarray(i * inputs, (i + 1) * inputs).join()};${b}`);
    return new Set(rows).size;
}

interface Runner {
    network: Network;
    failure?: string;
    last?: FlowSide;
}

export class FlowEngine {
    #soma: Soma;
    #runners = new Map<Form, Runner>();
    #config!: FlowConfig;
    #points!: FlowPoints;
    #pace = new Pace();
    #plane = planeOf(PLANE);
    #unitPlane = planeOf(UNIT_GRID);
    #layer = 0;
    /** The end of the histograms of values that have no bound. */
    #high = 1;

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    configure(c: FlowConfig): FlowPoints {
        const made = this.#soma.points(c.set, COUNT, c.noise, c.seed);
        // Two networks of one output tell two classes apart: of three blobs the third joins the second.
        const labels = made.labels.map((label) => Math.min(1, label));
        this.#points = {
            train: { xy: made.xy.slice(0, 2 * TRAINED), labels: labels.slice(0, TRAINED) },
            test: { xy: made.xy.slice(2 * TRAINED), labels: labels.slice(TRAINED) },
        };
        for (const { network } of this.#runners.values()) network.destroy();
        this.#runners.clear();
        this.#config = c;
        this.#high = 1;
        for (const form of forms) {
            const network = this.#soma.network(flowSpec(form, c), {
                sample: [2],
                task: 'classify',
                outputs: 2,
                seed: c.seed,
                init: c.init,
                initValue: c.init === 'constant' ? c.initValue : 0,
            });
            this.#runners.set(form, { network });
            network.setData('train', this.#points.train.xy, this.#points.train.labels);
            network.setData('test', this.#points.test.xy, this.#points.test.labels);
        }
        this.train(c);
        this.frame();
        const copy = (p: { xy: Float32Array; labels: Float32Array }) => ({
            xy: p.xy.slice(),
            labels: p.labels.slice(),
        });
        return { train: copy(this.#points.train), test: copy(this.#points.test) };
    }

    /** Goes on with another way to train. */
    train(c: Pick<FlowConfig, 'optimizer' | 'rate' | 'batch'>): void {
        Object.assign(this.#config, c);
        for (const { network } of this.#runners.values())
            network.setTraining(c.batch, { kind: c.optimizer, rate: c.rate });
        this.#pace.reset();
    }

    /** Which layer with weights a frame shows unit by unit. */
    view(layer: number): void {
        this.#layer = layer;
    }

    #steps(count: number): void {
        for (const runner of this.#runners.values()) {
            if (runner.failure !== undefined) continue;
            try {
                runner.network.train(count);
            } catch (error) {
                runner.failure = error instanceof Error ? error.message : String(error);
            }
        }
    }

    /** Both train for some milliseconds at most, step by step alike, at no more than so many epochs a second. */
    run(milliseconds: number, epochsPerSecond: number): FlowFrame {
        const perEpoch = Math.ceil(TRAINED / this.#config.batch);
        let due = epochsPerSecond ? this.#pace.due(epochsPerSecond, perEpoch) : Number.MAX_SAFE_INTEGER;
        for (const begun = performance.now(); due > 0 && performance.now() - begun < milliseconds; due -= 10)
            this.#steps(Math.min(10, due));
        return this.frame();
    }

    /** The rest of the epoch, or a whole one. */
    step(): FlowFrame {
        const done = Math.max(...[...this.#runners.values()].map((r) => r.network.steps));
        const perEpoch = Math.ceil(TRAINED / this.#config.batch);
        this.#steps(perEpoch - (done % perEpoch));
        return this.frame();
    }

    /** Up to a step, to follow a link. */
    replay(steps: number): FlowFrame {
        this.#steps(Math.max(0, steps - Math.max(...[...this.#runners.values()].map((r) => r.network.steps))));
        return this.frame();
    }

    pause(): void {
        this.#pace.reset();
    }

    #bins(): { low: number; high: number } {
        const { activation } = this.#config;
        return activation === 'tanh' ? { low: -1, high: 1 } : { low: 0, high: activation === 'relu' ? this.#high : 1 };
    }

    /** What has no bound is shown up to a power of two that holds it; a new one only when it must be. */
    #rescale(taps: Tap[]): boolean {
        const largest = Math.max(
            ...taps
                .slice(0, -1)
                .map((tap) => tap.values.max)
                .filter(Number.isFinite),
            1e-6,
        );
        if (this.#config.activation !== 'relu' || (largest <= this.#high && largest > this.#high / 8)) return false;
        this.#high = 2 ** Math.min(40, Math.ceil(Math.log2(largest)));
        return true;
    }

    #side(runner: Runner): FlowSide {
        if (runner.failure !== undefined && runner.last) return { ...runner.last, failure: runner.failure };
        const { network } = runner,
            { train } = this.#points;
        const layer = Math.min(this.#layer, this.#config.depth);
        const [weights, biases] = ['weight', 'bias'].map((name) => network.get(`dense${layer + 1}.${name}`).data) as [
            Float32Array,
            Float32Array,
        ];
        return {
            ...progressOf(network, 0),
            spec: network.spec,
            taps: network.tap(train.xy, train.labels, this.#bins()),
            plane: network.predict(this.#plane),
            units: network.look(this.#unitPlane)[layer]!,
            weights,
            biases,
            different: differentRows(weights, biases),
        };
    }

    frame(): FlowFrame {
        const sides = () => forms.map((form) => this.#side(this.#runners.get(form)!));
        let both = sides();
        if (this.#rescale(both.flatMap((side) => (side.failure === undefined ? side.taps : [])))) both = sides();
        forms.forEach((form, i) => {
            const runner = this.#runners.get(form)!;
            // What is sent to the page is moved there: a network that fails later needs a copy of its own.
            if (runner.failure === undefined) runner.last = structuredClone(both[i]!);
            else both[i] = structuredClone(both[i]!);
        });
        return { plain: both[0]!, residual: both[1]! };
    }
}
