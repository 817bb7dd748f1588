// Gradient flow: what of the gradient reaches the first layers of a deep network, plain and residual, layer by layer
// while both train.
import { useEffect, useRef, useState } from 'preact/hooks';
import { pointShapes } from 'soma-wasm';
import { engine } from '../engine/client';
import {
    forms,
    PLANE,
    REACH,
    UNIT_GRID,
    type FlowFrame,
    type FlowPoints,
    type FlowSide,
    type Form,
} from '../engine/flow';
import { decimal, percent, t } from '../language';
import { classColours } from '../parts/colours';
import { Choice, Group, NumberBox, Slider, Transport } from '../parts/controls';
import { Curves, History, type Curve } from '../parts/curves';
import { Exercises, type Exercise } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { Bars, Histograms } from '../parts/histograms';
import { Late } from '../parts/late';
import { LayerChart, power } from '../parts/layer_chart';
import { Plane } from '../parts/plane';
import { beginning, momentIn, momentOf } from '../parts/settings';
import { Share } from '../parts/share';
import { Status, standingText } from '../parts/status';
import { useTraining } from '../parts/training';
import { OptimizerChoice, RateSlider } from '../parts/training_controls';
import { Hinton, UnitMaps } from '../parts/units';
import { linkTo } from '../router';
import {
    activations,
    commandLine,
    DEPTHS,
    fromLink,
    inits,
    presets,
    shows,
    toLink,
    usual,
    type FlowSettings,
} from './flow_settings';
import type { RoomProps } from './rooms';

/** Engine time of a slice: the frame behind it takes about as long again. */
const SLICE = 15;
/** Milliseconds between two drawings of the answers and histograms, and of a layer's units. */
const ANSWERS = 30,
    UNITS = 150;
const names: Record<Form, string> = { plain: 'plain network', residual: 'residual network' };
const looks: Record<Form, { mark: '●' | '■'; dash?: string }> = {
    plain: { mark: '●' },
    residual: { mark: '■', dash: '6 4' },
};
const CURVES: Record<Form, Curve> = {
    plain: { label: 'plain network', colour: classColours[1]! },
    residual: { label: 'residual network', colour: classColours[0]!, dash: [6, 4] },
};
const emptyHistories = () => ({ both: new History(), plain: new History(), residual: new History() });
const TRAINING = new Set<keyof FlowSettings>(['optimizer', 'rate', 'batch']);
const VIEW = new Set<keyof FlowSettings>(['layer', 'show', 'pace']);

/** How many times larger the last layer's gradient is than the first one's; infinite where nothing arrives. */
export function lastOverFirst(side: FlowSide): number {
    return side.taps.at(-1)!.gradients.norm / side.taps[0]!.gradients.norm;
}

/** The answer's own sigmoid is left out: where it is flat the network is sure, and the loss sees past it. */
const withoutAnswer = (values: number[]) => [...values.slice(0, -1), NaN];

function timesText(ratio: number): string {
    if (Number.isNaN(ratio)) return '–';
    if (!Number.isFinite(ratio)) return '∞';
    if (ratio >= 0.01 && ratio < 1000) return decimal(ratio, ratio < 10 ? 2 : 0);
    const exponent = Math.floor(Math.log10(ratio));
    return `${decimal(ratio / 10 ** exponent, 1)}·${power(exponent)}`;
}

const small = (value: number) =>
    value === 0
        ? '0'
        : value >= 0.001 && value < 1e4
          ? decimal(value, 4)
          : value.toExponential(1).replace('.', decimal(0.1, 1)[1]!);

interface State {
    s: FlowSettings;
    frame: FlowFrame;
}
const exercises: readonly Exercise<State>[] = [
    {
        text: 'Let the first layer of the plain network receive a gradient a thousand million times smaller than the last one’s.',
        done: ({ frame }) => lastOverFirst(frame.plain) >= 1e9,
    },
    {
        text: 'Teach a plain network of 10 layers or more until it is right on 95 % of the test part.',
        done: ({ s, frame }) => s.depth >= 10 && frame.plain.steps > 0 && frame.plain.test.accuracy >= 0.95,
    },
    {
        text: 'What carries gradients can let them grow: make the residual network’s first layer receive a thousand times more than its last one.',
        done: ({ frame }) => frame.residual.steps > 0 && lastOverFirst(frame.residual) <= 1e-3,
    },
];

/** The numbers behind the pictures. */
function Numbers({ frame, shown }: { frame: FlowFrame; shown: readonly Form[] }) {
    const layers = frame.plain.taps.length;
    const [open, setOpen] = useState(false);
    return (
        <details onToggle={(e) => setOpen(e.currentTarget.open)}>
            <summary>{t('The numbers, layer by layer')}</summary>
            {open && (
                <div class="scroll" tabIndex={0} role="region" aria-label={t('The numbers, layer by layer')}>
                    <table class="flow-numbers">
                        <thead>
                            <tr>
                                <th scope="col">{t('layer')}</th>
                                {shown.map((form) => (
                                    <>
                                        <th scope="col">{`${t(names[form])}: ${t('saturated')}`}</th>
                                        <th scope="col">{`${t(names[form])}: ${t('gradient')}`}</th>
                                    </>
                                ))}
                            </tr>
                        </thead>
                        <tbody>
                            {Array.from({ length: layers }, (_, i) => (
                                <tr>
                                    <th scope="row">{i === layers - 1 ? t('out') : i + 1}</th>
                                    {shown.map((form) => {
                                        const tap = frame[form].taps[i]!;
                                        return (
                                            <>
                                                <td>{Number.isNaN(tap.saturated) ? '–' : percent(tap.saturated)}</td>
                                                <td>{small(tap.gradients.norm)}</td>
                                            </>
                                        );
                                    })}
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </details>
    );
}

/** One network: its answers, and its layers' histograms. */
function Side({ form, side, points, s }: { form: Form; side: FlowSide; points: FlowPoints; s: FlowSettings }) {
    const name = t(names[form]);
    return (
        <section class="middle" aria-label={name}>
            <h2>
                <span class={`series ${form}`}>{looks[form].mark}</span> {name}
            </h2>
            <p
                class="standing"
                data-form={form}
                data-spec={side.spec}
                data-accuracy={side.test.accuracy}
                data-ratio={lastOverFirst(side)}
            >
                {`${t('loss')} ${decimal(side.train.loss, 4)} · ${percent(side.test.accuracy)} · ${t('last gradient ÷ first')}: `}
                <strong>{timesText(lastOverFirst(side))}</strong>
            </p>
            {side.failure !== undefined && (
                <p class="failure">
                    {t('It left the numbers, and is shown as it was before')}: {side.failure}
                </p>
            )}
            <div class="side-figures">
                {' '}
                <Figure name={`answers-${form}`}>
                    <Plane
                        label={`${name}: ${t('The answers over the plane, and the points')}`}
                        grid={side.plane}
                        side={PLANE}
                        outputs={1}
                        reach={REACH}
                        points={[points.train]}
                    />
                </Figure>
                <div>
                    {' '}
                    <Figure name={`values-${form}`}>
                        <Histograms
                            label={`${name}: ${t('histograms of the values of each layer')}`}
                            title={t('values, by layer')}
                            what="values"
                            layers={side.taps.map((tap) => tap.values)}
                            chosen={s.layer}
                        />
                    </Figure>
                    <Figure name={`gradients-${form}`}>
                        <Histograms
                            label={`${name}: ${t('histograms of the gradients of each layer')}`}
                            title={t('gradients (sizes), by layer')}
                            what="gradients"
                            layers={side.taps.map((tap) => tap.gradients)}
                            chosen={s.layer}
                        />
                    </Figure>
                </div>
            </div>{' '}
        </section>
    );
}

/** The chosen layer of one network, unit by unit. */
function LayerSide({ form, side, s }: { form: Form; side: FlowSide; s: FlowSettings }) {
    const name = t(names[form]),
        tap = side.taps[Math.min(s.layer, side.taps.length - 1)]!;
    // Around inner layers of the residual network the input goes by: what is drawn is the sum, which has no bounds.
    const bounded = s.activation !== 'relu' && (form === 'plain' || s.layer === 0 || s.layer === s.depth);
    const reach = Math.max(1e-6, ...side.units.map(Math.abs));
    const low = !bounded ? -reach : s.activation === 'tanh' && s.layer < s.depth ? -1 : 0;
    const { values: v, gradients: g } = tap;
    return (
        <section aria-label={`${name}, ${t('the chosen layer')}`}>
            <h3>
                <span class={`series ${form}`}>{looks[form].mark}</span> {name}
            </h3>
            <p class="different" data-form={form} data-different={side.different} data-units={side.biases.length}>
                {t('different units')}:{' '}
                <strong>
                    {side.different} / {side.biases.length}
                </strong>
            </p>
            <Figure name={`units-${form}`}>
                <UnitMaps
                    label={`${name}: ${t('what each unit answers over the plane')}`}
                    maps={side.units}
                    side={UNIT_GRID}
                    low={low}
                    high={bounded ? 1 : reach}
                    biases={side.biases}
                />
            </Figure>
            <Figure name={`weights-${form}`}>
                <Hinton
                    label={`${name}: ${t('weights of the layer, a row a unit')}`}
                    weights={side.weights}
                    biases={side.biases}
                />
            </Figure>
            <p class="note">
                {t('values')}: {decimal(v.low, 2)} … {decimal(v.high, 2)}, {t('mean')} {decimal(v.mean, 3)},{' '}
                {t('deviation')} {decimal(v.deviation, 3)}
            </p>
            <Bars label={`${name}: ${t('histogram of values')}`} of={v} what="values" />
            <p class="note">
                {t('gradients')}: {power(g.low)} … {power(g.high)}, {t('norm')} {small(g.norm)}
                {g.zeros > 0 ? `, ${percent(g.zeros)} ${t('are 0')}` : ''}
            </p>
            <Bars label={`${name}: ${t('histogram of gradients')}`} of={g} what="gradients" />
        </section>
    );
}

export function Flow({ settings }: RoomProps) {
    const asked = settings.toString();
    const [s, setSettings] = useState<FlowSettings>(() => fromLink(settings));
    const [points, setPoints] = useState<FlowPoints>();
    const [frame, setFrame] = useState<FlowFrame>();
    const [mistake, setMistake] = useState('');
    const histories = useRef(emptyHistories());
    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));

    const show = (f: FlowFrame) => {
        const epoch = Math.max(f.plain.epoch, f.residual.epoch);
        histories.current.both.add([epoch, f.plain.train.loss, f.residual.train.loss]);
        for (const form of forms) histories.current[form].add([epoch, f[form].train.loss]);
        setFrame(f);
        // Both left the numbers: nothing is left to train.
        if (forms.every((form) => f[form].failure !== undefined)) training.stop();
    };
    const training = useTraining(() => engine.flow.run(SLICE, s.pace), show, setMistake);
    const pause = () => {
        training.stop();
        void engine.flow.pause();
    };
    const restart = async (next: FlowSettings, steps = 0) => {
        try {
            setMistake('');
            await engine.flow.view(next.layer);
            const made = await engine.flow.configure(next);
            histories.current = emptyHistories();
            show(await (steps > 0 ? engine.flow.replay(steps) : engine.flow.frame()));
            setPoints(made);
        } catch (error) {
            failed(error);
        }
    };
    // A link within the room, of a preset say, starts it anew.
    useEffect(() => {
        const next = fromLink(settings);
        pause();
        setSettings(next);
        const { steps, running } = momentIn(settings, 1e5);
        void restart(next, steps).then(() => running && training.start());
    }, [asked]);

    const change = (part: Partial<FlowSettings>) => {
        const next = { ...s, ...part };
        next.layer = Math.min(next.layer, next.depth);
        setSettings(next);
        const keys = Object.keys(part) as (keyof FlowSettings)[];
        if (keys.includes('layer'))
            void engine.flow.view(next.layer).then(() => engine.flow.frame().then(setFrame), failed);
        if (keys.every((k) => VIEW.has(k))) return;
        if (keys.every((k) => TRAINING.has(k))) void engine.flow.train(next).catch(failed);
        else void restart(next);
    };
    const one =
        <K extends keyof FlowSettings>(key: K) =>
        (value: FlowSettings[K]) =>
            change({ [key]: value } as Partial<FlowSettings>);

    // The frame of the settings before these may have fewer layers.
    const seen = { ...s, layer: Math.min(s.layer, (frame?.plain.taps.length ?? 1) - 1) };
    const shown = forms.filter((form) => s.show === 'both' || s.show === form);
    const state = { frame, shown, s: seen };
    const main = frame?.[shown.at(-1)!];
    const epoch = frame ? Math.max(frame.plain.epoch, frame.residual.epoch) : 0;
    const standing = main && standingText({ epoch, loss: main.train.loss, accuracy: main.test.accuracy });
    const status =
        mistake ||
        (frame && s.show === 'both'
            ? `${standing} (${t('residual')}) · ${percent(frame.plain.test.accuracy)} (${t('plain')})`
            : (standing ?? standingText(undefined)));
    const series = (pick: (side: FlowSide) => number[]) =>
        frame ? shown.map((form) => ({ name: form, kind: form, ...looks[form], values: pick(frame[form]) })) : [];
    const active = presets.find(
        (p) =>
            linkTo('flow', toLink({ ...usual, ...p.settings })) === linkTo('flow', toLink({ ...s, pace: usual.pace })),
    );
    return (
        <main class="room flow">
            <h1>{t('Gradient flow')}</h1>
            <p>
                {t(
                    'A gradient is a product of the slopes on its way: in a deep network it may be next to nothing when it arrives at the first layers. Two networks of the same layers learn from the same batches, one of them with residual connections.',
                )}
            </p>
            <nav class="presets" aria-label={t('Presets')}>
                {presets.map((p) => (
                    <a
                        href={linkTo('flow', toLink({ ...usual, ...p.settings }), toLink(usual))}
                        aria-current={p === active ? 'true' : undefined}
                    >
                        {t(p.name)}
                    </a>
                ))}
            </nav>
            {active && <p class="preset-text">{t(active.text)}</p>}
            <div class="bar">
                <Transport
                    running={training.running}
                    onToggle={training.running ? pause : training.start}
                    onStep={() => (pause(), void engine.flow.step().then(show, failed))}
                    onReset={() => (pause(), void restart(s))}
                />
                <Status text={status} />
            </div>
            <div class="flow-columns">
                <section class="side" aria-label={t('Settings')}>
                    <Group title="Network">
                        <Slider
                            label="Hidden layers"
                            value={s.depth}
                            min={DEPTHS.least}
                            max={DEPTHS.most}
                            step={1}
                            onChange={one('depth')}
                        />
                        <Slider
                            label="Units in each"
                            value={s.width}
                            min={2}
                            max={16}
                            step={1}
                            onChange={one('width')}
                        />
                        <Choice
                            label="Activation"
                            value={s.activation}
                            options={activations.map((a) => [a, a] as const)}
                            onChange={one('activation')}
                        />
                        <Choice
                            label="Initial weights"
                            value={s.init}
                            options={inits.map((i) => [i, i] as const)}
                            onChange={one('init')}
                        />
                        {s.init === 'constant' && (
                            <Slider
                                label="All weights are"
                                value={s.initValue}
                                min={0.05}
                                max={1}
                                step={0.05}
                                text={decimal(s.initValue, 2)}
                                onChange={one('initValue')}
                            />
                        )}
                        <NumberBox
                            label="Seed"
                            value={s.seed}
                            min={0}
                            step={1}
                            onChange={(v) => change({ seed: Math.max(0, Math.floor(v)) })}
                        />
                    </Group>
                    <Group title="Training">
                        <OptimizerChoice value={s.optimizer} onChange={one('optimizer')} />
                        <RateSlider
                            value={s.rate}
                            min={-4}
                            max={0.5}
                            step={0.05}
                            digits={4}
                            onChange={(rate) => change({ rate })}
                        />
                        <Choice
                            label="Pace"
                            value={`${s.pace}`}
                            onChange={(v) => change({ pace: Number(v) })}
                            options={[
                                ['5', '5 epochs/s'],
                                ['20', '20 epochs/s'],
                                ['0', 'as fast as it goes'],
                            ]}
                        />
                    </Group>
                    <Group title="Data">
                        <Choice
                            label="Set"
                            value={s.set}
                            options={pointShapes.map((p) => [p, p] as const)}
                            onChange={one('set')}
                        />
                        <Slider label="Noise" value={s.noise} min={0} max={0.6} step={0.05} onChange={one('noise')} />
                    </Group>
                    <Choice
                        label="Show"
                        value={s.show}
                        options={shows.map((v) => [v, v === 'both' ? 'both networks' : names[v]] as const)}
                        onChange={one('show')}
                    />
                </section>
                {frame && points && (
                    <div>
                        <div class="side-by-side">
                            <Figure name="saturation">
                                <LayerChart
                                    label={t('Share of saturated elements by layer')}
                                    title={t('saturated: slope of the activation below 0.01')}
                                    scale="share"
                                    series={series((side) => withoutAnswer(side.taps.map((tap) => tap.saturated)))}
                                    chosen={seen.layer}
                                    onChoose={one('layer')}
                                />
                            </Figure>
                            <Figure name="gradient-norms">
                                <LayerChart
                                    label={t('Norm of the gradient by layer, on a scale of decades')}
                                    title={t('norm of the gradient ∂L/∂z')}
                                    scale="decades"
                                    series={series((side) => side.taps.map((tap) => tap.gradients.norm))}
                                    chosen={seen.layer}
                                    onChoose={one('layer')}
                                />
                            </Figure>
                        </div>
                        <p class="networks">
                            {shown.map((form) => (
                                <span class={`series ${form}`}>
                                    {looks[form].mark} {t(names[form])}
                                </span>
                            ))}
                        </p>
                        <Late value={state} every={ANSWERS}>
                            {(now) => (
                                <div class={now.shown.length > 1 ? 'side-by-side' : 'single'}>
                                    {now.shown.map((form) => (
                                        <Side form={form} side={now.frame![form]} points={points} s={now.s} />
                                    ))}
                                </div>
                            )}
                        </Late>
                        <Curves
                            key={s.show}
                            label={t('Loss by epoch')}
                            history={histories.current[s.show]}
                            curves={shown.map((form) => CURVES[form])}
                            version={frame}
                            logarithmic
                        />
                        <h2>{t('A layer, unit by unit')}</h2>
                        <Slider
                            label="Layer to look at"
                            value={s.layer + 1}
                            min={1}
                            max={s.depth + 1}
                            step={1}
                            text={s.layer === s.depth ? t('out') : `${s.layer + 1}`}
                            onChange={(v) => change({ layer: v - 1 })}
                        />
                        <p class="note">
                            {t(
                                'Above, what each unit answers over the plane; below, a row for each unit, a square for each weight: filled where it is positive, hollow where it is negative.',
                            )}
                        </p>
                        <Late value={state} every={UNITS}>
                            {(now) => (
                                <>
                                    <div class="side-by-side">
                                        {now.shown.map((form) => (
                                            <LayerSide form={form} side={now.frame![form]} s={now.s} />
                                        ))}
                                    </div>
                                    <Numbers frame={now.frame!} shown={now.shown} />
                                </>
                            )}
                        </Late>
                        <Exercises
                            list={exercises}
                            state={{ s, frame }}
                            link={linkTo('flow', toLink({ ...usual, depth: 20 }), toLink(usual))}
                        />
                        <Share
                            link={linkTo(
                                'flow',
                                {
                                    ...toLink(s),
                                    ...momentOf(Math.max(frame.plain.steps, frame.residual.steps), training.running),
                                },
                                { ...toLink(usual), ...beginning },
                            )}
                            spec={frame[shown.at(-1)!].spec}
                            command={commandLine(s, shown.at(-1)!)}
                            note="The link holds every setting and the number of steps: opened, it trains to this state again."
                        />
                    </div>
                )}
            </div>
        </main>
    );
}
