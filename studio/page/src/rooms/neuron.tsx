// One neuron: logistic regression whose three numbers are sliders, and the landscape of its loss.
import { useEffect, useRef, useState } from 'preact/hooks';
import { pointShapes } from 'soma-wasm';
import { engine } from '../engine/client';
import { PLANE, SIDE, WEIGHTS, type NeuronConfig, type NeuronFrame } from '../engine/neuron';
import { decimal, t } from '../language';
import { classColours } from '../parts/colours';
import { Choice, Group, Part, Slider, Transport } from '../parts/controls';
import { Curves, History, type Curve } from '../parts/curves';
import { Exercises } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { Plane, type PointSet } from '../parts/plane';
import { among, beginning, momentIn, momentOf, type Moment } from '../parts/settings';
import { Share } from '../parts/share';
import { Status, standingText } from '../parts/status';
import { Surface } from '../parts/surface';
import { useTraining } from '../parts/training';
import { OptimizerChoice, RateSlider } from '../parts/training_controls';
import { linkTo } from '../router';
import { commandLine, exercises, fromLink, toLink, usual } from './neuron_settings';
import type { RoomProps } from './rooms';

const REACH = 6;
/** The most steps that a link replays, and in how many pieces, so that the way there can be drawn. */
const STEPS_MAX = 100_000,
    PIECES = 400;
const CURVES: readonly Curve[] = [{ label: 'loss', colour: classColours[0]! }];
const pairs = { 'w1 w2': [0, 1], 'w1 b': [0, 2], 'w2 b': [1, 2] } as const;
const pairNames = Object.keys(pairs) as Pair[];
type Pair = keyof typeof pairs;

const hundredth = (v: number) => Math.round(100 * v) / 100;
const signedTerm = (v: number) => `${v < 0 ? '−' : '+'} ${decimal(Math.abs(v), 2)}`;

export function Neuron({ settings }: RoomProps) {
    const [c, setConfig] = useState(() => fromLink(settings));
    const [points, setPoints] = useState<PointSet>();
    const [frame, setFrame] = useState<NeuronFrame>();
    const [surface, setSurface] = useState<Float32Array>();
    const [pair, setPair] = useState<Pair>(() => among(settings, 'axes', pairNames, 'w1 w2'));
    const [mistake, setMistake] = useState('');
    const history = useRef(new History());
    const path = useRef<number[]>([]);
    const drawn = useRef({ pair, third: NaN, busy: false });

    /** The landscape depends on the weight that isn't on an axis: it is drawn again when that has moved. */
    const draw = async (f: NeuronFrame, p: Pair) => {
        const third = f.weights[[0, 1, 2].find((k) => !(pairs[p] as readonly number[]).includes(k))!]!;
        if (drawn.current.busy || (drawn.current.pair === p && Math.abs(drawn.current.third - third) < 0.02)) return;
        drawn.current = { pair: p, third, busy: true };
        setSurface(await engine.neuron.surface(pairs[p][0], pairs[p][1], REACH));
        drawn.current.busy = false;
    };
    const note = (f: NeuronFrame) => {
        history.current.add([f.steps, f.train.loss]);
        if (path.current.length > 6000) path.current.splice(0, 3000);
        path.current.push(...f.weights);
    };
    const show = (f: NeuronFrame) => {
        note(f);
        setFrame(f);
        void draw(f, pair);
    };
    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));
    const training = useTraining(() => engine.neuron.run(20, 60), show, failed);

    /** Begins at the start weights and goes to a step; a way that was walked before stays on the map if asked. */
    const restart = async (next: NeuronConfig, to: Moment = { steps: 0, running: false }, keepPath = false) => {
        setMistake('');
        setPoints(await engine.neuron.configure(next));
        history.current = new History();
        if (!keepPath) path.current = [];
        drawn.current.third = NaN;
        let last = await engine.neuron.frame();
        for (let piece = 1; piece <= PIECES && last.steps < to.steps; piece++) {
            note(last);
            last = await engine.neuron.replay(Math.round((to.steps * piece) / PIECES));
        }
        show(last);
        if (to.running) training.start();
    };
    useEffect(() => void restart(c, momentIn(settings, STEPS_MAX)).catch(failed), []);
    /** Another way to train begins where the weights stand, so that the link can tell how they came about. */
    const change = (part: Partial<NeuronConfig>) => {
        const anew = 'set' in part || 'noise' in part;
        const next = { ...c, ...part, ...(anew ? {} : { start: frame?.weights ?? c.start }) };
        setConfig(next);
        void restart(next, undefined, !anew).catch(failed);
    };
    const turn = (start: number[]) => {
        const next = { ...c, start };
        setConfig(next);
        void restart(next).catch(failed);
    };
    const pause = () => {
        training.stop();
        void engine.neuron.pause();
    };

    const w = frame?.weights ?? [0, 0, 0],
        g = frame?.gradient ?? [0, 0, 0];
    const [first, second] = pairs[pair];
    const standing = frame && { epoch: frame.epoch, loss: frame.train.loss, accuracy: frame.test.accuracy };
    const shown = path.current.filter((_v, i) => i % 3 === first || i % 3 === second);
    return (
        <main class="room">
            <h1>{t('One neuron')}</h1>
            <p>
                {t(
                    'A weighted sum and a sigmoid: p = σ(w1·x1 + w2·x2 + b). Its boundary is a straight line; its loss is a bowl with one bottom.',
                )}
            </p>
            <div class="bar">
                <Transport
                    running={training.running}
                    onToggle={training.running ? pause : training.start}
                    onStep={() => (pause(), void engine.neuron.step().then(show, failed))}
                    onReset={() => (pause(), void restart(c).catch(failed))}
                />
                <Status text={mistake || standingText(standing)} />
            </div>
            <div class="columns">
                <section class="side" aria-label={t('Weights')}>
                    <Group title="Weights">
                        {WEIGHTS.map((name, i) => (
                            <Slider
                                label={name}
                                value={w[i]!}
                                min={-REACH}
                                max={REACH}
                                step={0.05}
                                text={`${decimal(w[i]!, 2)}, ∂L/∂${name} ${decimal(g[i]!, 3)}`}
                                onChange={(v) => turn(w.map((old, k) => (k === i ? v : old)))}
                            />
                        ))}
                    </Group>
                    <Group title="Data">
                        <Choice
                            label="Set"
                            value={c.set}
                            options={pointShapes.map((p) => [p, p] as const)}
                            onChange={(set) => change({ set })}
                        />
                        <Slider
                            label="Noise"
                            value={c.noise}
                            min={0}
                            max={0.6}
                            step={0.05}
                            onChange={(noise) => change({ noise })}
                        />
                    </Group>
                    <Group title="Training">
                        <OptimizerChoice value={c.optimizer} onChange={(optimizer) => change({ optimizer })} />
                        <RateSlider
                            value={c.rate}
                            min={-3}
                            max={1.5}
                            step={0.05}
                            digits={3}
                            onChange={(rate) => change({ rate })}
                        />
                        <Choice
                            label="Batch"
                            value={`${c.batch}`}
                            onChange={(v) => change({ batch: Number(v) })}
                            options={[
                                ['1', 'one example'],
                                ['10', '10 examples'],
                                ['200', 'all examples'],
                            ]}
                        />
                    </Group>
                </section>
                <section class="middle" aria-label={t('Answers')}>
                    <Figure name="neuron-answers">
                        <Plane
                            label={t('The answers over the plane, and the points')}
                            grid={frame?.plane}
                            side={PLANE}
                            outputs={1}
                            reach={1.2}
                            points={points ? [points] : []}
                        />
                    </Figure>
                    {frame && (
                        <p class="note">
                            {t('The boundary')}: {decimal(w[0]!, 2)}·x1 {signedTerm(w[1]!)}·x2 {signedTerm(w[2]!)} = 0
                        </p>
                    )}
                    <Figure name="neuron-curve">
                        <Curves
                            label={t('Loss by step')}
                            history={history.current}
                            curves={CURVES}
                            version={frame}
                            across="step"
                        />
                    </Figure>
                </section>
                <section class="middle" aria-label={t('Landscape of the loss')}>
                    <Part title="Axes">
                        <Choice
                            label="Axes"
                            value={pair}
                            options={pairNames.map((p) => [p, p] as const)}
                            onChange={(p) => (setPair(p), frame && void draw(frame, p))}
                        />
                    </Part>
                    <Figure name="neuron-loss">
                        <Surface
                            label={t('The loss over two weights, and the way of the training')}
                            heights={surface}
                            side={SIDE}
                            range={{ x: [-REACH, REACH], y: [-REACH, REACH] }}
                            axes={[WEIGHTS[first], WEIGHTS[second]]}
                            paths={[{ points: shown, stride: 2, colour: classColours[1]!, dash: [], mark: '•' }]}
                            onChoose={(x, y) =>
                                turn(
                                    w.map((old, k) => (k === first ? hundredth(x) : k === second ? hundredth(y) : old)),
                                )
                            }
                        />
                    </Figure>
                    <p class="note">{t('Click puts the weights there.')}</p>
                </section>
            </div>
            <Exercises
                list={exercises}
                state={frame && { config: c, frame }}
                link={linkTo('neuron', { noise: '0.2', w: '0_0_0' })}
            />
            <Share
                link={linkTo(
                    'neuron',
                    { ...toLink(c), axes: pair, ...momentOf(frame?.steps ?? 0, training.running) },
                    { ...toLink(usual), axes: 'w1 w2', ...beginning },
                )}
                command={commandLine(c)}
                note={
                    c.set === 'blobs'
                        ? 'The command line has all three blobs, of which this room leaves one out: no command trains the same.'
                        : 'The command line begins with weights of its own, not with those of the sliders.'
                }
            />
        </main>
    );
}
