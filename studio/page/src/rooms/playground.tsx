// The playground: a network on points of the plane, everything about it movable while it learns.
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import type { Described, Edit, Frame } from '../engine/playground';
import { bytesAt } from '../bytes';
import sunset from '../examples/sunset.png?url';
import { t } from '../language';
import { classColours } from '../parts/colours';
import { Transport } from '../parts/controls';
import { Curves, History, type Curve } from '../parts/curves';
import { Exercises, type Exercise } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { NetworkPicture, type Picked } from '../parts/network_picture';
import { Share } from '../parts/share';
import { Space } from '../parts/space';
import { Status, standingText } from '../parts/status';
import { useTraining } from '../parts/training';
import { Beside, Numbers, Picture } from './playground_answers';
import { DataControls, linkOf, NetworkControls, TrainingControls, type Change } from './playground_controls';
import {
    ADDED_MAX,
    commandLine,
    edited,
    EDITS_MAX,
    editsFromLink,
    editsToLink,
    fromLink,
    quantise,
    usual,
    type PlaygroundSettings,
} from './playground_settings';
import type { RoomProps } from './rooms';

/** A slice of training: short enough that the page stays at 30 pictures a second and more. */
const SLICE = 25;
const CURVES: readonly Curve[] = [
    { label: 'training loss', colour: classColours[0]! },
    { label: 'test loss', colour: classColours[1]!, dash: [6, 4] },
];

/** Changes of these leave the weights as they are. */
const TRAINING = new Set<keyof PlaygroundSettings>(['optimizer', 'rate', 'batch', 'l1', 'l2', 'schedule', 'span']);
const VIEW = new Set<keyof PlaygroundSettings>(['pace', 'showTest', 'discretise', 'beside']);

interface State {
    s: PlaygroundSettings;
    frame: Frame;
}
const learnt = ({ s, frame }: State, set: PlaygroundSettings['set']) =>
    s.task === 'classify' && s.set === set && frame.steps > 0;
const exercises: readonly Exercise<State>[] = [
    {
        text: 'Spiral, only x1 and x2, at most 8 units: bring the test loss below 0.05.',
        done: (state) =>
            learnt(state, 'spiral') &&
            state.s.features.every((f) => f === 'x1' || f === 'x2') &&
            state.s.hidden.reduce((a, b) => a + b, 0) <= 8 &&
            state.s.noise >= usual.classify.noise &&
            state.s.test <= 0.5 &&
            state.frame.test.loss < 0.05,
    },
    {
        text: 'Xor without a hidden layer: 95 % right on the test part. Which input helps?',
        done: (state) => learnt(state, 'xor') && !state.s.hidden.length && state.frame.test.accuracy >= 0.95,
    },
    {
        text: 'Overfit two moons: fewer than 100 points, and the loss on the test at least 0.5 above that of training.',
        done: (state) =>
            learnt(state, 'moons') && state.s.count < 100 && state.frame.test.loss - state.frame.train.loss >= 0.5,
    },
];

/** The settings from which the exercises begin. */
const beginning: PlaygroundSettings = { ...usual.classify, hidden: [4], rate: 0.1 };

function outputNames(task: PlaygroundSettings['task'], count: number): string[] {
    if (task === 'paint') return ['R', 'G', 'B'].map(t);
    return count === 1 ? [task === 'regress' ? 'y' : 'p'] : Array.from({ length: count }, (_, i) => `${i}`);
}

export function Playground({ settings }: RoomProps) {
    const first = useRef({
        steps: Number(settings.get('step') ?? 0),
        running: settings.get('run') === '1',
        edits: editsFromLink(settings),
    });
    /** Where the network began, and what was changed by hand since: together they lead to where it is. */
    const base = useRef<PlaygroundSettings>(fromLink(settings));
    const [edits, setEdits] = useState<Edit[]>(first.current.edits);
    const [s, setSettings] = useState<PlaygroundSettings>(() => edited(base.current, first.current.edits));
    const [described, setDescribed] = useState<Described>();
    const [frame, setFrame] = useState<Frame>();
    const [mistake, setMistake] = useState('');
    const [picked, setPicked] = useState<Picked>();
    const history = useRef(new History());
    const best = useRef<{ epoch: number; loss: number }>();

    const show = (f: Frame) => {
        for (const [epoch = 0, train = NaN, test = NaN] of [...(f.way ?? []), [f.epoch, f.train.loss, f.test.loss]]) {
            history.current.add([epoch, train, test]);
            if (epoch && test < (best.current?.loss ?? Infinity)) best.current = { epoch, loss: test };
        }
        setFrame(f);
    };
    const training = useTraining(() => engine.playground.run(SLICE, s.pace), show, setMistake);

    const restart = async (next: PlaygroundSettings) => {
        try {
            setMistake('');
            const { steps, running, edits: known } = first.current;
            first.current = { steps: 0, running: false, edits: [] };
            // A link begins with its settings; what was changed on the way comes when its step is reached.
            const from = known.length ? base.current : next;
            const d = await engine.playground.configure(from);
            base.current = from;
            history.current = new History();
            best.current = undefined;
            setEdits(known);
            setDescribed(d);
            setPicked(undefined);
            show(
                await (steps > 0 || known.length
                    ? engine.playground.replay(Math.min(steps, 1e6), known)
                    : engine.playground.frame()),
            );
            if (running) training.start();
        } catch (error) {
            setMistake(error instanceof Error ? error.message : String(error));
        }
    };
    const givePicture = async (file: Blob) => {
        const exact = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;
        await engine.playground.picture(await createImageBitmap(file, exact));
    };
    const begin = async (next: PlaygroundSettings) => {
        if (next.task === 'paint' && next.set === 'sunset') await givePicture(new Blob([await bytesAt(sunset)]));
        await restart(next);
    };
    useEffect(() => void begin(s), []);

    /** Keeps a change by hand: those of one step and kind make one. */
    const keep = (edit: Edit) =>
        setEdits((all) => {
            const last = all.at(-1);
            if (!last?.training || !edit.training || last.step !== edit.step) return [...all, edit];
            return [...all.slice(0, -1), { step: edit.step, training: { ...last.training, ...edit.training } }];
        });
    const change: Change = (part) => {
        const next = { ...s, ...part };
        const keys = (Object.keys(part) as (keyof PlaygroundSettings)[]).filter((k) => s[k] !== part[k]);
        setSettings(next);
        const failed = (e: Error) => setMistake(e.message);
        if (keys.every((k) => VIEW.has(k))) {
            base.current = { ...base.current, ...part };
            if (part.beside === undefined) return;
            void engine.playground
                .beside(next.beside)
                .then(async () => setFrame(await engine.playground.frame()), failed);
        } else if (keys.every((k) => TRAINING.has(k))) {
            void engine.playground.train(part).then((step) => {
                if (step || edits.length) keep({ step, training: part });
                else base.current = { ...base.current, ...part };
            }, failed);
        } else void begin(next);
    };

    const addPoint = (x: number, y: number, other: boolean) => {
        const point = [quantise(x), quantise(y), other ? 1 : 0];
        if (s.added.length < 3 * ADDED_MAX) change({ added: [...s.added, ...point] });
    };
    const setWeight = async (p: Picked, value: number) => {
        const step = await engine.playground.setWeight(p.layer, p.bias, p.index, value);
        keep({ step, weight: { layer: p.layer, bias: p.bias, index: p.index, value } });
        setFrame(await engine.playground.frame());
    };
    const pause = () => {
        training.stop();
        void engine.playground.pause();
    };

    const link = linkOf(base.current, {
        step: `${frame?.steps ?? 0}`,
        run: training.running ? '1' : '0',
        edits: editsToLink(edits),
    });
    /** Why the link doesn't lead here. */
    const unshared =
        s.task === 'paint' && s.set === 'opened'
            ? 'This state can’t be shared: the picture is on your computer alone.'
            : edits.length > EDITS_MAX
              ? 'This state can’t be shared: a link holds at most 60 changes by hand.'
              : undefined;
    const standing = frame && { epoch: frame.epoch, loss: frame.train.loss, accuracy: frame.test.accuracy };
    return (
        <main class="room playground">
            <h1>{t('Playground')}</h1>
            <div class="bar">
                <Transport
                    running={training.running}
                    onToggle={training.running ? pause : training.start}
                    onStep={() => (
                        pause(),
                        void engine.playground.step().then(show, (e: Error) => setMistake(e.message))
                    )}
                    onReset={() => (pause(), void restart(s))}
                />
                <Status text={mistake || standingText(standing)} />
            </div>
            <div class="columns">
                <section aria-label={t('Data')} class="side">
                    <DataControls
                        s={s}
                        change={change}
                        onPicture={(file) =>
                            void givePicture(file).then(
                                () => restart(s),
                                () => setMistake(`${file.name}: ${t('is no picture that the browser can read')}`),
                            )
                        }
                    />
                </section>
                <section aria-label={t('Network')} class="middle">
                    <NetworkControls s={s} change={change} />
                    <TrainingControls s={s} change={change} />
                    {described && frame && (
                        <Figure name="playground-network">
                            <NetworkPicture
                                features={s.task === 'regress' ? ['x'] : s.features}
                                layers={described.layers.map((l) => l.units)}
                                outputs={outputNames(s.task, described.outputs)}
                                frame={frame}
                                picked={picked}
                                onPick={setPicked}
                                onWeight={setWeight}
                            />
                        </Figure>
                    )}
                    {described && frame && described.layers.length > 0 && s.task === 'classify' && (
                        <Space
                            layers={described.layers.map((l) => l.units)}
                            values={frame.space}
                            labels={described.train.labels}
                            onLayer={async (layer) => {
                                await engine.playground.view(layer);
                                if (!training.running) setFrame(await engine.playground.frame());
                            }}
                        />
                    )}
                </section>
                <section aria-label={t('Answers')} class="side wide">
                    <Figure name="playground-answers">
                        <Picture s={s} described={described} frame={frame} onAdd={addPoint} />
                    </Figure>
                    {s.task !== 'paint' && (
                        <p class="note">
                            {t(
                                s.task === 'classify'
                                    ? 'Click adds a point ●, Shift and click ▲.'
                                    : 'Click adds a point.',
                            )}{' '}
                            {t('By keys: the arrows move a cross, Enter adds.')}
                        </p>
                    )}
                    <Beside s={s} described={described} frame={frame} />
                    <Figure name="playground-curves">
                        <Curves
                            key={CURVES.length}
                            label={t('Loss by epoch')}
                            history={history.current}
                            curves={CURVES}
                            gap
                            mark={best.current?.epoch}
                            version={frame}
                        />
                    </Figure>
                    <Numbers frame={frame} best={best.current} />
                </section>
            </div>
            <Exercises list={exercises} state={frame && { s, frame }} link={linkOf(beginning)} />
            <Share
                link={link}
                unshared={unshared}
                command={commandLine(s)}
                spec={described?.spec}
                note="The link holds every setting, the points added by hand, what was changed on the way and the number of steps: opened, it trains to this state again."
            />
        </main>
    );
}
