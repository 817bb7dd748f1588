// The descent race: the lecture's optimizers from one start on one surface, or on the same network.
import type { Measure } from 'soma-wasm';
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import { SIDE, type Racer } from '../engine/race';
import { decimal, lossText, percent, t } from '../language';
import { isDark, type Colour } from '../parts/colours';
import { Check, Choice, Group, NumberBox, Transport } from '../parts/controls';
import { Curves, History } from '../parts/curves';
import { Status, standingText } from '../parts/status';
import { Surface } from '../parts/surface';
import { useTraining } from '../parts/training';
import { racers as all, surfaces, type RacerKind } from './racers';
import type { RoomProps } from './rooms';

/** Where a racer stands. */
interface Runner {
    kind: RacerKind;
    rate: number;
    path: number[];
    loss: number;
    accuracy: number;
    lost: boolean;
}

const PATH_MAX = 3 * 4000;

/** Dark colours are lightened on dark paper. */
const seen = (c: Colour): Colour =>
    isDark() ? (c.map((v) => Math.round(v + (255 - v) * 0.45)) as unknown as Colour) : c;

export function Descent({ settings }: RoomProps) {
    const [stage, setStage] = useState(settings.get('on') ?? 'line');
    const [out, setOut] = useState<ReadonlySet<string>>(new Set());
    const [rates, setRates] = useState<Record<string, number>>({});
    const [start, setStart] = useState<{ x: number; y: number }>();
    const [heights, setHeights] = useState<Float32Array>();
    const [runners, setRunners] = useState<Runner[]>([]);
    const [step, setStep] = useState(0);
    const [mistake, setMistake] = useState('');
    const history = useRef(new History());
    const state = useRef<{ runners: Runner[]; step: number }>({ runners: [], step: 0 });

    const surface = surfaces.find((s) => s.name === stage);
    const network = !surface;
    const withData = network || surface.name === 'line';
    const entered = (o = out, on = withData) => all.filter((k) => !o.has(k.title) && (on || !k.data));
    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));

    const lineUp = async (
        name: string,
        o: ReadonlySet<string>,
        r: Record<string, number>,
        from?: { x: number; y: number },
    ) => {
        const place = surfaces.find((s) => s.name === name);
        const kinds = entered(o, !place || place.name === 'line');
        const made = kinds.map((kind): Runner => {
            const usual = place ? kind.rate * place.scale : kind.networkRate;
            return {
                kind,
                rate: r[`${name} ${kind.title}`] ?? Number(usual.toPrecision(2)),
                path: [],
                loss: NaN,
                accuracy: NaN,
                lost: false,
            };
        });
        const list = made.map((m): Racer => ({
            optimizer: { kind: m.kind.optimizer, rate: m.rate },
            batch: m.kind.batch,
        }));
        setMistake('');
        history.current = new History();
        state.current = { runners: made, step: 0 };
        setHeights(undefined);
        if (!list.length) return setRunners([]);
        if (place)
            setHeights(
                await engine.race.surface({
                    formula: place.formula,
                    range: place.range,
                    start: from ?? place.start,
                    racers: list,
                }),
            );
        else await engine.race.networks({ set: 'moons', seed: 1, racers: list });
        if (place) made.forEach((m) => m.path.push(from?.x ?? place.start.x, from?.y ?? place.start.y, NaN));
        setStep(0);
        setRunners([...made]);
    };
    const again = (name = stage, o = out, r = rates, from = start) => {
        training.stop();
        setStage(name);
        setOut(o);
        setRates(r);
        setStart(from);
        void lineUp(name, o, r, from).catch(failed);
    };
    useEffect(() => void lineUp(stage, out, rates).catch(failed), []);

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
    const show = () => {
        const { runners: now, step: at } = state.current;
        history.current.add([at, ...now.map((r) => (r.lost ? NaN : Math.max(1e-9, r.loss)))]);
        setStep(at);
        setRunners([...now]);
    };
    /** One turn of the race; surfaces are walked at a pace that eyes can follow. */
    const turn = async () => {
        const begun = state.current;
        const result = network ? await engine.race.epoch() : await engine.race.walk(1);
        if (begun !== state.current) return;
        if (network) trained(result as (Measure | undefined)[]);
        else walked(result as Float64Array[], 1);
        await new Promise((done) => setTimeout(done, 25));
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
                            value={stage}
                            onChange={(name) => again(name, out, rates, undefined)}
                            options={[
                                ...surfaces.map((s) => [s.name, s.title] as const),
                                ['network', 'A network, 2-8-8-1 on two moons'],
                            ]}
                        />
                        {!withData && (
                            <p class="note">
                                {t(
                                    'Without data there is nothing to draw at random: SGD and mini-batches would walk as gradient descent does.',
                                )}
                            </p>
                        )}
                    </Group>
                    <Group title="Racers and their learning rates">
                        {all
                            .filter((k) => withData || !k.data)
                            .map((k) => {
                                const runner = runners.find((r) => r.kind === k);
                                return (
                                    <div class="racer">
                                        <Check
                                            label={k.title}
                                            value={!out.has(k.title)}
                                            onChange={(on) => {
                                                const next = new Set(out);
                                                if (on) next.delete(k.title);
                                                else next.add(k.title);
                                                again(stage, next);
                                            }}
                                        />
                                        {runner && (
                                            <NumberBox
                                                label={`${t('Rate of')} ${t(k.title)}`}
                                                value={runner.rate}
                                                min={0}
                                                quiet
                                                onChange={(v) =>
                                                    again(stage, out, { ...rates, [`${stage} ${k.title}`]: v })
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
                            <Surface
                                label={t('The surface and the ways of the racers')}
                                heights={heights}
                                side={SIDE}
                                range={surface.range}
                                axes={surface.axes}
                                paths={runners.map((r) => ({
                                    points: r.path,
                                    stride: 3,
                                    colour: seen(r.kind.colour),
                                    dash: r.kind.dash,
                                    mark: r.kind.mark,
                                }))}
                                onChoose={(x, y) => again(stage, out, rates, { x, y })}
                            />
                            <p class="note">
                                {t('Click chooses the start.')} {surface.formula && <code>f = {surface.formula}</code>}
                            </p>
                        </>
                    )}
                    <Curves
                        key={runners.map((r) => r.kind.mark).join('') + stage}
                        label={t('Loss by step')}
                        history={history.current}
                        version={step}
                        curves={runners.map((r) => ({
                            label: r.kind.title,
                            colour: seen(r.kind.colour),
                            dash: r.kind.dash,
                        }))}
                    />
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
                </section>
            </div>
        </main>
    );
}
