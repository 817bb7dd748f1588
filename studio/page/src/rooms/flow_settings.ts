// The room of gradient flow: its settings, how they stand in a link, and the links of the lecture.
import { optimizerNames, pointShapes, type InitName } from 'soma-wasm';
import { COUNT, flowSpec, type FlowConfig, type Form } from '../engine/flow';

export const activations = ['sigmoid', 'tanh', 'relu'] as const;
export const inits: readonly InitName[] = ['xavier', 'xavier_normal', 'he', 'normal', 'orthogonal', 'constant'];
export const shows = ['both', 'plain', 'residual'] as const;
export const DEPTHS = { least: 4, most: 30 } as const;

export interface FlowSettings extends FlowConfig {
    /** The layer that is looked at, from 0. */
    layer: number;
    show: (typeof shows)[number];
    /** Epochs a second. */
    pace: number;
}

export const usual: FlowSettings = {
    set: 'moons',
    noise: 0.1,
    depth: 12,
    width: 8,
    activation: 'sigmoid',
    init: 'xavier',
    initValue: 0.2,
    seed: 1,
    optimizer: 'sgd',
    rate: 0.1,
    batch: 20,
    layer: 0,
    show: 'both',
    pace: 20,
};

export function toLink(s: FlowSettings): Record<string, string> {
    return {
        set: s.set,
        noise: `${s.noise}`,
        depth: `${s.depth}`,
        width: `${s.width}`,
        act: s.activation,
        init: s.init,
        value: `${s.initValue}`,
        seed: `${s.seed}`,
        opt: s.optimizer,
        rate: `${s.rate}`,
        batch: `${s.batch}`,
        layer: `${s.layer + 1}`,
        nets: s.show,
        pace: `${s.pace}`,
    };
}

/** What a link gives, where it can be taken; the rest as usual. */
export function fromLink(q: URLSearchParams): FlowSettings {
    const number = (key: string, low: number, high: number, other: number, whole = true) => {
        const value = Number(q.get(key) ?? NaN);
        return value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : other;
    };
    const one = <T extends string>(key: string, list: readonly T[], other: T): T =>
        list.find((v) => v === q.get(key)) ?? other;
    const depth = number('depth', DEPTHS.least, DEPTHS.most, usual.depth);
    return {
        set: one('set', pointShapes, usual.set),
        noise: number('noise', 0, 1, usual.noise, false),
        depth,
        width: number('width', 2, 16, usual.width),
        activation: one('act', activations, 'sigmoid'),
        init: one('init', inits, usual.init),
        initValue: number('value', 0.05, 1, usual.initValue, false),
        seed: number('seed', 0, 2 ** 32 - 1, usual.seed),
        optimizer: one('opt', optimizerNames, usual.optimizer),
        rate: number('rate', 1e-6, 10, usual.rate, false),
        batch: number('batch', 1, 300, usual.batch),
        layer: Math.min(depth, number('layer', 1, DEPTHS.most + 1, 1) - 1),
        show: one('nets', shows, usual.show),
        pace: number('pace', 0, 1000, usual.pace),
    };
}

export interface Preset {
    name: string;
    /** What there is to see. */
    text: string;
    settings: Partial<FlowSettings>;
}

export const presets: readonly Preset[] = [
    {
        name: 'Vanishing gradient',
        text: 'Twelve layers of sigmoids: on the way back each multiplies the gradient by its slope, a quarter at most, so that next to nothing reaches the first layers. The network learns nothing.',
        settings: { show: 'plain' },
    },
    {
        name: 'Remedy: residual connections',
        text: 'The same layers, but around each its input goes by: y = x + f(x). The sum lets the gradient through undiminished, and the first layers learn.',
        settings: {},
    },
    {
        name: 'Remedy: ReLU and He',
        text: 'The plain network with ReLU, whose slope is 1 where it is on, and initial weights whose spread suits it: the gradient keeps its size over all layers.',
        settings: { show: 'plain', activation: 'relu', init: 'he', rate: 0.05 },
    },
    {
        name: 'Equal constant weights',
        text: 'All weights begin equal: all units of a layer compute the same, receive the same gradient and stay the same, however long they learn. Eight units are worth one, and the boundary remains a line.',
        settings: { depth: 4, activation: 'tanh', init: 'constant', layer: 1, show: 'plain' },
    },
];

/** The command that trains a network of these layers on the same set; it has no value of one's own for constant weights. */
export function commandLine(s: FlowSettings, form: Form): string | undefined {
    if (s.init === 'constant') return undefined;
    return (
        `soma train ${s.set}:points=${COUNT},noise=${s.noise},seed=${s.seed} --net "${flowSpec(form, s)}"` +
        ` --opt ${s.optimizer} --lr ${s.rate} --batch ${s.batch} --seed ${s.seed} --init ${s.init}`
    );
}
