// The settings of the room of one neuron in its link, its exercises and its command line.
import { optimizerNames, pointShapes } from 'soma-wasm';
import type { NeuronConfig, NeuronFrame } from '../engine/neuron';
import type { Exercise } from '../parts/exercises';
import { among, numbersIn, numberIn } from '../parts/settings';

export const usual: NeuronConfig = {
    set: 'blobs',
    noise: 0.35,
    seed: 1,
    optimizer: 'sgd',
    rate: 0.5,
    batch: 200,
    start: [-1.5, 1.5, 0.5],
};

export function toLink(c: NeuronConfig): Record<string, string> {
    return {
        set: c.set,
        noise: `${c.noise}`,
        seed: `${c.seed}`,
        opt: c.optimizer,
        rate: `${c.rate}`,
        batch: `${c.batch}`,
        w: c.start.join('_'),
    };
}

export function fromLink(q: URLSearchParams): NeuronConfig {
    const start = numbersIn(q, 'w', '_').filter((w) => Math.abs(w) <= 100);
    return {
        set: among(q, 'set', pointShapes, usual.set),
        noise: numberIn(q, 'noise', 0, 1, usual.noise),
        seed: numberIn(q, 'seed', 0, 2 ** 32 - 1, usual.seed, true),
        optimizer: among(q, 'opt', optimizerNames, usual.optimizer),
        rate: numberIn(q, 'rate', 1e-6, 100, usual.rate),
        batch: numberIn(q, 'batch', 1, 200, usual.batch, true),
        start: start.length === 3 ? start : usual.start,
    };
}

/** Of three blobs the room leaves one out, which the command line can't. */
export const commandLine = (c: NeuronConfig): string | undefined =>
    c.set === 'blobs'
        ? undefined
        : `soma train ${c.set}:points=200,noise=${c.noise},seed=${c.seed} --net logistic --opt ${c.optimizer}` +
          ` --lr ${c.rate} --batch ${c.batch} --val 0 --seed ${c.seed}`;

export interface NeuronState {
    config: NeuronConfig;
    frame: NeuronFrame;
}

export const exercises: readonly Exercise<NeuronState>[] = [
    {
        text: 'Without a single step of training, by the sliders alone: accuracy of 95 % or more on the blobs.',
        done: ({ config, frame }) => config.set === 'blobs' && frame.steps === 0 && frame.test.accuracy >= 0.95,
    },
    {
        text: 'Train to the bottom of the bowl: all three gradients smaller than 0.005 in magnitude.',
        done: ({ frame }) => frame.steps > 0 && frame.gradient.every((g) => Math.abs(g) < 0.005),
    },
    {
        text: 'Find a set that no straight line parts: 300 steps or more, and accuracy still below 75 %.',
        done: ({ frame }) => frame.steps >= 300 && frame.test.accuracy < 0.75,
    },
];
