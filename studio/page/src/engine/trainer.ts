// What the rooms that train share: running a network for a slice of time, no faster than asked.
import type { Measure, Network } from 'soma-wasm';

/** How it stands after a slice. */
export interface Progress {
    steps: number;
    epoch: number;
    train: Measure;
    test: Measure;
    /** Training examples a second of engine time, while it ran. */
    speed: number;
}

/**
 * Takes up to `steps` steps and stops when `milliseconds` are over; returns the examples a second. Between two looks at
 * the clock lie `few` steps: a step of a small network takes some microseconds.
 */
export function trainFor(network: Network, steps: number, milliseconds: number, batch: number, few = 50): number {
    const begun = performance.now();
    let done = 0;
    for (let now = begun; done < steps && now - begun < milliseconds; now = performance.now()) {
        const some = Math.min(few, steps - done);
        network.train(some);
        done += some;
    }
    const seconds = (performance.now() - begun) / 1000;
    return seconds > 0 ? (done * batch) / seconds : 0;
}

export function progressOf(network: Network, speed: number): Progress {
    return {
        steps: network.steps,
        epoch: Math.floor(network.steps / Math.max(1, network.stepsPerEpoch)),
        train: network.measure('train'),
        test: network.measure('test'),
        speed,
    };
}

/** Steps that are due at a rate of epochs a second since the last call. */
export class Pace {
    #last = 0;
    #owed = 0;

    reset(): void {
        this.#last = 0;
        this.#owed = 0;
    }

    due(epochsPerSecond: number, stepsPerEpoch: number): number {
        const now = performance.now();
        // After a pause, or when the page was hidden, nothing is made up for.
        const seconds = this.#last ? Math.min(0.1, (now - this.#last) / 1000) : 1 / 60;
        this.#last = now;
        this.#owed += seconds * epochsPerSecond * stepsPerEpoch;
        const steps = Math.floor(this.#owed);
        this.#owed -= steps;
        return steps;
    }
}
