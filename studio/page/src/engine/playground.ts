import type { FeatureName, InitName, Measure, Network, OptimizerName, ScheduleName, Soma } from 'soma-wasm';
import { makeData, PICTURE_SIDE, type Data, type DataConfig, type ShownPoints } from './playground_data';
import type { TrainedNetwork, TrainedSource } from './trained';
import { Pace, progressOf, trainFor, type Progress } from './trainer';

export const GRID = 100;
export const UNIT_GRID = 25;
/** Points of the curves that a link brings. */
const WAY = 200;
/** Half the side of the plane that is drawn. */
export const REACH = 1.2;

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
    schedule: ScheduleName;
    /** The epochs over which the schedule changes the rate. */
    span: number;
}

export interface PlaygroundConfig extends DataConfig, NetworkConfig, TrainingConfig {
    /** Whether a linear classifier learns beside the network. */
    beside: boolean;
}

/** What was changed by hand while it trained, after how many steps. */
export interface Edit {
    step: number;
    weight?: { layer: number; bias: boolean; index: number; value: number };
    training?: Partial<TrainingConfig>;
}

export interface Described {
    spec: string;
    outputs: number;
    classes: number;
    layers: { units: number }[];
    train: ShownPoints;
    test: ShownPoints;
    /** The picture to be painted, rows of pixels of three numbers, 0 … 1. */
    picture?: Float32Array;
}

/** A linear classifier on the same points, after the same steps. */
export interface Linear {
    grid: Float32Array;
    train: Measure;
    test: Measure;
}

export interface Frame extends Progress {
    /** Answers over the plane, GRID × GRID × outputs, the first row at the bottom; of a curve GRID of them. */
    grid: Float32Array;
    linear?: Linear;
    /** Engine time of the grid, the median of the last ones. */
    gridMs: number;
    /** Hidden layers' outputs over the plane, UNIT_GRID² × units. */
    units: Float32Array[];
    /** Weights and biases of the dense layers, in order. */
    weights: Float32Array[];
    biases: Float32Array[];
    /** The chosen layer's outputs for the points to train on. */
    space?: Float32Array;
    /** Epoch, loss in training and on the test on the way here, where a link was followed. */
    way?: number[][];
}

/** The plane's points, row by row from below. */
function plane(side: number, reach: number): Float32Array {
    const xy = new Float32Array(2 * side * side);
    for (let i = 0; i < side * side; i++) {
        xy[2 * i] = reach * (((i % side) / (side - 1)) * 2 - 1);
        xy[2 * i + 1] = reach * ((Math.floor(i / side) / (side - 1)) * 2 - 1);
    }
    return xy;
}

/** Of a curve the first coordinate alone is seen. */
const across = (xy: Float32Array) => xy.filter((_, i) => i % 2 === 0);

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
    #linear: Network | undefined;
    #config!: PlaygroundConfig;
    #data!: Data;
    #picture: Float32Array | undefined;
    /** How it trains, from which step on. */
    #ways: { step: number; way: TrainingConfig }[] = [];
    /** How many of these the linear classifier has followed. */
    #followed = 0;
    #pace = new Pace();
    #speed = 0;
    #plane!: Float32Array;
    #unitPlane!: Float32Array;
    #space = -1;
    #gridTimes: number[] = [];

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    /** The picture that networks which start from now on paint. */
    picture(bitmap: ImageBitmap): void {
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height),
            context = canvas.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(bitmap, 0, 0);
        const sample = { channels: 3, height: PICTURE_SIDE, width: PICTURE_SIDE, scale: 1 / 255 };
        this.#picture = this.#soma.fit(context.getImageData(0, 0, bitmap.width, bitmap.height), sample);
    }

    /** Starts anew with these settings. */
    configure(c: PlaygroundConfig): Described {
        const classes = c.set === 'blobs' ? 3 : 2;
        const curve = c.task === 'regress';
        // How much red, green and blue there is: three shares.
        const paints = c.task === 'paint';
        const network = this.#soma.network(paints ? `${hiddenSpec(c)}, dense 3 sigmoid` : hiddenSpec(c), {
            sample: [curve ? 1 : 2],
            ...(paints ? {} : { task: curve ? 'regress' : 'classify', outputs: curve ? 1 : classes }),
            seed: c.seed,
            ...(curve ? {} : { features: c.features }),
            ...(c.init === 'auto' ? {} : { init: c.init, initValue: c.init === 'constant' ? 0.1 : 0 }),
        });
        this.#network?.destroy();
        this.#network = network;
        this.#config = { ...c };
        this.#data = makeData(this.#soma, c, this.#picture);
        this.#fill(network);
        const reach = c.task === 'paint' ? 1 : REACH,
            see = (xy: Float32Array) => (curve ? across(xy) : xy);
        this.#plane = curve ? across(plane(GRID, reach)).subarray(0, GRID) : plane(GRID, reach);
        this.#unitPlane = see(plane(UNIT_GRID, reach));
        this.#ways = [];
        this.train(c);
        this.beside(c.beside);
        this.#space = -1;
        const copy = (p: ShownPoints) => ({ xy: p.xy.slice(), labels: p.labels.slice() });
        return {
            spec: network.spec,
            outputs: network.outputs,
            classes,
            layers: this.#hidden().map((i) => ({ units: network.layers[i]!.shape[0]! })),
            train: copy(this.#data.shown.train),
            test: copy(this.#data.shown.test),
            ...(c.task === 'paint' ? { picture: this.#data.rows.train.targets.slice() } : {}),
        };
    }

    #fill(network: Network): void {
        const { train, test } = this.#data.rows;
        if (!train.x.length) return; // nothing was clicked yet
        network.setData('train', train.x, train.targets);
        network.setData('test', test.x, test.targets);
    }

    /** Whether a linear classifier learns on the same points: it then takes the steps that it has missed. */
    beside(on: boolean): void {
        this.#linear?.destroy();
        this.#linear = undefined;
        this.#config.beside = on;
        if (!on || this.#config.task !== 'classify' || !this.#data.rows.train.x.length) return;
        this.#linear = this.#soma.network('identity', {
            sample: [2],
            task: 'classify',
            outputs: this.#config.set === 'blobs' ? 3 : 2,
            seed: this.#config.seed,
        });
        this.#fill(this.#linear);
        this.#followed = 0;
        this.#follow();
    }

    /** The linear classifier takes the network's steps, in the way in which it took them. */
    #follow(): void {
        const linear = this.#linear;
        if (!linear) return;
        for (; this.#followed < this.#ways.length; this.#followed++) {
            const { step, way } = this.#ways[this.#followed]!;
            if (step > linear.steps) linear.train(step - linear.steps);
            this.#tell(linear, way);
        }
        linear.train(this.#network!.steps - linear.steps);
    }

    /** Layers whose units are shown: the hidden dense ones. */
    #hidden(): number[] {
        const layers = this.#network!.layers;
        return layers.flatMap((l, i) => (l.text.startsWith('dense') && i < layers.length - 1 ? [i] : []));
    }

    #tell(network: Network, c: TrainingConfig): void {
        network.setTraining(c.batch, { kind: c.optimizer, rate: c.rate, l1: c.l1, l2: c.l2 });
        network.setSchedule(c.schedule, c.rate, c.span);
    }

    /** Goes on with another way to train; returns the steps after which. */
    train(c: Partial<TrainingConfig>): number {
        const network = this.#network!;
        Object.assign(this.#config, c);
        this.#tell(network, this.#config);
        this.#ways.push({ step: network.steps, way: { ...this.#config } });
        this.#pace.reset();
        return network.steps;
    }

    /** Which hidden layer's outputs for the points a frame brings; -1: none. */
    view(layer: number): void {
        this.#space = layer;
    }

    /** Changes a weight; returns the steps after which. */
    setWeight(layer: number, bias: boolean, index: number, value: number): number {
        const name = `dense${layer + 1}.${bias ? 'bias' : 'weight'}`;
        const { data } = this.#network!.get(name);
        data[index] = value;
        this.#network!.set(name, data);
        return this.#network!.steps;
    }

    /** Trains for some milliseconds at most, at no more than so many epochs a second (0: as fast as it can). */
    run(milliseconds: number, epochsPerSecond: number): Frame {
        const network = this.#network!;
        if (!network.stepsPerEpoch) return this.frame();
        const due = epochsPerSecond ? this.#pace.due(epochsPerSecond, network.stepsPerEpoch) : Number.MAX_SAFE_INTEGER;
        const speed = trainFor(network, due, milliseconds, this.#config.batch);
        if (due) this.#speed = speed;
        return this.frame();
    }

    /** The rest of the epoch, or a whole one. */
    step(): Frame {
        const network = this.#network!,
            each = network.stepsPerEpoch;
        if (each) network.train(each - (network.steps % each));
        return this.frame();
    }

    /** Up to a step, to follow a link, with the changes that were made on the way. */
    replay(steps: number, edits: readonly Edit[]): Frame {
        const network = this.#network!,
            way: number[][] = [];
        const upTo = (step: number) => {
            const each = network.stepsPerEpoch;
            // Whole epochs, as many as make the curves' points.
            const some = each * Math.ceil(Math.max(steps, step) / (each * WAY));
            while (each && step > network.steps) {
                network.train(Math.min(step - network.steps, some - (network.steps % some)));
                const { epoch, train, test } = progressOf(network, 0);
                way.push([epoch, train.loss, this.#config.task === 'paint' ? NaN : test.loss]);
            }
        };
        for (const { step, weight, training } of edits) {
            upTo(step);
            if (weight) this.setWeight(weight.layer, weight.bias, weight.index, weight.value);
            if (training) this.train(training);
        }
        upTo(steps);
        return { ...this.frame(), way };
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
        // Shares of colour are no classes that could be right, and all pixels are learnt.
        if (this.#config.task === 'paint') {
            frame.train.accuracy = NaN;
            frame.test = { loss: NaN, accuracy: NaN };
        }
        if (this.#linear) {
            this.#follow();
            const [train, test] = [this.#linear.measure('train'), this.#linear.measure('test')];
            frame.linear = { grid: this.#linear.predict(this.#plane), train, test };
        }
        const layer = hidden[this.#space];
        if (layer !== undefined && this.#data.rows.train.x.length)
            frame.space = network.look(this.#data.rows.train.x)[layer]!;
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
