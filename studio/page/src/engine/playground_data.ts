// The playground's rows: points of the plane with their classes, points of a curve, or the pixels of a picture.
import type { PointShape, Soma } from 'soma-wasm';

export const taskNames = ['classify', 'regress', 'paint'] as const;
export type TaskName = (typeof taskNames)[number];
export type SetName = PointShape | 'sine' | 'steps' | 'sunset' | 'opened' | 'none';

/** The pixels of a side of the picture that is painted. */
export const PICTURE_SIDE = 48;

/** What decides the rows. */
export interface DataConfig {
    task: TaskName;
    set: SetName;
    count: number;
    noise: number;
    dataSeed: number;
    /** Share of the points that is kept for the test. */
    test: number;
    /** Points added by hand: x1, x2, label for each; of a curve x, y and 0. */
    added: number[];
}

/** To be drawn; of a curve x and y. */
export interface ShownPoints {
    xy: Float32Array;
    labels: Float32Array;
}

/** For the network. */
export interface Rows {
    x: Float32Array;
    targets: Float32Array;
}

export interface Data {
    rows: { train: Rows; test: Rows };
    shown: { train: ShownPoints; test: ShownPoints };
}

const curves: Record<string, string> = {
    sine: '0.7 * sin(4 * x)',
    steps: '0.4 * tanh(20 * (x + 0.4)) + 0.4 * tanh(20 * (x - 0.4))',
};

/** Points of a curve with noise, anywhere, or none; made by the library's generators. */
function onCurve(soma: Soma, c: DataConfig): ShownPoints {
    const { xy } = soma.points('random', c.count, 0, c.dataSeed),
        moved = soma.points('random', c.count, c.noise, c.dataSeed).xy;
    const text = curves[c.set];
    if (text) {
        const formula = soma.formula(text);
        for (let i = 0; i < c.count; i++) {
            const y = formula.run({ x: xy[2 * i]! }).values.at(-1)!;
            xy[2 * i + 1] = y + moved[2 * i + 1]! - xy[2 * i + 1]!;
        }
        formula.destroy();
    }
    return { xy, labels: new Float32Array(c.count) };
}

function pointsOf(soma: Soma, c: DataConfig): Data {
    const none: ShownPoints = { xy: new Float32Array(), labels: new Float32Array() };
    const made =
        c.set === 'none'
            ? none
            : c.task === 'regress'
              ? onCurve(soma, c)
              : soma.points(c.set as PointShape, c.count, c.noise, c.dataSeed);
    const count = made.labels.length,
        trained = count - Math.round(count * c.test);
    const added = Array.from({ length: c.added.length / 3 }, (_, i) => c.added.slice(3 * i, 3 * i + 3));
    const train = {
        xy: Float32Array.from([...made.xy.subarray(0, 2 * trained), ...added.flatMap((p) => p.slice(0, 2))]),
        labels: Float32Array.from([...made.labels.subarray(0, trained), ...added.map((p) => p[2] ?? 0)]),
    };
    // Points that are all made by hand are too few to keep some back: they are the test too.
    const test = count ? { xy: made.xy.slice(2 * trained), labels: made.labels.slice(trained) } : train;
    const every = (values: Float32Array, from: number) => values.filter((_, i) => i % 2 === from);
    const rows = (p: ShownPoints): Rows =>
        c.task === 'regress' ? { x: every(p.xy, 0), targets: every(p.xy, 1) } : { x: p.xy, targets: p.labels };
    return { rows: { train: rows(train), test: rows(test) }, shown: { train, test } };
}

/** The place of each pixel, -1 … 1 from left to right and from below, and its colour; all of them are learnt. */
function pixelsOf(picture: Float32Array): Data {
    const side = PICTURE_SIDE,
        pixels = side * side;
    const x = new Float32Array(2 * pixels),
        targets = new Float32Array(3 * pixels);
    for (let i = 0; i < pixels; i++) {
        x[2 * i] = (2 * ((i % side) + 0.5)) / side - 1;
        x[2 * i + 1] = 1 - (2 * (Math.floor(i / side) + 0.5)) / side;
        for (let k = 0; k < 3; k++) targets[3 * i + k] = picture[k * pixels + i]!;
    }
    const rows = { x, targets };
    const none = { xy: new Float32Array(), labels: new Float32Array() };
    return { rows: { train: rows, test: rows }, shown: { train: none, test: none } };
}

/** `picture`: three planes of PICTURE_SIDE × PICTURE_SIDE, 0 … 1. */
export function makeData(soma: Soma, c: DataConfig, picture: Float32Array | undefined): Data {
    return c.task === 'paint'
        ? pixelsOf(picture ?? new Float32Array(3 * PICTURE_SIDE * PICTURE_SIDE))
        : pointsOf(soma, c);
}
