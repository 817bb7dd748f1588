// The settings of the descent race in its link, its exercises and its command line.
import type { Exercise } from '../parts/exercises';
import { among, namedIn, numbersIn } from '../parts/settings';
import { racers, surfaces, type RacerKind } from './racers';

export const NETWORK = 'network';

export interface RaceSettings {
    /** A surface's name, or NETWORK. */
    stage: string;
    /** Marks of racers that stay at home. */
    out: string;
    /** Learning rates by the racer's mark, where they are not the usual ones. */
    rates: Record<string, number>;
    start: { x: number; y: number } | undefined;
}

/** The rate that a racer has on a stage unless another is given. */
function usualRate(kind: RacerKind, stage: string): number {
    const place = surfaces.find((s) => s.name === stage);
    return Number((place ? kind.rate * place.scale : kind.networkRate).toPrecision(2));
}

export function toLink(s: RaceSettings): Record<string, string> {
    return {
        on: s.stage,
        out: s.out,
        rates: Object.entries(s.rates)
            .map(([mark, rate]) => `${mark}:${rate}`)
            .join('_'),
        start: s.start ? `${s.start.x}_${s.start.y}` : '',
    };
}

export const usual: RaceSettings = { stage: 'line', out: '', rates: {}, start: undefined };

export function fromLink(q: URLSearchParams): RaceSettings {
    const [x, y] = numbersIn(q, 'start', '_');
    const marks = racers.map((r) => r.mark);
    const rates = Object.entries(namedIn(q, 'rates')).filter(([mark, rate]) => marks.includes(mark) && rate >= 0);
    return {
        stage: among(q, 'on', [...surfaces.map((s) => s.name), NETWORK], usual.stage),
        out: marks.filter((mark) => (q.get('out') ?? '').includes(mark)).join(''),
        rates: Object.fromEntries(rates),
        start: x !== undefined && y !== undefined ? { x, y } : undefined,
    };
}

/** Where a racer stands. */
export interface Runner {
    kind: RacerKind;
    rate: number;
    path: number[];
    loss: number;
    accuracy: number;
    lost: boolean;
}

/** Who starts, and with which rates. */
export function entrants(s: RaceSettings): Runner[] {
    const place = surfaces.find((p) => p.name === s.stage);
    const data = !place || place.name === 'line';
    const kinds = racers.filter((kind) => !s.out.includes(kind.mark) && (data || !kind.data));
    return kinds.map((kind) => ({
        kind,
        rate: s.rates[kind.mark] ?? usualRate(kind, s.stage),
        path: [],
        loss: NaN,
        accuracy: NaN,
        lost: false,
    }));
}

/** The best racer's training; a surface is no network. */
export const commandLine = (s: RaceSettings, best: Runner | undefined): string | undefined =>
    s.stage === NETWORK && best
        ? `soma train moons:points=400,noise=0.08,seed=1 --net "dense 8 tanh, dense 8 tanh" --opt ${best.kind.optimizer}` +
          ` --lr ${best.rate} --batch ${best.kind.batch || 300} --seed 1`
        : undefined;

export interface RaceState {
    stage: string;
    step: number;
    runners: readonly Runner[];
}

const by = (state: RaceState, mark: string) => state.runners.find((r) => r.kind.mark === mark);

export const exercises: readonly Exercise<RaceState>[] = [
    {
        text: 'In the ravine: a learning rate with which gradient descent flies apart, while Adam comes below a loss of 0.01.',
        done: (s) => {
            const descent = by(s, 'G'),
                adam = by(s, 'A');
            const flown = descent && (descent.lost || descent.loss > 100);
            return s.stage === 'ravine' && !!flown && !!adam && !adam.lost && adam.loss < 0.01;
        },
    },
    {
        text: 'On the saddle: a learning rate with which gradient descent is below −2 within 60 steps.',
        done: (s) => s.stage === 'saddle' && s.step <= 60 && (by(s, 'G')?.loss ?? NaN) < -2,
    },
    {
        text: 'Among the many valleys: a start from which four racers or more find the deepest, below −0.85.',
        done: (s) => s.stage === 'hills' && s.runners.filter((r) => !r.lost && r.loss < -0.85).length >= 4,
    },
];
