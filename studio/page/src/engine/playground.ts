import type { FeatureName, InitName, Network, OptimizerName, PointShape, Soma } from 'soma-wasm';
import type { TrainedNetwork, TrainedSource } from './trained';
import { Pace, progressOf, trainFor, type Progress } from './trainer';

export const GRID = 100;
export const UNIT_GRID = 25;
/** Half the side of the plane that is drawn. */
export const REACH = 1.2;

/** What decides the points. */
export interface DataConfig {
    set: PointShape;
    count: number;
    noise: number;
    dataSeed: number;
    /** Share of the points that is kept for the test. */
    test: number;
    /** Points added by hand: x1, x2, label for each. */
    added: number[];
}

/** What decides the network, which starts anew when it changes. */
export interface NetworkConfig {
    hidden: number[];
    activation: string;
    init: InitName | 'auto';
    dropout: number;
    seed: number;
    features: FeatureName[];
}

/** How it trains; weights stay when it changes. */
export interface TrainingConfig {
    optimizer: OptimizerName;
    rate: number;
    batch: number;
    l1: number;
    l2: number;
}

export interface PlaygroundConfig extends DataConfig, NetworkConfig, TrainingConfig {}

export interface Described {
    spec: string;
    outputs: number;
    classes: number;
    layers: { units: number }[];
    train: { xy: Float32Array; labels: Float32Array };
    test: { xy: Float32Array; labels: Float32Array };
}

export interface Frame extends Progress {
    /** Answers over the plane, GRID × GRID × outputs, the first row at the bottom. */
    grid: Float32Array;
    /** Engine time of the grid, the median of the last ones. */
    gridMs: number;
    /** Hidden layers' outputs over the plane, UNIT_GRID² × units. */
    units: Float32Array[];
    /** Weights and biases of the dense layers, in order. */
    weights: Float32Array[];
    biases: Float32Array[];
    /** The chosen layer's outputs for the points to train on. */
    space?: Float32Array;
}

/** The plane's points, row by row from below. */
function plane(side: number): Float32Array {
    const xy = new Float32Array(2 * side * side);
    for (let i = 0; i < side * side; i++) {
        xy[2 * i] = REACH * (((i % side) / (side - 1)) * 2 - 1);
        xy[2 * i + 1] = REACH * ((Math.floor(i / side) / (side - 1)) * 2 - 1);
    }
    return xy;
}

/** The specification of the hidden layers; the library adds the output layer. */
export function hiddenSpec(c: NetworkConfig): string {
    const layer = (units: number) =>
        `dense ${units}${c.activation === 'linear' ? '' : ` ${c.activation}`}` +
        (c.dropout > 0 ? `, dropout ${c.dropout}` : '');
    // A layer that does nothing says that the output layer, which is appended, is the only one.
    return c.hidden.length
        ? c.hidden.map(layer).join(', ') + (c.activation === 'linear' ? ', identity' : '')
        : 'identity';
}

export class PlaygroundEngine implements TrainedSource {
    #soma: Soma;
    #network: Network | undefined;
    #config!: PlaygroundConfig;
    #train!: { xy: Float32Array; labels: Float32Array };
    #test!: { xy: Float32Array; labels: Float32Array };
    #pace = new Pace();
    #speed = 0;
    #plane = plane(GRID);
    #unitPlane = plane(UNIT_GRID);
    #space = -1;
    #gridTimes: number[] = [];

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    #points(c: DataConfig): void {
        const made = this.#soma.points(c.set, c.count, c.noise, c.dataSeed);
        const tested = Math.round(c.count * c.test),
            trained = c.count - tested;
        const added = Array.from({ length: c.added.length / 3 }, (_, i) => c.added.slice(3 * i, 3 * i + 3));
        this.#train = {
            xy: Float32Array.from([...made.xy.subarray(0, 2 * trained), ...added.flatMap((p) => p.slice(0, 2))]),
            labels: Float32Array.from([...made.labels.subarray(0, trained), ...added.map((p) => p[2] ?? 0)]),
        };
        this.#test = { xy: made.xy.slice(2 * trained), labels: made.labels.slice(trained) };
    }

    /** Starts anew with these settings. */
    configure(c: PlaygroundConfig): Described {
        const classes = c.set === 'blobs' ? 3 : 2;
        const network = this.#soma.network(hiddenSpec(c), {
            sample: [2],
            task: 'classify',
            outputs: classes,
            seed: c.seed,
            features: c.features,
            ...(c.init === 'auto' ? {} : { init: c.init, initValue: c.init === 'constant' ? 0.1 : 0 }),
        });
        this.#network?.destroy();
        this.#network = network;
        this.#config = c;
        this.#points(c);
        network.setData('train', this.#train.xy, this.#train.labels);
        network.setData('test', this.#test.xy, this.#test.labels);
        this.train(c);
        this.#space = -1;
        const copy = (p: { xy: Float32Array; labels: Float32Array }) => ({
            xy: p.xy.slice(),
            labels: p.labels.slice(),
        });
        return {
            spec: network.spec,
            outputs: network.outputs,
            classes,
            layers: this.#hidden().map((i) => ({ units: network.layers[i]!.shape[0]! })),
            train: copy(this.#train),
            test: copy(this.#test),
        };
    }

    /** Layers whose units are shown: the hidden dense ones. */
    #hidden(): number[] {
        const layers = this.#network!.layers;
        return layers.flatMap((l, i) => (l.text.startsWith('dense') && i < layers.length - 1 ? [i] : []));
    }

    /** Goes on with another way to train. */
    train(c: TrainingConfig): void {
        Object.assign(this.#config, c);
        this.#network!.setTraining(c.batch, { kind: c.optimizer, rate: c.rate, l1: c.l1, l2: c.l2 });
        this.#pace.reset();
    }

    /** Which hidden layer's outputs for the points a frame brings; -1: none. */
    view(layer: number): void {
        this.#space = layer;
    }

    setWeight(layer: number, bias: boolean, index: number, value: number): void {
        const name = `dense${layer + 1}.${bias ? 'bias' : 'weight'}`;
        const { data } = this.#network!.get(name);
        data[index] = value;
        this.#network!.set(name, data);
    }

    /** Trains for some milliseconds at most, at no more than so many epochs a second (0: as fast as it can). */
    run(milliseconds: number, epochsPerSecond: number): Frame {
        const network = this.#network!;
        const due = epochsPerSecond ? this.#pace.due(epochsPerSecond, network.stepsPerEpoch) : Number.MAX_SAFE_INTEGER;
        const speed = trainFor(network, due, milliseconds, this.#config.batch);
        if (due) this.#speed = speed;
        return this.frame();
    }

    /** The rest of the epoch, or a whole one. */
    step(): Frame {
        const network = this.#network!;
        network.train(network.stepsPerEpoch - (network.steps % network.stepsPerEpoch));
        return this.frame();
    }

    /** Up to a step, to follow a link. */
    replay(steps: number): Frame {
        this.#network!.train(Math.max(0, steps - this.#network!.steps));
        return this.frame();
    }

    pause(): void {
        this.#pace.reset();
    }

    frame(): Frame {
        const network = this.#network!;
        const begun = performance.now();
        const grid = network.predict(this.#plane);
        this.#gridTimes = [...this.#gridTimes.slice(-30), performance.now() - begun];
        const gridMs = [...this.#gridTimes].sort((a, b) => a - b)[this.#gridTimes.length >> 1]!;
        const hidden = this.#hidden();
        const looked = hidden.length ? network.look(this.#unitPlane) : [];
        const dense = network.parameters.filter((p) => p.endsWith('.weight'));
        const frame: Frame = {
            ...progressOf(network, this.#speed),
            grid,
            gridMs,
            units: hidden.map((i) => looked[i]!),
            weights: dense.map((p) => network.get(p).data),
            biases: dense.map((p) => network.get(p.replace('.weight', '.bias')).data),
        };
        const layer = hidden[this.#space];
        if (layer !== undefined) frame.space = network.look(this.#train.xy)[layer]!;
        return frame;
    }

    trained(): TrainedNetwork | undefined {
        const network = this.#network;
        return network && { spec: network.spec, steps: network.steps, accuracy: network.measure('test').accuracy };
    }

    save(): Uint8Array {
        return this.#network!.save();
    }
}
