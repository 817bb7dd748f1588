// The playground: a network on points of the plane, everything about it movable while it learns.
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import { GRID, REACH, type Described, type Frame } from '../engine/playground';
import { decimal, t } from '../language';
import { classColours } from '../parts/colours';
import { Transport } from '../parts/controls';
import { Curves, History, type Curve } from '../parts/curves';
import { Figure } from '../parts/figure';
import { NetworkPicture, type Picked } from '../parts/network_picture';
import { Plane } from '../parts/plane';
import { Share } from '../parts/share';
import { Space } from '../parts/space';
import { Status, standingText } from '../parts/status';
import { useTraining } from '../parts/training';
import { linkTo } from '../router';
import { DataControls, NetworkControls, TrainingControls, type Change } from './playground_controls';
import {
    ADDED_MAX,
    commandLine,
    fromLink,
    quantise,
    toLink,
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
const TRAINING = new Set<keyof PlaygroundSettings>(['optimizer', 'rate', 'batch', 'l1', 'l2']);
const VIEW = new Set<keyof PlaygroundSettings>(['pace', 'showTest', 'discretise']);

export function Playground({ settings }: RoomProps) {
    const [s, setSettings] = useState<PlaygroundSettings>(() => fromLink(settings));
    const [described, setDescribed] = useState<Described>();
    const [frame, setFrame] = useState<Frame>();
    const [mistake, setMistake] = useState('');
    const [picked, setPicked] = useState<Picked>();
    const [handMade, setHandMade] = useState(false);
    const history = useRef(new History());
    const first = useRef({ steps: Number(settings.get('step') ?? 0), running: settings.get('run') === '1' });

    const show = (f: Frame) => {
        history.current.add([f.epoch, f.train.loss, f.test.loss]);
        setFrame(f);
    };
    const training = useTraining(() => engine.playground.run(SLICE, s.pace), show, setMistake);

    const restart = async (next: PlaygroundSettings) => {
        try {
            setMistake('');
            const d = await engine.playground.configure(next);
            history.current = new History();
            setDescribed(d);
            setPicked(undefined);
            setHandMade(false);
            const { steps, running } = first.current;
            first.current = { steps: 0, running: false };
            show(await (steps > 0 ? engine.playground.replay(Math.min(steps, 1e6)) : engine.playground.frame()));
            if (running) training.start();
        } catch (error) {
            setMistake(error instanceof Error ? error.message : String(error));
        }
    };
    useEffect(() => void restart(s), []);

    const change: Change = (part) => {
        const next = { ...s, ...part };
        const keys = Object.keys(part) as (keyof PlaygroundSettings)[];
        setSettings(next);
        if (keys.every((k) => VIEW.has(k))) return;
        if (keys.every((k) => TRAINING.has(k)))
            void engine.playground.train(next).catch((e: Error) => setMistake(e.message));
        else void restart(next);
    };

    const addPoint = (x: number, y: number, other: boolean) => {
        if (s.added.length < 3 * ADDED_MAX) change({ added: [...s.added, quantise(x), quantise(y), other ? 1 : 0] });
    };
    const setWeight = async (p: Picked, value: number) => {
        await engine.playground.setWeight(p.layer, p.bias, p.index, value);
        setHandMade(true);
        setFrame(await engine.playground.frame());
    };
    const pause = () => {
        training.stop();
        void engine.playground.pause();
    };

    const link = linkTo(
        'playground',
        { ...toLink(s), step: `${frame?.steps ?? 0}`, run: training.running ? '1' : '0' },
        { ...toLink(usual), step: '0', run: '0' },
    );
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
                    <DataControls s={s} change={change} />
                </section>
                <section aria-label={t('Network')} class="middle">
                    <NetworkControls s={s} change={change} />
                    <TrainingControls s={s} change={change} />
                    {described && frame && (
                        <Figure name="playground-network">
                            <NetworkPicture
                                features={s.features}
                                layers={described.layers.map((l) => l.units)}
                                outputs={described.outputs}
                                frame={frame}
                                picked={picked}
                                onPick={setPicked}
                                onWeight={setWeight}
                            />
                        </Figure>
                    )}
                    {handMade && (
                        <p class="note">
                            {t(
                                'A weight was changed by hand: the link below leads to the network without that change.',
                            )}
                        </p>
                    )}
                    {described && frame && described.layers.length > 0 && (
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
                        <Plane
                            label={t('The answers over the plane, and the points')}
                            grid={frame?.grid}
                            side={GRID}
                            outputs={described?.outputs ?? 1}
                            reach={REACH}
                            discretise={s.discretise}
                            onAdd={addPoint}
                            points={
                                described
                                    ? [described.train, ...(s.showTest ? [{ ...described.test, open: true }] : [])]
                                    : []
                            }
                        />
                    </Figure>
                    <p class="note">{t('Click adds a point ●, Shift and click ▲.')}</p>
                    <Figure name="playground-curves">
                        <Curves
                            key={CURVES.length}
                            label={t('Loss by epoch')}
                            history={history.current}
                            curves={CURVES}
                            version={frame}
                        />
                    </Figure>
                    <dl class="numbers">
                        <dt>{t('training')}</dt>
                        <dd>
                            {decimal(frame?.train.loss ?? NaN, 4)} · {decimal(100 * (frame?.train.accuracy ?? NaN), 1)}{' '}
                            %
                        </dd>
                        <dt>{t('test')}</dt>
                        <dd>
                            {decimal(frame?.test.loss ?? NaN, 4)} · {decimal(100 * (frame?.test.accuracy ?? NaN), 1)} %
                        </dd>
                        <dt>{t('gap')}</dt>
                        <dd>{decimal((frame?.test.loss ?? NaN) - (frame?.train.loss ?? NaN), 4)}</dd>
                        <dt>{t('engine')}</dt>
                        <dd>
                            {decimal((frame?.speed ?? 0) / 1e6, 2)} {t('million examples a second')}, {t('picture')}{' '}
                            {decimal(frame?.gridMs ?? NaN, 1)} {t('ms')}
                        </dd>
                    </dl>
                </section>
            </div>
            <Share
                link={link}
                command={commandLine(s)}
                note="The link holds every setting, the points added by hand and the number of steps: opened, it trains to this state again."
            />
        </main>
    );
}
