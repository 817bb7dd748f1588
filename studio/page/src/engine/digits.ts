// A network that learns MNIST's digits, and everything that can be seen of it for one picture.
import type { Inside, Measure, Network, OptimizerName, Pixel, Soma, Tap } from 'soma-wasm';
import { DIGIT_SIZE, fetchMnist, loadMnist, type Digits, type Mnist, type MnistUrls } from './mnist';
import { trainFor } from './trainer';

export const digitNetworks = {
    lenet: 'conv 20 5x5 relu, maxpool 2, conv 50 5x5 relu, maxpool 2, dense 500 relu',
    small: 'conv 8 5x5 p2 relu, maxpool 2, conv 16 5x5 p2 relu, maxpool 3',
    perceptron: 'dense 100 relu',
} as const;
export type DigitNetwork = keyof typeof digitNetworks;

export interface DigitsConfig {
    net: DigitNetwork;
    seed: number;
    optimizer: OptimizerName;
    rate: number;
    batch: number;
}

export interface DigitsLayer {
    text: string;
    /** Of one sample. */
    shape: number[];
    /** A convolution's number among the layers with weights, whose numbers can be taken apart; else -1. */
    pixels: number;
}

export interface Weights {
    name: string;
    /** Pictures that the first layer's units compare their input with: count × height × width. */
    shape: [number, number, number];
    data: Float32Array;
}

export interface DigitsDescribed {
    spec: string;
    layers: DigitsLayer[];
    /** Layers with weights, as the taps name them. */
    names: string[];
    parameters: number;
    train: number;
    test: number;
    stepsPerEpoch: number;
}

/** The test set's mistakes, those first of which the network was surest. */
export interface Mistake {
    index: number;
    label: number;
    answer: number;
    share: number;
    picture: Float32Array;
}

/** What is known after the whole test set was asked. */
export interface Examination {
    test: Measure;
    /** Counts, truth × answer. */
    confusion: Uint16Array;
    wrong: number;
    mistakes: Mistake[];
    taps: Tap[];
    filters: Weights;
}

/** What the network makes of the picture that is looked at. */
export interface Seen {
    picture: Float32Array;
    /** −1 where it is drawn. */
    label: number;
    /** The outputs of the layers of DigitsDescribed. */
    layers: Float32Array[];
    scores: Float32Array;
    powers: Float64Array;
    sum: number;
    answers: Float32Array;
    answer: number;
}

export interface DigitsFrame {
    steps: number;
    epoch: number;
    /** The same with the part of the epoch that runs. */
    epochs: number;
    /** Mean over the running epoch. */
    loss: number;
    /** Training examples a second. */
    speed: number;
    examination?: Examination;
    seen?: Seen;
}

const MISTAKES = 24,
    TAPPED = 50,
    /** Testing takes no more than about this share of the time. */
    TEST_SHARE = 0.3,
    LOOK_EVERY = 250;

const largest = (values: ArrayLike<number>, from: number, count: number) => {
    let best = 0;
    for (let k = 1; k < count; k++) if (values[from + k]! > values[from + best]!) best = k;
    return best;
};

export class DigitsEngine {
    #soma: Soma;
    #data: Mnist | undefined;
    #network: Network | undefined;
    #inside: Inside | undefined;
    #config: DigitsConfig | undefined;
    #picture: Float32Array = new Float32Array(DIGIT_SIZE);
    #label = -1;
    #examined = { at: -Infinity, took: 0, steps: -1 };
    #looked = -Infinity;
    #speed = 0;

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    /** The network, for other rooms; undefined before it was trained. */
    get trained(): { network: Network; config: DigitsConfig } | undefined {
        return this.#network?.steps ? { network: this.#network, config: this.#config! } : undefined;
    }

    /** Brings the digits to the page before they are needed. */
    fetch(urls: MnistUrls): Promise<void> {
        return fetchMnist(urls);
    }

    /** Goes on with the network that there is, if it has these settings, else starts anew. */
    async open(urls: MnistUrls, c: DigitsConfig): Promise<DigitsDescribed> {
        this.#data = await loadMnist(urls);
        const same = this.#network && this.#config!.net === c.net && this.#config!.seed === c.seed;
        if (!same) return this.configure(c);
        this.train(c);
        return this.#describe();
    }

    /** Starts anew with these settings. */
    configure(c: DigitsConfig): DigitsDescribed {
        const { train, test } = this.#data!;
        const network = this.#soma.network(digitNetworks[c.net], {
            sample: [1, 28, 28],
            task: 'classify',
            outputs: 10,
            seed: c.seed,
        });
        this.#inside?.destroy();
        this.#network?.destroy();
        this.#network = network;
        this.#inside = this.#soma.inside(network);
        network.setData('train', train.images, train.labels);
        network.setData('test', test.images, test.labels);
        this.#config = undefined;
        this.train(c);
        return this.#describe();
    }

    #describe(): DigitsDescribed {
        const network = this.#network!,
            inside = this.#inside!;
        const maps = inside.layers.flatMap((l, i) => (l.shape.length === 3 ? [i] : []));
        let convolutions = 0;
        return {
            spec: network.spec,
            layers: network.layers.map(({ text, shape }) => ({
                text,
                shape: [...shape],
                pixels: text.startsWith('conv') ? maps[convolutions++]! : -1,
            })),
            names: inside.layers.map((l) => l.name),
            parameters: network.parameters.reduce((sum, p) => sum + network.get(p).data.length, 0),
            train: this.#data!.train.count,
            test: this.#data!.test.count,
            stepsPerEpoch: network.stepsPerEpoch,
        };
    }

    /** Goes on with another way to train. */
    train(c: DigitsConfig): void {
        const old = this.#config;
        if (!old || old.batch !== c.batch || old.optimizer !== c.optimizer)
            this.#network!.setTraining(c.batch, { kind: c.optimizer, rate: c.rate });
        else if (old.rate !== c.rate) this.#network!.setRate(c.rate);
        this.#config = c;
    }

    /** Trains for some milliseconds, but no further than to a step. */
    run(milliseconds: number, until = Infinity): DigitsFrame {
        const network = this.#network!,
            left = Math.min(Number.MAX_SAFE_INTEGER, until - network.steps);
        if (left > 0) this.#speed = trainFor(network, left, milliseconds, this.#config!.batch, 1);
        const { at, took } = this.#examined;
        const due = performance.now() - at > took / TEST_SHARE;
        return this.frame(due || network.steps >= until, performance.now() - this.#looked > LOOK_EVERY);
    }

    /** One batch. */
    step(): DigitsFrame {
        this.#network!.train(1);
        return this.frame();
    }

    frame(examine = true, look = true): DigitsFrame {
        const network = this.#network!;
        const frame: DigitsFrame = {
            steps: network.steps,
            epoch: Math.floor(network.steps / network.stepsPerEpoch),
            epochs: network.steps / network.stepsPerEpoch,
            loss: network.runningLoss,
            speed: this.#speed,
        };
        if (examine) frame.examination = this.#examine();
        if (look) frame.seen = this.look();
        return frame;
    }

    #examine(): Examination {
        const begun = performance.now();
        const { train, test } = this.#data!,
            network = this.#network!;
        const { loss, accuracy, answers } = network.examine('test');
        const confusion = new Uint16Array(100),
            wrong: { index: number; answer: number; share: number }[] = [];
        for (let index = 0; index < test.count; index++) {
            const answer = largest(answers, 10 * index, 10),
                label = test.labels[index]!;
            confusion[10 * label + answer]!++;
            if (answer !== label) wrong.push({ index, answer, share: answers[10 * index + answer]! });
        }
        wrong.sort((a, b) => b.share - a.share);
        const rows = Math.min(TAPPED, train.count);
        const examination = {
            test: { loss, accuracy },
            confusion,
            wrong: wrong.length,
            mistakes: wrong.slice(0, MISTAKES).map((m) => ({ ...m, ...this.#digit(test, m.index) })),
            taps: this.#network!.tap(train.images.subarray(0, rows * DIGIT_SIZE), train.labels.subarray(0, rows)),
            filters: this.#filters(),
        };
        const now = performance.now();
        this.#examined = { at: now, took: now - begun, steps: network.steps };
        return examination;
    }

    #digit(set: Digits, index: number): { picture: Float32Array; label: number } {
        return {
            picture: set.images.slice(DIGIT_SIZE * index, DIGIT_SIZE * (index + 1)),
            label: set.labels[index]!,
        };
    }

    #filters(): Weights {
        const name = this.#network!.parameters[0]!,
            { shape, data } = this.#network!.get(name);
        const [count = 1] = shape;
        return shape.length === 4
            ? { name, shape: [count * shape[1]!, shape[2]!, shape[3]!], data }
            : { name, shape: [count, 28, 28], data };
    }

    // ---- The picture that is looked at

    /** A digit of the test set. */
    pick(index: number): Seen {
        const { picture, label } = this.#digit(this.#data!.test, index);
        this.#picture = picture;
        this.#label = label;
        return this.look();
    }

    /** A drawing, ink from 0 to 1; undefined when it is empty. */
    draw(ink: Float32Array, height: number, width: number): Seen | undefined {
        const picture = this.#soma.digit(ink, height, width);
        this.#picture = picture ?? new Float32Array(DIGIT_SIZE);
        this.#label = -1;
        return picture && this.look();
    }

    look(): Seen {
        const network = this.#network!,
            inside = this.#inside!;
        this.#looked = performance.now();
        inside.look(this.#picture);
        const found = inside.scores();
        return {
            picture: this.#picture.slice(),
            label: this.#label,
            layers: network.look(this.#picture),
            ...found,
            answer: largest(found.answers, 0, 10),
        };
    }

    /** A number of a convolution's map, for the picture that is looked at. */
    pixel(layer: number, channel: number, row: number, column: number): Pixel {
        this.#inside!.look(this.#picture);
        return this.#inside!.pixel(layer, channel, row, column);
    }

    /** How much each pixel would change a class's score. */
    saliency(digit: number): Float32Array {
        return this.#inside!.saliency(this.#picture, [digit]);
    }

    /** As an ONNX file that takes pictures of bytes, as other files do: `soma predict` reads PNG and JPEG with it. */
    save(): Uint8Array {
        return this.#network!.save(255);
    }
}
