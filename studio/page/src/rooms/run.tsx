// A training run of the command line, live: its curves, the gradients that reach its layers, what it has learnt so far;
// and it can be started where it stood, paused and stopped. Only a page that `soma studio` serves has this room.
import { useEffect, useRef, useState } from 'preact/hooks';
import { decimal, language, lossText, percent, t } from '../language';
import { classColours } from '../parts/colours';
import { Choice, NumberBox } from '../parts/controls';
import { Curves, type Curve } from '../parts/curves';
import { Exercises, type Exercise } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { LayerBars } from '../parts/layer_bars';
import { FilterPicture, PlanePicture } from '../parts/run_pictures';
import { RunReader, type Piece } from '../parts/run_reader';
import { Status } from '../parts/status';
import { linkTo } from '../router';
import { ask, Refusal } from '../served';
import type { RoomProps } from './rooms';

/** Another word than the one that the graph begins with. */
const START = { en: 'Start', ru: 'Запустить' }[language];
const USUAL = 700,
    GONE = 3000;
const pair = (a: string, b: string): Curve[] => [
    { label: a, colour: classColours[0]! },
    { label: b, colour: classColours[1]!, dash: [6, 4] },
];
const LOSSES = pair('training', 'validation');
const FLOW = pair('first layer', 'last layer');

interface RunName {
    name: string;
    alive: boolean;
    latest?: boolean;
}
interface About {
    path: string;
    begun: { data: string | null; options: Record<string, string> } | null;
}

type State = 'in training' | 'paused' | 'starting' | 'not running';

function stateOf(r: RunReader): State {
    if (r.alive) return r.paused ? 'paused' : 'in training';
    return r.started?.status === null ? 'starting' : 'not running';
}

const ENDS: Record<string, string> = {
    epochs: 'all epochs done',
    patience: 'no better epoch came',
    signal: 'stopped',
    failed: 'failed',
};

/** The one line about the run. */
function statusText(r: RunReader): string {
    const m = r.last,
        state = stateOf(r);
    const why = state === 'not running' && r.ended ? ` (${t(ENDS[r.ended.stopped] ?? r.ended.stopped)})` : '';
    const words = [t(state) + why];
    if (r.begin?.folds && r.begin.fold) words.push(`${t('fold')} ${r.begin.fold} ${t('of')} ${r.begin.folds}`);
    if (!m) return words.join(' · ');
    words.push(`${t('epoch')} ${m['epoch']}${r.begin ? ` ${t('of')} ${r.begin.epochs}` : ''}`);
    words.push(`${t('loss')} ${lossText(m['loss'] ?? NaN)}`);
    const accuracy = m['val_accuracy'] ?? m['accuracy'],
        rmse = m['val_rmse'] ?? m['rmse'];
    if (typeof accuracy === 'number') words.push(`${t('accuracy')} ${percent(accuracy)}`);
    if (typeof rmse === 'number') words.push(`RMSE ${decimal(rmse, 4)}`);
    return words.join(' · ');
}

/** What went wrong, in the run's own words. */
function troubleOf(r: RunReader): string {
    if (stateOf(r) !== 'not running') return '';
    return (r.started?.status === 0 ? '' : (r.started?.words ?? '')) || (r.ended?.message ?? '');
}

interface Seen {
    reader: RunReader;
    paused: boolean;
    wentOn: boolean;
    stopped: boolean;
    startedAgain: boolean;
}

/** The least loss on what is held back, with the training loss at that epoch. */
function overfits(r: RunReader): boolean {
    const rows = r.losses.rows,
        last = rows.at(-1);
    if (!last) return false;
    const best = rows.reduce((a, b) => (b[2]! < a[2]! ? b : a), rows[0]!);
    return last[2]! > 1.1 * best[2]! && last[1]! < best[1]!;
}

const TASKS: readonly Exercise<Seen>[] = [
    {
        text: 'Pause the run and let it go on: no epoch is lost.',
        done: (s) => s.wentOn,
    },
    {
        text: 'Stop the run, then start it where it stood.',
        done: (s) => s.startedAgain,
    },
    {
        text: 'Find a run that overfits: the loss on what is held back is 10 % above its least, the training loss below the one of that time.',
        done: (s) => overfits(s.reader),
    },
];

/** Keeps reading the run; gives what it read and the trouble with the server. */
function useRun(name: string | undefined) {
    const reader = useRef(new RunReader());
    const [, setVersion] = useState(0);
    const [trouble, setTrouble] = useState('');
    const wake = useRef(() => {});
    useEffect(() => {
        let on = true,
            timer = 0;
        reader.current = new RunReader();
        const turn = async () => {
            let pause = USUAL;
            try {
                const next = reader.current.next;
                const piece = await ask<Piece>('GET', 'events', {
                    ...(name === undefined ? {} : { run: name }),
                    ...(next ? { metrics: `${next.metrics}`, events: `${next.events}`, file: next.file } : {}),
                });
                if (!on) return;
                reader.current.take(piece);
                setTrouble('');
                if (piece.more) pause = 0;
            } catch (e) {
                if (!on) return;
                setTrouble(e instanceof Refusal ? e.message : t('The server has ended: soma studio starts it again.'));
                pause = GONE;
            }
            setVersion((v) => v + 1);
            timer = window.setTimeout(() => void turn(), pause);
        };
        wake.current = () => {
            clearTimeout(timer);
            timer = window.setTimeout(() => void turn(), 100);
        };
        void turn();
        return () => {
            on = false;
            clearTimeout(timer);
        };
    }, [name]);
    return { reader: reader.current, trouble, setTrouble, wake: () => wake.current() };
}

export function Run({ settings }: RoomProps) {
    const name = settings.get('run') ?? undefined;
    const [runs, setRuns] = useState<RunName[]>([]);
    const [about, setAbout] = useState<About>();
    const [epochs, setEpochs] = useState<number>();
    const { reader, trouble, setTrouble, wake } = useRun(name);
    const seen = useRef({ paused: false, wentOn: false, stopped: false, startedAgain: false });
    const query: Record<string, string> = name === undefined ? {} : { run: name };
    const state = stateOf(reader);

    useEffect(() => {
        ask<{ runs: RunName[] }>('GET', 'runs', {}).then(
            (a) => setRuns(a.runs),
            () => {},
        );
    }, [state]);
    useEffect(() => {
        ask<About>('GET', 'run', query).then(setAbout, () => setAbout(undefined));
        setEpochs(undefined);
    }, [name, state]);

    const s = seen.current;
    s.paused ||= state === 'paused';
    s.wentOn ||= s.paused && state === 'in training';
    s.stopped ||= state === 'not running' && reader.ended?.stopped === 'signal';
    s.startedAgain ||= s.stopped && state === 'in training';

    const say = async (what: 'start' | 'pause' | 'resume' | 'stop', body?: object) => {
        try {
            await ask('POST', what, query, body);
        } catch (e) {
            setTrouble(e instanceof Refusal ? e.message : t('The server has ended: soma studio starts it again.'));
        }
        wake();
    };
    const total = epochs ?? reader.begin?.epochs;
    const start = () =>
        state === 'paused' ? say('resume') : say('start', epochs === undefined ? undefined : { epochs });

    const look = reader.look;
    const metric = reader.begin?.metric ?? 'accuracy';
    const options = Object.entries(about?.begun?.options ?? {});
    const shown = runs.find((r) => r.name === name) ?? runs.find((r) => r.latest);
    return (
        <main class="room run">
            <h1>{t('Training run')}</h1>
            <div class="bar">
                <div class="transport" role="group" aria-label={t('Training')}>
                    <button
                        type="button"
                        class="main"
                        disabled={state === 'in training' || state === 'starting' || !about}
                        onClick={() => void start()}
                    >
                        {START}
                    </button>
                    <button type="button" disabled={state !== 'in training'} onClick={() => void say('pause')}>
                        {t('Pause')}
                    </button>
                    <button
                        type="button"
                        disabled={state !== 'in training' && state !== 'paused'}
                        onClick={() => void say('stop')}
                    >
                        {t('Stop')}
                    </button>
                </div>
                <Status text={trouble || statusText(reader)} />
            </div>
            {!trouble && troubleOf(reader) && <p class="trouble">{troubleOf(reader)}</p>}
            <div class="columns">
                <section class="side" aria-label={t('About the run')}>
                    {runs.length > 1 && (
                        <Choice
                            label="Run"
                            value={shown?.name ?? ''}
                            options={runs.map((r) => [r.name, r.alive ? `${r.name} ●` : r.name] as const)}
                            onChange={(run) => {
                                location.href = linkTo('run', { run });
                            }}
                        />
                    )}
                    {about && (
                        <dl class="numbers run-about">
                            <dt>{t('Folder')}</dt>
                            <dd>{about.path}</dd>
                            {about.begun?.data && (
                                <>
                                    <dt>{t('Data')}</dt>
                                    <dd>{about.begun.data.split('/').at(-1)}</dd>
                                </>
                            )}
                            {options.map(([key, value]) => (
                                <>
                                    <dt>--{key}</dt>
                                    <dd>{value || '✓'}</dd>
                                </>
                            ))}
                        </dl>
                    )}
                    {state === 'not running' && about && (
                        <NumberBox
                            label="Epochs in all, at the next start"
                            value={total ?? 1}
                            min={1}
                            step={1}
                            onChange={(n) => n >= 1 && setEpochs(Math.round(n))}
                        />
                    )}
                    {reader.step && state === 'in training' && (
                        <p class="note">
                            {t('epoch')} {reader.step.epoch}: {reader.step.rows} {t('of')} {reader.step.of} {t('rows')}
                        </p>
                    )}
                    {about && (
                        <pre class="command">
                            <code>
                                soma train --resume {about.path}
                                {epochs === undefined ? '' : ` --epochs ${epochs}`}
                            </code>
                        </pre>
                    )}
                    <Exercises list={TASKS} state={{ reader, ...s }} link={linkTo('run', query)} />
                </section>
                <section class="middle" aria-label={t('Curves')}>
                    <h2>{t('Loss')}</h2>
                    <Figure name="loss">
                        <Curves
                            label={t('Loss by epoch')}
                            history={reader.losses}
                            curves={LOSSES}
                            version={reader.last}
                        />
                    </Figure>
                    <h2>{t(metric === 'accuracy' ? 'Accuracy' : 'Root of the mean squared error')}</h2>
                    <Figure name={metric}>
                        <Curves
                            label={t(
                                metric === 'accuracy' ? 'Accuracy by epoch' : 'Root of the mean squared error by epoch',
                            )}
                            history={reader.metrics}
                            curves={LOSSES}
                            version={reader.last}
                        />
                    </Figure>
                </section>
                <section class="middle" aria-label={t('Inside')}>
                    <h2>{t('Gradient flow')}</h2>
                    {look ? (
                        <>
                            <p class="note">
                                {t('Root mean square of the gradient that reaches each layer')}, {t('epoch')}{' '}
                                {look.epoch}
                                {look.best && `, ${t('the best one')}`}
                            </p>
                            <Figure name="gradient-flow">
                                <LayerBars layers={look.layers} />
                            </Figure>
                            {reader.flow.rows.length > 1 && (
                                <Figure name="gradient-by-epoch">
                                    <Curves
                                        label={t('Gradient of the first and the last layer by epoch')}
                                        history={reader.flow}
                                        curves={FLOW}
                                        version={look}
                                        logarithmic
                                    />
                                </Figure>
                            )}
                            {look.pictures.map((p) => (
                                <Figure name={p.kind}>
                                    {p.kind === 'filters' ? (
                                        <>
                                            <p class="note">
                                                {t('Filters of')} {p.layer}: {p.count} {t('of')} {p.of}
                                            </p>
                                            <FilterPicture picture={p} />
                                        </>
                                    ) : (
                                        <PlanePicture picture={p} points={reader.points} />
                                    )}
                                </Figure>
                            ))}
                        </>
                    ) : (
                        <p class="note">{t('Nothing yet: the first look comes with the end of an epoch.')}</p>
                    )}
                </section>
            </div>
        </main>
    );
}
