// Features: pictures that excite a unit, grown step by step by gradient ascent through the network that the room of
// digits trained, or through a model from a file.
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import type { FeatureConfig, FeatureFrame, FeaturesDescribed } from '../engine/features';
import { mnistUrls } from '../engine/mnist_urls';
import { decimal, percent, t } from '../language';
import { Check, Choice, Group, NumberBox, Slider } from '../parts/controls';
import { useDrop } from '../parts/drop';
import { Exercises, type Exercise } from '../parts/exercises';
import { Ascent, FeaturePicture, Sheet } from '../parts/feature_picture';
import { Figure } from '../parts/figure';
import { Status } from '../parts/status';
import { useTraining } from '../parts/training';
import { linkTo } from '../router';
import { usual as digitsUsual } from './digits_settings';
import type { RoomProps } from './rooms';

const SHEET_STEPS = 60,
    SHEET_MOST = 100,
    /** A drawing slice of at most so many steps, so that the picture is seen to grow. */
    STEPS = 2,
    SLICE = 25,
    QUICK_SECONDS = 8;
const usual: FeatureConfig = {
    layer: 0,
    channel: 0,
    seed: 0,
    rate: 0.02,
    decay: 0.002,
    jitter: 1,
    blur: 0.5,
    low: 0,
    high: 1,
};

interface Looked {
    described: FeaturesDescribed;
    c: FeatureConfig;
    steps: number;
    rise: number;
    sheet: boolean;
}

const plain = (c: FeatureConfig) => c.decay === 0 && c.jitter === 0 && c.blur === 0;
const exercises: readonly Exercise<Looked>[] = [
    {
        text: 'Let a filter of the first layer grow its picture for 100 steps and compare it with the filter’s weights.',
        done: (s) => s.c.layer === 0 && s.steps >= 100,
    },
    {
        text: 'Ask the last layer for a digit without decay, jitter and blur: the score rises, and still nobody would read it.',
        done: (s) => s.c.layer === s.described.layers.length - 1 && plain(s.c) && s.steps >= 50 && s.rise > 0,
    },
    {
        text: 'Draw all maps of the second layer and find two that look for strokes of different direction.',
        done: (s) => s.c.layer === 1 && s.sheet,
    },
];

function fromLink(q: URLSearchParams): FeatureConfig {
    const number = (name: keyof FeatureConfig, low: number, high: number) => {
        const text = q.get(name),
            value = Number(text);
        return text !== null && text !== '' && value >= low && value <= high ? value : usual[name];
    };
    return {
        layer: Math.floor(number('layer', 0, 999)),
        channel: Math.floor(number('channel', 0, 1e5)),
        seed: Math.floor(number('seed', 0, 1e9)),
        rate: number('rate', 0.001, 1),
        decay: number('decay', 0, 0.5),
        jitter: Math.floor(number('jitter', 0, 16)),
        blur: number('blur', 0, 4),
        low: usual.low,
        high: usual.high,
    };
}

const toLink = (c: FeatureConfig) =>
    Object.fromEntries(
        Object.entries(c)
            .filter(([key]) => key !== 'low' && key !== 'high')
            .map(([key, value]) => [key, `${value}`]),
    );

export function Features({ settings }: RoomProps) {
    const [c, setConfig] = useState(() => fromLink(settings));
    const [described, setDescribed] = useState<FeaturesDescribed | null>();
    const [frame, setFrame] = useState<FeatureFrame>();
    const [sheet, setSheet] = useState<{ layer: number; done: number; data: Float32Array }>();
    const [quick, setQuick] = useState<{ steps: number; accuracy: number }>();
    const [file, setFile] = useState('');
    const [mistake, setMistake] = useState('');
    const path = useRef<number[]>([]);
    const sheetWanted = useRef(0);

    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));
    const show = (f: FeatureFrame) => {
        path.current.push(f.steps, f.activation);
        if (path.current.length > 4000) path.current = path.current.filter((_, i) => i % 4 < 2);
        setFrame(f);
    };
    const growing = useTraining(() => engine.features.run(STEPS, SLICE), show, failed);

    const start = async (next: FeatureConfig) => {
        setMistake('');
        path.current = [];
        show(await engine.features.begin(next));
    };
    const opened = (d: FeaturesDescribed | undefined) => {
        setMistake('');
        setDescribed(d ?? null);
        setSheet(undefined);
        sheetWanted.current++;
        if (!d) return;
        const layer = Math.min(c.layer, d.layers.length - 1),
            next = { ...c, layer, channel: Math.min(c.channel, (d.layers[layer]?.shape[0] ?? 1) - 1) };
        setConfig(next);
        return start(next);
    };
    useEffect(() => {
        void engine.features.openTrained().then(opened).catch(failed);
        return () => void sheetWanted.current++;
    }, []);

    const change = (part: Partial<FeatureConfig>) => {
        const next = { ...c, ...part };
        if ('layer' in part) next.channel = 0;
        setConfig(next);
        if (sheet && ('layer' in part || !('channel' in part))) {
            sheetWanted.current++;
            setSheet(undefined);
        }
        void start(next).catch(failed);
    };

    /** LeNet learns for some seconds, as the room of digits has it. */
    const trainQuickly = async () => {
        try {
            setMistake('');
            setQuick({ steps: 0, accuracy: NaN });
            await engine.digits.open(mnistUrls, digitsUsual);
            const end = performance.now() + 1000 * QUICK_SECONDS;
            let accuracy = NaN;
            while (performance.now() < end && !(accuracy >= 0.97)) {
                const f = await engine.digits.run(60);
                accuracy = f.examination?.test.accuracy ?? accuracy;
                setQuick({ steps: f.steps, accuracy });
            }
            await opened(await engine.features.openTrained());
        } catch (e) {
            failed(e);
        }
        setQuick(undefined);
    };
    const openFile = async (chosen: File | undefined) => {
        if (!chosen) return;
        growing.stop();
        try {
            await opened(await engine.features.openFile(new Uint8Array(await chosen.arrayBuffer())));
            setFile(chosen.name);
        } catch (e) {
            failed(e);
        }
    };
    const back = () => {
        growing.stop();
        setFile('');
        void engine.features.openTrained().then(opened).catch(failed);
    };

    const drawSheet = async () => {
        const layer = described!.layers[c.layer]!,
            count = Math.min(SHEET_MOST, layer.shape[0]!),
            size = described!.sample.reduce((a, b) => a * b, 1);
        const mine = ++sheetWanted.current,
            data = new Float32Array(count * size);
        try {
            for (let k = 0; k < count && sheetWanted.current === mine; k++) {
                data.set(await engine.features.finished({ ...c, channel: k }, SHEET_STEPS), k * size);
                if (sheetWanted.current === mine) setSheet({ layer: c.layer, done: k + 1, data });
            }
        } catch (e) {
            failed(e);
        }
    };

    const layer = described?.layers[c.layer],
        units = layer?.shape[0] ?? 1,
        pictures = described?.sample.length === 3;
    const unit = t(layer?.shape.length === 3 ? 'map' : 'unit');
    const status = mistake
        ? mistake
        : quick
          ? `${t('LeNet is learning')}: ${t('step')} ${quick.steps}` +
            (Number.isNaN(quick.accuracy) ? '' : ` · ${t('accuracy')} ${percent(quick.accuracy)}`)
          : described === null
            ? t('no network yet')
            : frame
              ? `${t('step')} ${frame.steps} · ${t('activation')} ${decimal(frame.activation, 4)}`
              : t('loading');
    const source = file
        ? file
        : described?.trained
          ? `${t('the network of the room of digits')}: ${described.trained.net}`
          : '';
    const dropping = useDrop((file) => void openFile(file));
    return (
        <main class={dropping.over ? 'room features over' : 'room features'} {...dropping.target}>
            <h1>{t('Features')}</h1>
            <p>
                {t(
                    'What does a unit look for? A picture begins as noise and follows the gradient of the unit’s activation, uphill. The weights stay as they are; the pixels learn.',
                )}
            </p>
            <div class="bar">
                {described && (
                    <div class="transport" role="group" aria-label={t('Ascent')}>
                        <button type="button" class="main" onClick={growing.toggle}>
                            {t(growing.running ? 'Pause' : 'Begin')}
                        </button>
                        <button
                            type="button"
                            onClick={() => (growing.stop(), void engine.features.run(1, SLICE).then(show, failed))}
                        >
                            {t('Step')}
                        </button>
                        <button type="button" onClick={() => (growing.stop(), void start(c).catch(failed))}>
                            {t('Reset')}
                        </button>
                    </div>
                )}
                <Status text={status} />
            </div>
            {described === null && (
                <section class="offer" aria-label={t('A network is needed')}>
                    <p>
                        {t(
                            'No network was trained yet in the room of digits. LeNet needs some seconds for it; or open an ONNX file.',
                        )}
                    </p>
                    <button type="button" class="main" disabled={!!quick} onClick={() => void trainQuickly()}>
                        {t('Train LeNet for some seconds')}
                    </button>
                </section>
            )}
            <div class="columns">
                <section class="side" aria-label={t('Settings')}>
                    <Group title="Source">
                        {source && <p>{source}</p>}
                        <label class="field">
                            <span>{t('Open an ONNX file, or drop one anywhere')}</span>
                            <input
                                type="file"
                                accept=".onnx"
                                onChange={(e) => void openFile(e.currentTarget.files?.[0])}
                            />
                        </label>
                        {file && (
                            <button type="button" onClick={back}>
                                {t('Back to the trained network')}
                            </button>
                        )}
                    </Group>
                    {described && (
                        <>
                            <Group title="What is excited">
                                <Choice
                                    label="Layer"
                                    value={`${c.layer}`}
                                    options={described.layers.map(
                                        (l, i) => [`${i}`, `${l.name}: ${l.shape.join(' × ')}`] as const,
                                    )}
                                    onChange={(v) => change({ layer: Number(v) })}
                                />
                                <NumberBox
                                    label="Map or unit"
                                    value={c.channel}
                                    min={0}
                                    max={units - 1}
                                    step={1}
                                    onChange={(v) =>
                                        change({ channel: Math.max(0, Math.min(units - 1, Math.floor(v))) })
                                    }
                                />
                                <NumberBox
                                    label="Seed"
                                    value={c.seed}
                                    min={0}
                                    step={1}
                                    onChange={(v) => change({ seed: Math.max(0, Math.floor(v)) })}
                                />
                            </Group>
                            <Group title="Regularisers">
                                <Slider
                                    label="Decay"
                                    value={c.decay}
                                    min={0}
                                    max={0.05}
                                    step={0.001}
                                    text={decimal(c.decay, 3)}
                                    onChange={(decay) => change({ decay })}
                                />
                                {pictures && (
                                    <>
                                        <Slider
                                            label="Jitter, pixels"
                                            value={c.jitter}
                                            min={0}
                                            max={4}
                                            step={1}
                                            onChange={(jitter) => change({ jitter })}
                                        />
                                        <Slider
                                            label="Blur, pixels"
                                            value={c.blur}
                                            min={0}
                                            max={1.5}
                                            step={0.1}
                                            text={decimal(c.blur, 1)}
                                            onChange={(blur) => change({ blur })}
                                        />
                                    </>
                                )}
                                <Slider
                                    label="Size of a step"
                                    value={c.rate}
                                    min={0.005}
                                    max={0.1}
                                    step={0.005}
                                    text={decimal(c.rate, 3)}
                                    onChange={(rate) => change({ rate })}
                                />
                                <Choice
                                    label="Values of the picture"
                                    value={c.high === 255 ? 'bytes' : c.high === 1 ? 'shares' : 'any'}
                                    options={[
                                        ['shares', '0 … 1'],
                                        ['bytes', '0 … 255'],
                                        ['any', 'without bounds'],
                                    ]}
                                    onChange={(v) =>
                                        change({ low: 0, high: v === 'bytes' ? 255 : v === 'shares' ? 1 : 0 })
                                    }
                                />
                                <Check
                                    label="No regularisers"
                                    value={plain(c)}
                                    onChange={(none) =>
                                        change(
                                            none
                                                ? { decay: 0, jitter: 0, blur: 0 }
                                                : { decay: usual.decay, jitter: usual.jitter, blur: usual.blur },
                                        )
                                    }
                                />
                            </Group>
                        </>
                    )}
                </section>
                <section class="middle" aria-label={t('The picture')}>
                    {described && frame && (
                        <>
                            <h2>
                                {layer?.name}, {unit} {c.channel}
                            </h2>
                            <Figure name="feature">
                                <FeaturePicture
                                    label={t('The picture that excites the unit')}
                                    picture={frame.picture}
                                    sample={described.sample}
                                    low={c.low}
                                    high={c.high}
                                />
                            </Figure>
                            <h3>{t('Activation, step by step')}</h3>
                            <Figure name="activation">
                                <Ascent path={path.current} />
                            </Figure>
                        </>
                    )}
                    <h2>{t('What a small network cannot show')}</h2>
                    <p>
                        {t(
                            'The famous pictures of eyes, fur and arches come from networks with millions of weights that saw a million photographs. LeNet saw 7,000 grey digits of 28 × 28: its first layer looks for edges and strokes, its second for bends and ends, and a class’s picture is a blot that has a bit of the digit about it. There are no textures to be found, because there were none to learn.',
                        )}
                    </p>
                    <p>
                        {t(
                            'Nor is the picture a typical example: it is what raises one number most, and noise that no eye can read may do that better than a digit. Regularisers choose, among all pictures that excite the unit, those that look like something.',
                        )}
                    </p>
                </section>
                <section class="middle" aria-label={t('All of the layer')}>
                    {described && (
                        <>
                            <h2>{t('All of the layer')}</h2>
                            <div class="row">
                                <button type="button" onClick={() => void drawSheet()}>
                                    {t('Draw all of this layer')}
                                </button>
                                <p class="note" data-sheet={sheet?.done ?? 0}>
                                    {sheet ? `${sheet.done} / ${Math.min(SHEET_MOST, units)}` : ''}
                                    {units > SHEET_MOST ? ` (${t('of')} ${units})` : ''}
                                </p>
                            </div>
                            {sheet && sheet.layer === c.layer && (
                                <Figure name="features">
                                    <Sheet
                                        label={t('Pictures of the layer’s maps or units')}
                                        data={sheet.data}
                                        count={Math.min(SHEET_MOST, units)}
                                        sample={described.sample}
                                        low={c.low}
                                        high={c.high}
                                        chosen={c.channel}
                                        onPick={(channel) => change({ channel })}
                                    />
                                </Figure>
                            )}
                            <p class="note">
                                {t('Each after 60 steps with the settings at the left. A click chooses one.')}
                            </p>
                        </>
                    )}
                </section>
            </div>
            <Exercises
                list={exercises}
                state={
                    described && frame
                        ? {
                              described,
                              c,
                              steps: frame.steps,
                              rise: frame.activation - (path.current[1] ?? NaN),
                              sheet: sheet?.done === Math.min(SHEET_MOST, units),
                          }
                        : undefined
                }
                link={linkTo('features', { layer: '1', channel: '3' })}
            />
            <p>
                <a href={linkTo('features', toLink(c), toLink(usual))}>{t('Link to these settings')}</a>
            </p>
        </main>
    );
}
