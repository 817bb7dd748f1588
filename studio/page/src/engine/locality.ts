// A perceptron beside LeNet on digits as they are, digits moved aside, and digits whose pixels are shuffled: what it is
// worth to know that neighbours belong together. Four networks learn in step, each kind on plain and on shuffled digits.
import type { Network, Soma } from 'soma-wasm';
import { DIGIT_SIDE, loadMnist, type Digits, type MnistUrls } from './mnist';

/** Digits stand in the middle of a picture of 32 × 32, as LeNet's author had them. */
export const SIDE = 32;
const AREA = SIDE * SIDE;
/** Ink keeps six pixels from the edge: so far a digit can be moved whole. */
export const FARTHEST = 6;
const TESTED = 500,
    BATCH = 32,
    RATE = 0.001;
const LENET = 'conv 6 5x5 relu, maxpool 2, conv 16 5x5 relu, maxpool 2, dense 120 relu, dense 84 relu';
const DIRECTIONS = [
    [0, 1],
    [1, 0],
    [0, -1],
    [-1, 0],
    [1, 1],
    [-1, -1],
    [1, -1],
    [-1, 1],
] as const;

export interface LocalityConfig {
    hidden: number;
    /** How many digits they learn. */
    digits: number;
    seed: number;
    /** How far the test digits are moved, in pixels. */
    shift: number;
}

/** Shares of right answers on test digits. */
export interface Answers {
    /** Moved by 0, 1, … pixels; NaN where not yet measured. */
    moved: number[];
    shuffled: number;
}

export interface LocalityFrame {
    /** Of each network. */
    steps: number;
    stepsPerEpoch: number;
    /** LeNet's on plain test digits. */
    loss: number;
    perceptron: Answers;
    lenet: Answers;
}

export interface LocalityStart {
    specs: { perceptron: string; lenet: string };
    /** Numbers that are learnt: all, and those of the first layer's weights. */
    parameters: { perceptron: number; lenet: number; perceptronFirst: number; lenetFirst: number };
    frame: LocalityFrame;
}

/** A fixed order of the pixels that depends on the seed alone. */
function permutation(seed: number): Uint16Array {
    const order = Uint16Array.from({ length: AREA }, (_, i) => i);
    let state = (seed * 2654435761 + 1013904223) >>> 0;
    for (let i = AREA - 1; i > 0; i--) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const k = Math.floor((state / 2 ** 32) * (i + 1));
        [order[i], order[k]] = [order[k]!, order[i]!];
    }
    return order;
}

/** The first digits in pictures of 32 × 32, each moved in one of eight directions, the i-th always in the same. */
function placed(digits: Digits, count: number, by: number): Float32Array {
    const out = new Float32Array(count * AREA),
        margin = (SIDE - DIGIT_SIDE) / 2;
    for (let i = 0; i < count; i++) {
        const [down, right] = DIRECTIONS[i % DIRECTIONS.length]!;
        for (let row = 0; row < DIGIT_SIDE; row++) {
            const y = row + margin + down * by;
            if (y < 0 || y >= SIDE) continue;
            for (let column = 0; column < DIGIT_SIDE; column++) {
                const x = column + margin + right * by;
                if (x >= 0 && x < SIDE)
                    out[i * AREA + y * SIDE + x] = digits.images[(i * DIGIT_SIDE + row) * DIGIT_SIDE + column]!;
            }
        }
    }
    return out;
}

function shuffled(pictures: Float32Array, order: Uint16Array): Float32Array {
    const out = new Float32Array(pictures.length);
    for (let at = 0; at < out.length; at += AREA)
        for (let i = 0; i < AREA; i++) out[at + i] = pictures[at + order[i]!]!;
    return out;
}

/** The networks of one kind. */
interface Pair {
    plain: Network;
    shuffled: Network;
    answers: Answers;
}

export class LocalityEngine {
    #soma: Soma;
    #pairs: { perceptron: Pair; lenet: Pair } | undefined;
    #labels = new Float32Array();
    #tests: { moved: Float32Array[]; shuffled: Float32Array } = { moved: [], shuffled: new Float32Array() };
    #loss = NaN;
    #turn = 0;
    #ready: Promise<unknown> = Promise.resolve();

    constructor(soma: Soma) {
        this.#soma = soma;
    }

    /** Starts anew; what is asked for meanwhile waits until the digits are there. */
    configure(c: LocalityConfig, urls: MnistUrls): Promise<LocalityStart> {
        const started = this.#start(c, urls);
        this.#ready = started;
        return started;
    }

    async #start(c: LocalityConfig, urls: MnistUrls): Promise<LocalityStart> {
        const { train, test } = await loadMnist(urls);
        const order = permutation(c.seed),
            count = Math.min(c.digits, train.count);
        const pictures = placed(train, count, 0),
            mixed = shuffled(pictures, order),
            labels = Float32Array.from(train.labels.subarray(0, count));
        this.#labels = Float32Array.from(test.labels.subarray(0, TESTED));
        const moved = Array.from({ length: FARTHEST + 1 }, (_, by) => placed(test, TESTED, by));
        this.#tests = { moved, shuffled: shuffled(moved[0]!, order) };
        const make = (spec: string, x: Float32Array) => {
            const options = { sample: [1, SIDE, SIDE], task: 'classify', outputs: 10, seed: c.seed } as const;
            const network = this.#soma.network(spec, { ...options, sample: [...options.sample] });
            network.setData('train', x, labels);
            network.setTraining(BATCH, { kind: 'adam', rate: RATE });
            return network;
        };
        const pair = (spec: string): Pair => ({
            plain: make(spec, pictures),
            shuffled: make(spec, mixed),
            answers: { moved: moved.map(() => NaN), shuffled: NaN },
        });
        for (const p of Object.values(this.#pairs ?? {})) (p.plain.destroy(), p.shuffled.destroy());
        this.#pairs = { perceptron: pair(`dense ${c.hidden} relu`), lenet: pair(LENET) };
        // The other distances are measured as the training goes on.
        this.#measure(0);
        this.#measure(c.shift);
        this.#measure('shuffled');
        const { perceptron, lenet } = this.#pairs;
        const size = (n: Network, name: string) => n.shape(name).reduce((a, b) => a * b, 1);
        const all = (n: Network) => n.parameters.reduce((sum, name) => sum + size(n, name), 0);
        return {
            specs: { perceptron: perceptron.plain.spec, lenet: lenet.plain.spec },
            parameters: {
                perceptron: all(perceptron.plain),
                lenet: all(lenet.plain),
                perceptronFirst: size(perceptron.plain, 'dense1.weight'),
                lenetFirst: size(lenet.plain, 'conv2d1.weight'),
            },
            frame: this.#frame(),
        };
    }

    /** Test pictures to draw: as they are, moved, shuffled; `count` of each, one after the other. */
    async examples(count: number, by: number): Promise<Float32Array[]> {
        await this.#ready;
        const { moved, shuffled: mixed } = this.#tests;
        return [moved[0]!, moved[by]!, mixed].map((x) => x.slice(0, count * AREA));
    }

    #measure(on: 'shuffled' | number): void {
        for (const pair of Object.values(this.#pairs!)) {
            const network = on === 'shuffled' ? pair.shuffled : pair.plain;
            network.setData('test', on === 'shuffled' ? this.#tests.shuffled : this.#tests.moved[on]!, this.#labels);
            const { loss, accuracy } = network.measure('test');
            if (on === 'shuffled') pair.answers.shuffled = accuracy;
            else pair.answers.moved[on] = accuracy;
            if (on === 0) this.#loss = loss;
        }
    }

    /** The networks as they are now on test digits moved by so much; without a distance, on all test sets. */
    async measure(by?: number): Promise<LocalityFrame> {
        await this.#ready;
        if (by === undefined) return this.#measureAll();
        this.#measure(by);
        return this.#frame();
    }

    #measureAll(): LocalityFrame {
        for (let by = 0; by <= FARTHEST; by++) this.#measure(by);
        this.#measure('shuffled');
        return this.#frame();
    }

    /** Trains for some milliseconds, to the end of the epoch at most, then measures on one of the test sets in turn. */
    async run(milliseconds: number, shift: number): Promise<LocalityFrame> {
        await this.#ready;
        const { perceptron, lenet } = this.#pairs!;
        const begun = performance.now(),
            epoch = lenet.plain.stepsPerEpoch;
        do {
            for (const pair of [perceptron, lenet]) (pair.plain.train(1), pair.shuffled.train(1));
        } while (performance.now() - begun < milliseconds && lenet.plain.steps % epoch !== 0);
        if (lenet.plain.steps % epoch === 0) return this.#measureAll();
        // What the page shows largest is measured most often; the other distances take turns.
        const turns = [0, shift, 'shuffled', Math.floor(this.#turn / 4) % (FARTHEST + 1)] as const;
        this.#measure(turns[this.#turn++ % turns.length]!);
        return this.#frame();
    }

    #frame(): LocalityFrame {
        const { perceptron, lenet } = this.#pairs!;
        const copy = (a: Answers): Answers => ({ moved: [...a.moved], shuffled: a.shuffled });
        return {
            steps: lenet.plain.steps,
            stepsPerEpoch: lenet.plain.stepsPerEpoch,
            loss: this.#loss,
            perceptron: copy(perceptron.answers),
            lenet: copy(lenet.answers),
        };
    }
}
