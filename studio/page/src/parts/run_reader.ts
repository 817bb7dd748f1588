// What a training run wrote, read piece by piece: metrics.jsonl gives the curves, events.jsonl all the rest.
import { History } from './curves';

export interface LayerLook {
    name: string;
    gradient_rms: number | null;
    gradient_norm: number | null;
    saturated: number | null;
    dead: number | null;
}
export interface Filters {
    kind: 'filters';
    layer: string;
    count: number;
    of: number;
    channels: number;
    height: number;
    width: number;
    low: number;
    high: number;
    bytes: string;
}
export interface PlaneLook {
    kind: 'plane';
    columns: number;
    rows: number;
    left: number;
    right: number;
    top: number;
    bottom: number;
    /** The likeliest class of each place, where the target is a class. */
    classes?: string;
    low: number;
    high: number;
    bytes: string;
}
export interface Look {
    epoch: number;
    /** The weights that are kept, at the end. */
    best: boolean;
    loss: number;
    layers: LayerLook[];
    pictures: (Filters | PlaneLook)[];
}
interface Begin {
    fold: number;
    folds: number;
    epoch: number;
    epochs: number;
    metric: 'accuracy' | 'rmse';
    classes: string[];
}
type Line = Record<string, unknown> & { event: string };
type Metrics = Record<string, number | null>;

export interface Started {
    status: number | null;
    words: string | null;
}
export interface Piece {
    alive: boolean;
    started: Started | null;
    restart: boolean;
    more: boolean;
    metrics: Metrics[];
    events: Line[];
    next: { metrics: number; events: number; file: string };
}

/** Evenly thinned however many rows come at once. */
class LongHistory extends History {
    private seen = 0;
    private stride = 1;
    private passing = false;

    override add(row: number[]): void {
        if (this.passing) this.rows.pop(); // the newest row is shown, kept or not
        this.passing = this.seen++ % this.stride !== 0;
        this.rows.push(row);
        if (this.rows.length < 1000) return;
        this.rows = this.rows.filter((_, i) => i % 2 === 0);
        this.stride *= 2;
        this.passing = false;
    }
}

const number = (value: unknown) => (typeof value === 'number' ? value : NaN);

export class RunReader {
    next: Piece['next'] | undefined;
    alive = false;
    started: Started | null = null;
    begin: Begin | undefined;
    /** Of the last line about the run's state. */
    paused = false;
    ended: { stopped: string; message?: string } | undefined;
    step: { epoch: number; rows: number; of: number } | undefined;
    look: Look | undefined;
    points: [number, number, number][] = [];
    last: Metrics | undefined;
    losses: History = new LongHistory();
    metrics: History = new LongHistory();
    /** The first layer's gradient and the last one's. */
    flow: History = new LongHistory();

    private clear(): void {
        this.losses = new LongHistory();
        this.metrics = new LongHistory();
        this.last = undefined;
    }

    take(piece: Piece): void {
        if (piece.restart) Object.assign(this, new RunReader());
        this.next = piece.next;
        this.alive = piece.alive;
        this.started = piece.started;
        for (const event of piece.events) this.takeEvent(event);
        for (const line of piece.metrics) this.takeMetrics(line);
    }

    private takeEvent(e: Line): void {
        if (e.event === 'begin') {
            this.begin = e as unknown as Begin;
            this.paused = false;
            this.ended = this.step = undefined;
            const before = this.flow.rows.filter((row) => row[0]! <= this.begin!.epoch);
            this.flow = new LongHistory();
            before.forEach((row) => this.flow.add(row));
        } else if (e.event === 'state') this.paused = e['state'] === 'paused';
        else if (e.event === 'end') this.ended = e as unknown as { stopped: string; message?: string };
        else if (e.event === 'step') this.step = e as unknown as { epoch: number; rows: number; of: number };
        else if (e.event === 'points') this.points = e['points'] as [number, number, number][];
        else if (e.event === 'look') {
            this.look = e as unknown as Look;
            const { epoch, layers } = this.look;
            // the last look is at the best weights, which may be older ones
            if (!this.look.best)
                this.flow.add([epoch, number(layers[0]?.gradient_rms), number(layers.at(-1)?.gradient_rms)]);
        }
    }

    private takeMetrics(m: Metrics): void {
        const epoch = number(m['epoch']);
        // Another fold begins anew, and so does a run that went back.
        if (this.last && ((m['fold'] ?? 0) !== (this.last['fold'] ?? 0) || epoch <= number(this.last['epoch'])))
            this.clear();
        this.last = m;
        this.losses.add([epoch, number(m['loss']), number(m['val_loss'])]);
        const name = 'accuracy' in m ? 'accuracy' : 'rmse';
        this.metrics.add([epoch, number(m[name]), number(m[`val_${name}`])]);
    }
}

export function bytesOf(text: string): Uint8Array {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
