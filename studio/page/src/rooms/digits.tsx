// Digits: a network learns MNIST in the page; a digit is drawn, and all that the network makes of it can be looked at.
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import {
    digitNetworks,
    type DigitNetwork,
    type DigitsDescribed,
    type DigitsFrame,
    type Examination,
    type Seen,
} from '../engine/digits';
import { mnistUrls } from '../engine/mnist_urls';
import { language, percent, t } from '../language';
import { classColours } from '../parts/colours';
import { Choice, Group, NumberBox, Transport } from '../parts/controls';
import { Curves, History, type Curve } from '../parts/curves';
import { DigitPad, type Ink } from '../parts/digit_pad';
import { Exercises, type Exercise } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { Maps } from '../parts/maps';
import { Ranges } from '../parts/ranges';
import { Share } from '../parts/share';
import { Status, standingText } from '../parts/status';
import { useTraining } from '../parts/training';
import { OptimizerChoice, RateSlider } from '../parts/training_controls';
import { linkTo } from '../router';
import { Confusion, Layers, Mistakes, PixelPanel, Softmax, Strongest, type Chosen } from './digits_panels';
import { commandLine, fromLink, networkTitles, toLink, usual, type DigitsSettings } from './digits_settings';
import type { RoomProps } from './rooms';

/** Long slices: a step of LeNet takes some milliseconds, and the page has much to draw after each. */
const SLICE = 100;
const CURVES: readonly Curve[] = [
    { label: 'training loss', colour: classColours[0]! },
    { label: 'test loss', colour: classColours[1]!, dash: [6, 4] },
];

interface Looked {
    net: DigitNetwork;
    accuracy: number;
    seen: Seen | undefined;
    drawn: boolean;
    /** The number that was taken apart last. */
    off: boolean;
}

const exercises: readonly Exercise<Looked>[] = [
    {
        text: 'Train LeNet until it is right about at least 97 % of the test digits.',
        done: (s) => s.net === 'lenet' && s.accuracy >= 0.97,
    },
    {
        text: 'Draw a digit by hand of which a network with an accuracy of 90 % or more is at least 90 % sure.',
        done: (s) => s.drawn && s.accuracy >= 0.9 && (s.seen?.answers[s.seen.answer] ?? 0) >= 0.9,
    },
    {
        text: 'Find a number of a map that ReLU has switched off: its sum with the bias is negative.',
        done: (s) => s.off,
    },
];

function download(bytes: Uint8Array, name: string): void {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([bytes as BlobPart], { type: 'application/octet-stream' }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function DigitsRoom({ settings }: RoomProps) {
    const [s, setSettings] = useState<DigitsSettings>(() => fromLink(settings));
    const [described, setDescribed] = useState<DigitsDescribed>();
    const [frame, setFrame] = useState<DigitsFrame>();
    const [exam, setExam] = useState<Examination>();
    const [seen, setSeen] = useState<Seen>();
    const [saliency, setSaliency] = useState<Float32Array>();
    const [digit, setDigit] = useState<number>();
    const [chosen, setChosen] = useState<Chosen>();
    const [drawn, setDrawn] = useState(false);
    const [cleared, setCleared] = useState(0);
    const [off, setOff] = useState(false);
    const [mistake, setMistake] = useState('');
    const history = useRef(new History());
    const target = useRef(s.step);
    const asked = useRef<number>();
    const opening = useRef<Promise<DigitsDescribed>>();
    asked.current = digit;

    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));
    const view = async (now: Seen | undefined) => {
        setSeen(now);
        if (now) setSaliency(await engine.digits.saliency(asked.current ?? now.answer));
    };
    const show = (f: DigitsFrame) => {
        setFrame(f);
        if (f.examination) {
            setExam(f.examination);
            if (f.steps > 0) history.current.add([f.epochs, f.loss, f.examination.test.loss]);
        }
        if (f.seen) void view(f.seen).catch(failed);
        // The goal stays, so that a slice that was asked for already does nothing.
        if (target.current && f.steps >= target.current) training.stop();
    };
    const training = useTraining(() => when(() => engine.digits.run(SLICE, target.current || undefined)), show, failed);

    const begin = async (d: DigitsDescribed, picked: boolean) => {
        setMistake('');
        setDescribed(d);
        setChosen(undefined);
        history.current = new History();
        if (picked) await engine.digits.pick(Math.min(s.digit, d.test - 1));
        const first = await engine.digits.frame();
        show(first);
        if (first.steps < target.current) training.start();
        else target.current = 0;
    };
    useEffect(() => {
        opening.current = engine.digits.open(mnistUrls, s);
        void opening.current.then((d) => begin(d, true)).catch(failed);
    }, []);
    /** A click may come before the digits. */
    const when = <T,>(then: () => Promise<T>): Promise<T> => opening.current!.then(then);
    const restart = (next: DigitsSettings) =>
        void when(() => engine.digits.configure(next))
            .then((d) => begin(d, false))
            .catch(failed);
    const change = (part: Partial<DigitsSettings>) => {
        const next = { ...s, ...part };
        setSettings(next);
        target.current = 0;
        if ('net' in part || 'seed' in part) restart(next);
        else void when(() => engine.digits.train(next)).catch(failed);
    };
    const pick = (index: number) => {
        const number = Math.max(0, Math.min((described?.test ?? Infinity) - 1, Math.floor(index)));
        setSettings({ ...s, digit: number });
        setDrawn(false);
        setDigit((asked.current = undefined));
        setCleared(cleared + 1);
        void when(() => engine.digits.pick(number))
            .then(view)
            .catch(failed);
    };
    const draw = async ({ ink, height, width }: Ink) => {
        setDrawn(true);
        setDigit((asked.current = undefined));
        try {
            await view(await when(() => engine.digits.draw(ink, height, width)));
        } catch (e) {
            failed(e);
        }
    };
    const choose = (k: number) => {
        setDigit((asked.current = k));
        void engine.digits.saliency(k).then(setSaliency, failed);
    };
    /** The last slices came without a test. */
    const pause = () => {
        target.current = 0;
        if (!training.running) return;
        training.stop();
        void when(() => engine.digits.frame()).then(show, failed);
    };
    const start = () => {
        target.current = 0;
        training.start();
    };

    const standing = frame && exam && { epoch: frame.epoch, loss: frame.loss, accuracy: exam.test.accuracy };
    const loss = frame && Number.isNaN(frame.loss) ? exam?.test.loss : frame?.loss;
    const answer = seen && `${t('answer')} ${seen.answer} (${percent(seen.answers[seen.answer]!)})`;
    const status = standing
        ? [standingText({ ...standing, loss: loss ?? NaN }), answer].filter(Boolean).join(' · ')
        : t('loading the digits');
    const asking = digit ?? seen?.answer;
    const link = linkTo('digits', toLink({ ...s, step: frame?.steps ?? 0 }), toLink(usual));
    return (
        <main class="room digits">
            <h1>{t('Handwritten digits')}</h1>
            <p>
                {t(
                    'A network learns to read 7,000 digits of MNIST here, in the page, and is asked about 1,500 others. Draw one and look at what each layer makes of it.',
                )}
            </p>
            <div class="bar">
                <Transport
                    running={training.running}
                    onToggle={training.running ? pause : start}
                    onStep={() => (pause(), void when(() => engine.digits.step()).then(show, failed))}
                    onReset={() => (pause(), restart(s))}
                />
                <Status text={mistake || status} />
            </div>
            <div class="columns">
                <section class="side" aria-label={t('The digit')}>
                    <h2>{t('The digit')}</h2>
                    <DigitPad cleared={cleared} onInk={draw} />
                    <p class="note">
                        {t(
                            'Mouse or finger draws; with the keyboard the arrows move the pen and the space bar lowers it.',
                        )}
                    </p>
                    <div class="row">
                        <button type="button" onClick={() => (setCleared(cleared + 1), pick(s.digit))}>
                            {t('Clear')}
                        </button>
                        <NumberBox
                            label="Or a digit of the test set"
                            value={s.digit}
                            min={0}
                            max={(described?.test ?? 1) - 1}
                            step={1}
                            onChange={pick}
                        />
                        <button type="button" onClick={() => pick((s.digit + 1) % (described?.test ?? 1))}>
                            {t('Next digit')}
                        </button>
                    </div>
                    <h3>{t('What the network sees')}</h3>
                    <Figure name="digit">
                        <Maps
                            label={t('The digit in 28 × 28')}
                            data={seen?.picture}
                            count={1}
                            height={28}
                            width={28}
                            columns={1}
                            zoom={5}
                            kind="ink"
                        />
                    </Figure>
                    <p class="note">
                        {!seen || seen.label < 0
                            ? t(
                                  'Scaled into 20 × 20 and put with its centre of mass in the middle of 28 × 28, as MNIST was.',
                              )
                            : `${t('Test digit')} ${s.digit}: ${t('it is a')} ${seen.label}`}
                    </p>
                    <Group title="Network">
                        <Choice
                            label="Layers"
                            value={s.net}
                            options={(Object.keys(digitNetworks) as DigitNetwork[]).map(
                                (n) => [n, networkTitles[n]] as const,
                            )}
                            onChange={(net) => (pause(), change({ net }))}
                        />
                        <NumberBox
                            label="Seed"
                            value={s.seed}
                            min={0}
                            step={1}
                            onChange={(seed) => (pause(), change({ seed: Math.max(0, Math.floor(seed)) }))}
                        />
                        {described && (
                            <p class="note">
                                {described.parameters.toLocaleString(language)} {t('parameters')}
                            </p>
                        )}
                    </Group>
                    <Group title="Training">
                        <OptimizerChoice value={s.optimizer} onChange={(optimizer) => change({ optimizer })} />
                        <RateSlider
                            value={s.rate}
                            min={-5}
                            max={0}
                            step={0.1}
                            digits={5}
                            onChange={(rate) => change({ rate })}
                        />
                        <Choice
                            label="Batch"
                            value={`${s.batch}`}
                            options={[...new Set([1, 10, 20, 50, 100, s.batch])].map((b) => [`${b}`, `${b}`] as const)}
                            onChange={(v) => change({ batch: Number(v) })}
                        />
                        <p class="note">
                            {t('step')} {frame?.steps ?? 0}
                            {frame && frame.speed > 0
                                ? ` · ${Math.round(frame.speed).toLocaleString(language)} ${t('examples a second')}`
                                : ''}
                        </p>
                    </Group>
                    <button
                        type="button"
                        onClick={() =>
                            void when(() => engine.digits.save()).then((b) => download(b, `${s.net}.onnx`), failed)
                        }
                    >
                        {t('Save as ONNX')}
                    </button>
                </section>
                <section class="middle" aria-label={t('Layers')}>
                    <h2>{t('Layers')}</h2>
                    {described && seen && (
                        <Layers described={described} seen={seen} chosen={chosen} onChoose={setChosen} />
                    )}
                </section>
                <section class="middle" aria-label={t('Answers')}>
                    <h2>{t('Answer')}</h2>
                    {seen && asking !== undefined && <Softmax seen={seen} digit={asking} onDigit={choose} />}
                    <h2>
                        {t('Which pixels speak for it')}
                        {asking === undefined ? '' : `: ${asking}`}
                    </h2>
                    <Figure name="saliency">
                        <Maps
                            label={t('The gradient of the score by each pixel')}
                            data={saliency}
                            count={1}
                            height={28}
                            width={28}
                            columns={1}
                            zoom={10}
                            kind="signed"
                            signs
                        />
                    </Figure>
                    <Strongest saliency={saliency} />
                    <p class="note">
                        {t(
                            '+ and blue: ink here would raise the score of this class; − and orange: it would lower it.',
                        )}
                    </p>
                    <h2>{t('One number of a map')}</h2>
                    {described && seen && (
                        <PixelPanel
                            described={described}
                            seen={seen}
                            chosen={chosen}
                            onChoose={setChosen}
                            onPixel={(p) => setOff(p.value < 0)}
                            onFailed={failed}
                        />
                    )}
                </section>
            </div>
            <div class="pair">
                <section aria-label={t('Training')}>
                    <h2>{t('Training')}</h2>
                    <Figure name="loss">
                        <Curves label={t('Loss by epoch')} history={history.current} curves={CURVES} version={frame} />
                    </Figure>
                    <h2>{t('Ranges of values and gradients')}</h2>
                    {described && exam && <Ranges names={described.names} taps={exam.taps} />}
                    <p class="note">
                        {t('Over 50 training digits: values after the activation, gradients of the loss before it.')}
                    </p>
                    <h2>{t('Filters of the first layer')}</h2>
                    {exam && (
                        <Figure name="filters">
                            <Maps
                                label={t('Weights of the first layer')}
                                data={exam.filters.data}
                                count={exam.filters.shape[0]}
                                height={exam.filters.shape[1]}
                                width={exam.filters.shape[2]}
                                columns={10}
                                zoom={exam.filters.shape[1] > 10 ? 2 : 9}
                                kind="signed"
                                each
                            />
                        </Figure>
                    )}
                    <p class="note">{t('Blue weights are positive, orange ones negative.')}</p>
                </section>
                <section aria-label={t('Mistakes')}>
                    <h2>{t('Confusion on the test digits')}</h2>
                    {exam && <Confusion counts={exam.confusion} />}
                    <h2>
                        {t('Mistakes')}
                        {exam ? `: ${exam.wrong}` : ''}
                    </h2>
                    <p class="note">{t('Those first of which the network was surest. Choose one to look into it.')}</p>
                    {exam && <Mistakes list={exam.mistakes} onPick={pick} />}
                </section>
            </div>
            <Exercises
                list={exercises}
                state={exam && { net: s.net, accuracy: exam.test.accuracy, seen, drawn, off }}
                link={linkTo('digits', { net: 'lenet', step: '350' })}
            />
            <Share link={link} command={commandLine(s)} note="It trains again from the beginning up to this step." />
        </main>
    );
}
