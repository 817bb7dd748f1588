// What the module tells of a tapped layer, from an array of numbers in the order of binding.h.

export const BINS = 32;

export interface Statistics {
    count: number;
    /** Elements that are NaN or infinite, which all below leaves out. */
    notFinite: number;
    min: number;
    max: number;
    mean: number;
    deviation: number;
    /** Euclidean. */
    norm: number;
    /** Share of elements that are 0. */
    zeros: number;
    /** Where the histogram begins and ends; for gradients exponents of 10, zeros being left out. */
    low: number;
    high: number;
    histogram: number[];
}

/** What passes through one layer. */
export interface Tap {
    name: string;
    /** Of its output, after the activation. */
    values: Statistics;
    /** Of the loss with respect to its value before the activation: what reaches the weights. */
    gradients: Statistics;
    /** Share of elements where the activation is flat (slope below 0.01), and of units that are flat throughout; NaN without an activation. */
    saturated: number;
    dead: number;
}

export const STATISTICS = 10 + BINS;
export const TAP_NUMBERS = 2 * STATISTICS + 2;

export function statisticsOf(numbers: Float64Array): Statistics {
    const [count, notFinite, min, max, mean, deviation, norm, zeros, low, high] = numbers;
    return {
        count: count!,
        notFinite: notFinite!,
        min: min!,
        max: max!,
        mean: mean!,
        deviation: deviation!,
        norm: norm!,
        zeros: zeros!,
        low: low!,
        high: high!,
        histogram: [...numbers.subarray(10)],
    };
}

export function tapOf(name: string, numbers: Float64Array): Tap {
    return {
        name,
        values: statisticsOf(numbers.subarray(0, STATISTICS)),
        gradients: statisticsOf(numbers.subarray(STATISTICS, 2 * STATISTICS)),
        saturated: numbers[2 * STATISTICS]!,
        dead: numbers[2 * STATISTICS + 1]!,
    };
}
