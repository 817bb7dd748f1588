// The settings of the room of digits, as its link holds them.
import { optimizerNames, type OptimizerName } from 'soma-wasm';
import { digitNetworks, type DigitNetwork, type DigitsConfig } from '../engine/digits';

export interface DigitsSettings extends DigitsConfig {
    /** Of the test set. */
    digit: number;
    /** Training goes on by itself up to here. */
    step: number;
}

export const usual: DigitsSettings = {
    net: 'lenet',
    seed: 0,
    optimizer: 'adam',
    rate: 0.001,
    batch: 20,
    digit: 0,
    step: 0,
};

export const networkTitles: Record<DigitNetwork, string> = {
    lenet: 'LeNet: 20 and 50 filters, 500 units',
    small: 'Small: 8 and 16 filters',
    perceptron: 'Perceptron: 100 units',
};

/** A number within its limits, or the usual one. */
function bounded(text: string | null, low: number, high: number, otherwise: number): number {
    const value = Number(text);
    return text !== null && text !== '' && value >= low && value <= high ? value : otherwise;
}

export function fromLink(q: URLSearchParams): DigitsSettings {
    const net = q.get('net') ?? '',
        optimizer = q.get('opt') ?? '';
    const whole = (name: string, high: number, otherwise: number) =>
        Math.floor(bounded(q.get(name), 0, high, otherwise));
    return {
        net: net in digitNetworks ? (net as DigitNetwork) : usual.net,
        optimizer: optimizerNames.includes(optimizer as OptimizerName) ? (optimizer as OptimizerName) : usual.optimizer,
        rate: bounded(q.get('rate'), 1e-5, 10, usual.rate),
        batch: Math.max(1, whole('batch', 500, usual.batch)),
        seed: whole('seed', 1e9, usual.seed),
        digit: whole('digit', 1e6, usual.digit),
        step: whole('step', 1e5, usual.step),
    };
}

export function toLink(s: DigitsSettings): Record<string, string> {
    return {
        net: s.net,
        opt: s.optimizer,
        rate: `${s.rate}`,
        batch: `${s.batch}`,
        seed: `${s.seed}`,
        digit: `${s.digit}`,
        step: `${s.step}`,
    };
}

/** The command that trains the same network on the same digits. */
export const commandLine = (s: DigitsSettings): string =>
    `soma train data/mnist/train-images-idx3-ubyte.gz --test data/mnist/t10k-images-idx3-ubyte.gz` +
    ` --net ${s.net === 'lenet' ? 'lenet' : `"${digitNetworks[s.net]}"`}` +
    ` --opt ${s.optimizer} --lr ${s.rate} --batch ${s.batch} --seed ${s.seed}`;
