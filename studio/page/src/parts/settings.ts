// Reading a room's settings from its link: what can't be taken gives way to the usual.

export function numberIn(q: URLSearchParams, key: string, low: number, high: number, other: number, whole = false) {
    const value = Number(q.get(key) || NaN);
    return value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : other;
}

export function among<T extends string>(q: URLSearchParams, key: string, list: readonly T[], other: T): T {
    return list.find((v) => v === q.get(key)) ?? other;
}

export const numbersIn = (q: URLSearchParams, key: string, mark: string): number[] =>
    (q.get(key) ?? '').split(mark).filter(Boolean).map(Number).filter(Number.isFinite);

/** Numbers by name, "w0:2_x0:-1". */
export function namedIn(q: URLSearchParams, key: string): Record<string, number> {
    const pairs = (q.get(key) ?? '').split('_').map((p) => p.split(':'));
    return Object.fromEntries(
        pairs.flatMap(([name, v]) => (name && v && Number.isFinite(Number(v)) ? [[name, Number(v)]] : [])),
    );
}

/** Where a link's state is: so many steps from the beginning, and whether it goes on from there. */
export interface Moment {
    steps: number;
    running: boolean;
}

export const momentIn = (q: URLSearchParams, most: number): Moment => ({
    steps: numberIn(q, 'step', 0, most, 0, true),
    running: q.get('run') === '1',
});

export const momentOf = (steps: number, running: boolean) => ({ step: `${steps}`, run: running ? '1' : '0' });
export const beginning = momentOf(0, false);
