// The playground's settings, and how they stand in a link.
import { featureNames, initNames, optimizerNames, pointShapes, type FeatureName } from 'soma-wasm';
import type { PlaygroundConfig } from '../engine/playground';

export const activations = ['tanh', 'relu', 'sigmoid', 'linear', 'leaky_relu', 'gelu', 'silu'] as const;
export const UNITS_MAX = 12;
export const LAYERS_MAX = 6;
export const ADDED_MAX = 300;

export interface PlaygroundSettings extends PlaygroundConfig {
    /** Epochs a second; 0: as fast as it goes. */
    pace: number;
    showTest: boolean;
    discretise: boolean;
}

export const usual: PlaygroundSettings = {
    set: 'spiral',
    count: 500,
    noise: 0.03,
    dataSeed: 0,
    test: 0.2,
    added: [],
    hidden: [8, 8],
    activation: 'tanh',
    init: 'auto',
    dropout: 0,
    seed: 0,
    features: ['x1', 'x2'],
    optimizer: 'adam',
    rate: 0.03,
    batch: 10,
    l1: 0,
    l2: 0,
    pace: 60,
    showTest: false,
    discretise: false,
};

/** Coordinates in hundredths: short, and the same points for everybody. */
export const quantise = (value: number) => Math.round(value * 100) / 100;

export function toLink(s: PlaygroundSettings): Record<string, string> {
    return {
        set: s.set,
        count: `${s.count}`,
        noise: `${s.noise}`,
        data: `${s.dataSeed}`,
        test: `${s.test}`,
        points: s.added.map((v, i) => (i % 3 < 2 ? Math.round(100 * v) : v)).join('_'),
        net: s.hidden.join('-'),
        act: s.activation,
        init: s.init,
        dropout: `${s.dropout}`,
        seed: `${s.seed}`,
        see: s.features.map((f) => featureNames.indexOf(f)).join(''),
        opt: s.optimizer,
        rate: `${s.rate}`,
        batch: `${s.batch}`,
        l1: `${s.l1}`,
        l2: `${s.l2}`,
        pace: `${s.pace}`,
        showtest: s.showTest ? '1' : '0',
        whole: s.discretise ? '1' : '0',
    };
}

/** What a link gives, where it can be taken; the rest as usual. */
export function fromLink(q: URLSearchParams): PlaygroundSettings {
    const number = (key: string, low: number, high: number, other: number, whole = false) => {
        const value = Number(q.get(key) ?? NaN);
        return value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : other;
    };
    const one = <T extends string>(key: string, list: readonly T[], other: T): T =>
        list.find((v) => v === q.get(key)) ?? other;
    const numbers = (key: string, mark: string) => (q.get(key) ?? '').split(mark).filter(Boolean).map(Number);
    const units = numbers('net', '-').filter((n) => Number.isInteger(n) && n >= 1 && n <= UNITS_MAX);
    const points = numbers('points', '_')
        .filter((v) => Math.abs(v) <= 1000)
        .map((v, i) => (i % 3 < 2 ? v / 100 : v));
    const seen = [...(q.get('see') ?? '')].map((d) => featureNames[Number(d)]).filter((f): f is FeatureName => !!f);
    return {
        set: one('set', pointShapes, usual.set),
        count: number('count', 10, 2000, usual.count, true),
        noise: number('noise', 0, 1, usual.noise),
        dataSeed: number('data', 0, 2 ** 32 - 1, usual.dataSeed, true),
        test: number('test', 0.1, 0.9, usual.test),
        added: points.slice(0, 3 * Math.min(ADDED_MAX, Math.floor(points.length / 3))),
        hidden: q.has('net') ? units.slice(0, LAYERS_MAX) : usual.hidden,
        activation: one('act', activations, 'tanh'),
        init: one('init', ['auto', ...initNames] as const, usual.init),
        dropout: number('dropout', 0, 0.9, usual.dropout),
        seed: number('seed', 0, 2 ** 32 - 1, usual.seed, true),
        features: seen.length ? seen : usual.features,
        optimizer: one('opt', optimizerNames, usual.optimizer),
        rate: number('rate', 1e-6, 10, usual.rate),
        batch: number('batch', 1, 2000, usual.batch, true),
        l1: number('l1', 0, 1, usual.l1),
        l2: number('l2', 0, 1, usual.l2),
        pace: number('pace', 0, 1000, usual.pace),
        showTest: q.get('showtest') === '1',
        discretise: q.get('whole') === '1',
    };
}

/** The command that trains the same network on the same set from the command line. */
export function commandLine(s: PlaygroundSettings): string {
    const layer = (n: number) => `dense ${n} ${s.activation}` + (s.dropout ? `, dropout ${s.dropout}` : '');
    const net = s.activation === 'linear' || !s.hidden.length ? 'logistic' : s.hidden.map(layer).join(', ');
    const more = [
        s.init === 'auto' ? '' : ` --init ${s.init}`,
        s.l1 ? ` --l1 ${s.l1}` : '',
        s.l2 ? ` --l2 ${s.l2}` : '',
    ].join('');
    return (
        `soma train ${s.set}:points=${s.count},noise=${s.noise},seed=${s.dataSeed} --net "${net}" --opt ${s.optimizer}` +
        ` --lr ${s.rate} --batch ${s.batch} --seed ${s.seed}${more}`
    );
}
