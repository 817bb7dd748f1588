// The descent race: the lecture's optimizers from one start on one surface, or on the same network.
import type { Measure } from 'soma-wasm';
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import { SIDE, type Racer } from '../engine/race';
import { decimal, lossText, percent, t } from '../language';
import { Check, Choice, Group, NumberBox, Transport } from '../parts/controls';
import { Curves, History } from '../parts/curves';
import { Exercises } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { beginning, momentIn, momentOf, type Moment } from '../parts/settings';
import { Share } from '../parts/share';
import { Status, standingText } from '../parts/status';
import { Surface } from '../parts/surface';
import { useTraining } from '../parts/training';
import { linkTo } from '../router';
import {
    commandLine,
    entrants,
    exercises,
    fromLink,
    NETWORK,
    toLink,
    usual,
    type RaceSettings,
    type Runner,
} from './descent_settings';
import { racers as all, surfaces } from './racers';
import type { RoomProps } from './rooms';

const PATH_MAX = 3 * 4000;
/** The most steps that a link replays, and in how many pieces, so that the curves can be drawn. */
const STEPS_MAX = 4000,
    PIECES = 200;

const hundredth = (v: number) => Math.round(100 * v) / 100;

export function Descent({ settings }: RoomProps) {
    const [s, setSettings] = useState(() => fromLink(settings));
    const [heights, setHeights] = useState<Float32Array>();
    const [runners, setRunners] = useState(() => entrants(s));
    const [step, setStep] = useState(0);
    const [mistake, setMistake] = useState('');
    const history = useRef(new History());
    const state = useRef<{ runners: Runner[]; step: number }>({ runners: [], step: 0 });

    const surface = surfaces.find((place) => place.name === s.stage);
    const network = !surface;
    const withData = network || surface.name === 'line';
    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));

    const lineUp = async (next: RaceSettings, to: Moment = { steps: 0, running: false }) => {
        const place = surfaces.find((p) => p.name === next.stage);
        const made = entrants(next);
        const racers = made.map((m): Racer => ({
            optimizer: { kind: m.kind.optimizer, rate: m.rate },
            batch: m.kind.batch,
        }));
        setMistake('');
        history.current = new History();
        state.current = { runners: made, step: 0 };
        if (!place) setHeights(undefined);
        if (!racers.length) return setRunners([]);
        const begun = state.current;
        if (place) {
            const start = next.start ?? place.start;
            setHeights(await engine.race.surface({ formula: place.formula, range: place.range, start, racers }));
            made.forEach((m) => m.path.push(start.x, start.y, NaN));
        } else await engine.race.networks({ set: 'moons', seed: 1, racers });
        while (begun === state.current && begun.step < to.steps) {
            const some = Math.min(Math.ceil(to.steps / PIECES), to.steps - begun.step);
            if (place) walked(await engine.race.walk(some), some);
            else for (let i = 0; i < some; i++) trained(await engine.race.epoch());
            record();
        }
        if (begun !== state.current) return;
        setStep(begun.step);
        setRunners([...made]);
        if (to.running) training.start();
    };
    /** Every change of the settings lines the racers up anew. */
    const newest = useRef(s);
    const again = (part: Partial<RaceSettings> = {}) => {
        training.stop();
        const next = { ...newest.current, ...part };
        newest.current = next;
        setSettings(next);
        void lineUp(next).catch(failed);
    };
    useEffect(() => void lineUp(s, momentIn(settings, STEPS_MAX)).catch(failed), []);

    const walked = (paths: Float64Array[], steps: number) => {
        const { runners: now } = state.current;
        paths.forEach((path, i) => {
            const runner = now[i]!;
            runner.lost ||= !path.length || !path.every(Number.isFinite);
            if (runner.lost) return;
            runner.path.push(...path);
            if (runner.path.length > PATH_MAX) runner.path.splice(0, runner.path.length - PATH_MAX);
            runner.loss = path.at(-1)!;
        });
        state.current.step += steps;
    };
    const trained = (measures: (Measure | undefined)[]) => {
        measures.forEach((m, i) => Object.assign(state.current.runners[i]!, m ?? { lost: true }));
        state.current.step++;
    };
    const record = () => {
        const { runners: now, step: at } = state.current;
        history.current.add([at, ...now.map((r) => (r.lost ? NaN : r.loss))]);
    };
    /** Nothing is shown of a race that was given up meanwhile. */
    const show = (goesOn: boolean) => {
        if (!goesOn) return;
        const { runners: now, step: at } = state.current;
        record();
        setStep(at);
        setRunners([...now]);
    };
    /** One turn of the race; surfaces are walked at a pace that eyes can follow. */
    const turn = async () => {
        const begun = state.current;
        const result = network ? await engine.race.epoch() : await engine.race.walk(1);
        if (begun !== state.current) return false;
        if (network) trained(result as (Measure | undefined)[]);
        else walked(result as Float64Array[], 1);
        await new Promise((done) => setTimeout(done, 25));
        return begun === state.current;
    };
    const training = useTraining(turn, show, failed);

    const running = runners.filter((r) => !r.lost && Number.isFinite(r.loss));
    const best = running.reduce<Runner | undefined>((a, b) => (!a || b.loss < a.loss ? b : a), undefined);
    const standing = best && {
        epoch: step,
        loss: best.loss,
        accuracy: network ? Math.max(...running.map((r) => r.accuracy)) : NaN,
    };
    const text = mistake || standingText(standing) + (best ? ` · ${t('ahead')}: ${t(best.kind.title)}` : '');
    return (
        <main class="room">
            <h1>{t('Descent race')}</h1>
            <p>{t('All start at the same place and see the same gradient; they differ in what they make of it.')}</p>
            <div class="bar">
                <Transport
                    running={training.running}
                    onToggle={training.toggle}
                    onStep={() => (training.stop(), void turn().then(show, failed))}
                    onReset={() => again()}
                />
                <Status text={text} />
            </div>
            <div class="columns">
                <section class="side" aria-label={t('Race')}>
                    <Group title="Race">
                        <Choice
                            label="Where"
                            value={s.stage}
                            onChange={(stage) => again({ stage, rates: {}, start: undefined })}
                            options={[
                                ...surfaces.map((place) => [place.name, place.title] as const),
                                [NETWORK, 'A network, 2-8-8-1 on two moons'],
                            ]}
                        />
                        {surface && (
                            <div class="row starts">
                                {(['x', 'y'] as const).map((axis, i) => (
                                    <NumberBox
                                        label={`${t('Start')}, ${surface.axes[i]}`}
                                        value={(s.start ?? surface.start)[axis]}
                                        step={0.1}
                                        onChange={(v) =>
                                            again({ start: { ...(newest.current.start ?? surface.start), [axis]: v } })
                                        }
                                    />
                                ))}
                            </div>
                        )}
                        {!withData && (
                            <p class="note">
                                {t(
                                    'Without data there is nothing to draw at random: SGD and mini-batches would walk as gradient descent does.',
                                )}
                            </p>
                        )}
                    </Group>
                    <Group title="Racers and their learning rates" name="racers">
                        {all
                            .filter((k) => withData || !k.data)
                            .map((k) => {
                                const runner = runners.find((r) => r.kind === k);
                                return (
                                    <div class="racer">
                                        <Check
                                            label={k.title}
                                            value={!s.out.includes(k.mark)}
                                            onChange={(on) =>
                                                again({ out: on ? s.out.replace(k.mark, '') : s.out + k.mark })
                                            }
                                        />
                                        {runner && (
                                            <NumberBox
                                                label={`${t('Rate of')} ${t(k.title)}`}
                                                value={runner.rate}
                                                min={0}
                                                quiet
                                                onChange={(v) =>
                                                    again({ rates: { ...newest.current.rates, [k.mark]: v } })
                                                }
                                            />
                                        )}
                                    </div>
                                );
                            })}
                    </Group>
                </section>
                <section class="middle" aria-label={t('Surface')}>
                    {surface && (
                        <>
                            <Figure name="descent-surface">
                                <Surface
                                    label={t('The surface and the ways of the racers')}
                                    heights={heights}
                                    side={SIDE}
                                    range={surface.range}
                                    axes={surface.axes}
                                    paths={runners.map((r) => ({
                                        points: r.path,
                                        stride: 3,
                                        colour: r.kind.colour,
                                        dash: r.kind.dash,
                                        mark: r.kind.mark,
                                    }))}
                                    onChoose={(x, y) => again({ start: { x: hundredth(x), y: hundredth(y) } })}
                                />
                            </Figure>
                            <p class="note">
                                {t('Click chooses the start.')} {surface.formula && <code>f = {surface.formula}</code>}
                            </p>
                        </>
                    )}
                </section>
                <section class="side" aria-label={t('Standing')}>
                    <table>
                        <caption>{t('Standing')}</caption>
                        <thead>
                            <tr>
                                <th scope="col">{t('racer')}</th>
                                <th scope="col">{t('loss')}</th>
                                {network && <th scope="col">{t('accuracy')}</th>}
                            </tr>
                        </thead>
                        <tbody>
                            {runners.map((r) => (
                                <tr>
                                    <th scope="row">
                                        {r.kind.mark} {t(r.kind.title)}
                                    </th>
                                    <td>{r.lost ? t('left the numbers') : lossText(r.loss)}</td>
                                    {network && (
                                        <td>
                                            {r.lost || Number.isNaN(r.accuracy) ? decimal(NaN, 1) : percent(r.accuracy)}
                                        </td>
                                    )}
                                </tr>
                            ))}
                        </tbody>
                    </table>
                    <Figure name="descent-curves">
                        <Curves
                            key={runners.map((r) => r.kind.mark).join('') + s.stage}
                            label={t(network ? 'Loss by epoch' : 'Loss by step')}
                            history={history.current}
                            version={step}
                            across={network ? 'epoch' : 'step'}
                            curves={runners.map((r) => ({
                                label: r.kind.title,
                                colour: r.kind.colour,
                                dash: r.kind.dash,
                            }))}
                        />
                    </Figure>
                </section>
            </div>
            <Exercises
                list={exercises}
                state={{ stage: s.stage, step, runners }}
                link={linkTo('descent', { on: 'ravine' })}
            />
            <Share
                link={linkTo(
                    'descent',
                    { ...toLink(s), ...momentOf(step, training.running) },
                    { ...toLink(usual), ...beginning },
                )}
                command={commandLine(s, best)}
                note={
                    network
                        ? 'The command trains one network, here with the method that is ahead.'
                        : 'The command line trains networks; it has no race on surfaces.'
                }
            />
        </main>
    );
}
