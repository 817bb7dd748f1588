// Settings by name, as the arrays of numbers that the module takes; the orders are binding.h's.

export type OptimizerName = 'sgd' | 'momentum' | 'nesterov' | 'rmsprop' | 'adam' | 'adamw' | 'adagrad';
export const optimizerNames: readonly OptimizerName[] = [
    'sgd',
    'momentum',
    'nesterov',
    'rmsprop',
    'adam',
    'adamw',
    'adagrad',
];

/** What isn't given takes PyTorch's default. */
export interface Optimizer {
    kind: OptimizerName;
    rate: number;
    momentum?: number;
    alpha?: number;
    beta1?: number;
    beta2?: number;
    epsilon?: number;
    /** Added to the gradient: l2 · w (decoupled for adamw) and l1 · sign(w). */
    l2?: number;
    l1?: number;
    /** The largest norm of all gradients together. */
    clip?: number;
}

/** Of the learning rate, by PyTorch's definitions: step falls to a tenth at each third of the training. */
export const scheduleNames = ['constant', 'step', 'cosine', 'onecycle'] as const;
export type ScheduleName = (typeof scheduleNames)[number];

export type InitName = 'constant' | 'normal' | 'uniform' | 'xavier' | 'xavier_normal' | 'he' | 'orthogonal';
export const initNames: readonly InitName[] = [
    'constant',
    'normal',
    'uniform',
    'xavier',
    'xavier_normal',
    'he',
    'orthogonal',
];

/** What a network sees of a point (x1, x2). */
export const featureNames = ['x1', 'x2', 'x1^2', 'x2^2', 'x1 x2', 'sin(pi x1)', 'sin(pi x2)'] as const;
export type FeatureName = (typeof featureNames)[number];

export interface NetworkOptions {
    /** The shape of one sample: [2], [1, 28, 28]. */
    sample: number[];
    /** With a task the network gets the output layer that it needs; without, the specification is complete. */
    task?: 'classify' | 'regress';
    /** Classes, or numbers to predict. */
    outputs?: number;
    seed?: number;
    init?: InitName;
    initValue?: number;
    /** For samples of two numbers. */
    features?: readonly FeatureName[];
}

export function optimizerArray(o: Optimizer): number[] {
    const given = (value: number | undefined) => value ?? NaN;
    return [
        optimizerNames.indexOf(o.kind),
        o.rate,
        given(o.momentum),
        given(o.alpha),
        given(o.beta1),
        given(o.beta2),
        given(o.epsilon),
        given(o.l2),
        given(o.l1),
        given(o.clip),
    ];
}

export function networkArray(o: NetworkOptions): number[] {
    const task = o.task === 'classify' ? 1 : o.task === 'regress' ? 2 : 0;
    const features = (o.features ?? []).reduce((bits, name) => bits | (1 << featureNames.indexOf(name)), 0);
    return [
        task,
        o.outputs ?? (task === 1 ? 2 : 1),
        o.seed ?? 0,
        o.init ? initNames.indexOf(o.init) : NaN,
        o.initValue ?? 0,
        features,
    ];
}
