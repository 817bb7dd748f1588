// The playground's settings, and how they stand in a link.
import { featureNames, initNames, optimizerNames, pointShapes, scheduleNames, type FeatureName } from 'soma-wasm';
import type { Edit, PlaygroundConfig } from '../engine/playground';
import { taskNames, type SetName, type TaskName } from '../engine/playground_data';

export const activations = ['tanh', 'relu', 'sigmoid', 'linear', 'leaky_relu', 'gelu', 'silu'] as const;
export const UNITS_MAX = 20;
export const LAYERS_MAX = 6;
export const ADDED_MAX = 300;
/** The changes by hand that a link can hold. */
export const EDITS_MAX = 60;

/** What can be learnt in each task. */
export const sets: Record<TaskName, readonly SetName[]> = {
    classify: [...pointShapes, 'none'],
    regress: ['sine', 'steps', 'random', 'none'],
    paint: ['sunset', 'opened'],
};

export interface PlaygroundSettings extends PlaygroundConfig {
    /** Epochs a second; 0: as fast as it goes. */
    pace: number;
    showTest: boolean;
    discretise: boolean;
}

const classes: PlaygroundSettings = {
    task: 'classify',
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
    schedule: 'constant',
    span: 200,
    beside: false,
    pace: 60,
    showTest: false,
    discretise: false,
};

/** What isn't said in a link. */
export const usual: Record<TaskName, PlaygroundSettings> = {
    classify: classes,
    regress: { ...classes, task: 'regress', set: 'sine', count: 60, noise: 0.05, rate: 0.01, hidden: [8, 8] },
    paint: {
        ...classes,
        task: 'paint',
        set: 'sunset',
        activation: 'relu',
        hidden: [20, 20, 20],
        rate: 0.003,
        batch: 32,
        pace: 0,
    },
};

/** Coordinates in hundredths: short, and the same points for everybody. */
export const quantise = (value: number) => Math.round(value * 100) / 100;

export function toLink(s: PlaygroundSettings): Record<string, string> {
    return {
        task: s.task,
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
        sched: s.schedule,
        span: `${s.span}`,
        beside: s.beside ? '1' : '0',
        pace: `${s.pace}`,
        showtest: s.showTest ? '1' : '0',
        whole: s.discretise ? '1' : '0',
    };
}

/** What is as usual is left out of links. */
export const usualLink = (task: TaskName) => ({
    ...toLink(usual[task]),
    task: 'classify',
    step: '0',
    run: '0',
    edits: '',
});

/** What a link gives, where it can be taken; the rest as usual. */
export function fromLink(q: URLSearchParams): PlaygroundSettings {
    const task = taskNames.find((name) => name === q.get('task')) ?? 'classify',
        other = usual[task];
    const number = (key: string, low: number, high: number, without: number, whole = false) => {
        const value = Number(q.get(key) ?? NaN);
        return value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : without;
    };
    const one = <T extends string>(key: string, list: readonly T[], without: T): T =>
        list.find((v) => v === q.get(key)) ?? without;
    const numbers = (key: string, mark: string) => (q.get(key) ?? '').split(mark).filter(Boolean).map(Number);
    const units = numbers('net', '-').filter((n) => Number.isInteger(n) && n >= 1 && n <= UNITS_MAX);
    const points = numbers('points', '_')
        .filter((v) => Math.abs(v) <= 1000)
        .map((v, i) => (i % 3 < 2 ? v / 100 : v));
    const seen = [...(q.get('see') ?? '')].map((d) => featureNames[Number(d)]).filter((f): f is FeatureName => !!f);
    return {
        task,
        set: one('set', sets[task], other.set),
        count: number('count', 10, 2000, other.count, true),
        noise: number('noise', 0, 1, other.noise),
        dataSeed: number('data', 0, 2 ** 32 - 1, other.dataSeed, true),
        test: number('test', 0.1, 0.9, other.test),
        added: points.slice(0, 3 * Math.min(ADDED_MAX, Math.floor(points.length / 3))),
        hidden: q.has('net') ? units.slice(0, LAYERS_MAX) : other.hidden,
        activation: one('act', activations, other.activation as (typeof activations)[number]),
        init: one('init', ['auto', ...initNames] as const, other.init),
        dropout: number('dropout', 0, 0.9, other.dropout),
        seed: number('seed', 0, 2 ** 32 - 1, other.seed, true),
        features: seen.length ? seen : other.features,
        optimizer: one('opt', optimizerNames, other.optimizer),
        rate: number('rate', 1e-6, 10, other.rate),
        batch: number('batch', 1, 2000, other.batch, true),
        l1: number('l1', 0, 1, other.l1),
        l2: number('l2', 0, 1, other.l2),
        schedule: one('sched', scheduleNames, other.schedule),
        span: number('span', 1, 1e5, other.span, true),
        beside: q.get('beside') === '1',
        pace: number('pace', 0, 1000, other.pace),
        showTest: q.get('showtest') === '1',
        discretise: q.get('whole') === '1',
    };
}

/** How the changes by hand stand in a link: "400*w*0*3*1.25_520*rate*0.1". */
export function editsToLink(edits: readonly Edit[]): string {
    const keys = {
        optimizer: 'opt',
        rate: 'rate',
        batch: 'batch',
        l1: 'l1',
        l2: 'l2',
        schedule: 'sched',
        span: 'span',
    };
    return edits
        .flatMap(({ step, weight: w, training }) => [
            ...(w ? [[step, w.bias ? 'b' : 'w', w.layer, w.index, w.value]] : []),
            ...Object.entries(training ?? {}).map(([key, value]) => [step, keys[key as keyof typeof keys], value]),
        ])
        .map((parts) => parts.join('*'))
        .join('_');
}

export function editsFromLink(q: URLSearchParams): Edit[] {
    const edits: Edit[] = [];
    for (const text of (q.get('edits') ?? '').split('_').filter(Boolean)) {
        const [at = '', what = '', ...rest] = text.split('*');
        const step = Number(at),
            numbers = rest.map(Number),
            last = edits.at(-1)?.step ?? 0;
        if (!Number.isInteger(step) || step < last || edits.length === EDITS_MAX) return edits;
        const [layer = NaN, index = NaN, value = NaN] = numbers;
        if (what === 'w' || what === 'b') {
            const place = Number.isInteger(layer) && layer >= 0 && Number.isInteger(index) && index >= 0;
            if (!place || !Number.isFinite(value)) return edits;
            edits.push({ step, weight: { layer, bias: what === 'b', index, value } });
            continue;
        }
        // A setting is read as one of a link's own settings is.
        const { optimizer, rate, batch, l1, l2, schedule, span } = fromLink(
            new URLSearchParams([[what, rest[0] ?? '']]),
        );
        const all = {
            opt: { optimizer },
            rate: { rate },
            batch: { batch },
            l1: { l1 },
            l2: { l2 },
            sched: { schedule },
            span: { span },
        };
        const training = all[what as keyof typeof all];
        if (!training) return edits;
        edits.push({ step, training });
    }
    return edits;
}

/** The settings after the changes by hand. */
export function edited(s: PlaygroundSettings, edits: readonly Edit[]): PlaygroundSettings {
    return edits.reduce((before, { training }) => ({ ...before, ...training }), s);
}

/** The command that trains the same network on the same set from the command line, which doesn't paint. */
export function commandLine(s: PlaygroundSettings): string | undefined {
    if (s.task === 'paint') return undefined;
    const layer = (n: number) => `dense ${n} ${s.activation}` + (s.dropout ? `, dropout ${s.dropout}` : '');
    const plain = s.task === 'classify' ? 'logistic' : 'linear';
    const net = s.activation === 'linear' || !s.hidden.length ? plain : s.hidden.map(layer).join(', ');
    const more = [
        s.init === 'auto' ? '' : ` --init ${s.init}`,
        s.l1 ? ` --l1 ${s.l1}` : '',
        s.l2 ? ` --l2 ${s.l2}` : '',
        s.schedule === 'constant' ? '' : ` --schedule ${s.schedule} --epochs ${s.span}`,
        s.task === 'classify' ? '' : ' --task regress',
    ].join('');
    // Points that the command can't make by itself stand in a file.
    const made = s.task === 'classify' && s.set !== 'none';
    const data = made ? `${s.set}:points=${s.count},noise=${s.noise},seed=${s.dataSeed}` : 'points.csv';
    return (
        `soma train ${data} --net "${net}" --opt ${s.optimizer}` +
        ` --lr ${s.rate} --batch ${s.batch} --seed ${s.seed}${more}`
    );
}
