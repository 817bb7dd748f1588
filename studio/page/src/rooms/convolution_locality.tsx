// Why not a perceptron: both kinds learn the same digits, and are asked about them as they are, moved and shuffled.
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import { FARTHEST, SIDE, type LocalityConfig, type LocalityFrame, type LocalityStart } from '../engine/locality';
import { mnistUrls } from '../engine/mnist_urls';
import { language, percent, t } from '../language';
import { classColours, useDark } from '../parts/colours';
import { Choice, Group, Slider, Transport } from '../parts/controls';
import { Curves, History, type Curve } from '../parts/curves';
import { Figure } from '../parts/figure';
import { Lines } from '../parts/lines';
import { Status, standingText } from '../parts/status';
import { useTraining } from '../parts/training';
import { linkTo } from '../router';

const SLICE = 60,
    DIGITS = 6;
const NETS = [
    { key: 'perceptron', title: 'perceptron', colour: classColours[1]!, mark: '▲' },
    { key: 'lenet', title: 'LeNet', colour: classColours[0]!, mark: '●' },
] as const;
/** Names end as their lines look. */
const CURVES: readonly Curve[] = NETS.flatMap(({ title, colour }) => [
    { label: `${t(`${title}, plain`)} ——`, colour },
    { label: `${t(`${title}, moved`)} – –`, colour, dash: [8, 4] },
    { label: `${t(`${title}, shuffled`)} ····`, colour, dash: [2, 4] },
]);
const whole = (n: number) => n.toLocaleString(language === 'ru' ? 'ru' : 'en');

const usual: LocalityConfig = { hidden: 1024, digits: 2000, seed: 1, shift: 2 };
const HIDDEN = ['64', '256', '1024'],
    COUNTS = ['500', '2000', '7000'];

function fromLink(settings: URLSearchParams): LocalityConfig {
    const among = (name: string, list: readonly string[], value: number) =>
        list.includes(settings.get(name) ?? '') ? Number(settings.get(name)) : value;
    const shifts = Array.from({ length: FARTHEST + 1 }, (_, k) => `${k}`);
    return {
        hidden: among('hidden', HIDDEN, usual.hidden),
        digits: among('digits', COUNTS, usual.digits),
        seed: Math.max(0, Math.floor(Number(settings.get('seed') ?? usual.seed)) || 0),
        shift: among('shift', shifts, usual.shift),
    };
}

/** Test digits in three rows: as they are, moved, with their pixels shuffled. */
function Digits({ pictures }: { pictures: Float32Array[] }) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const dark = useDark();
    useEffect(() => {
        const c = canvas.current!.getContext('2d')!,
            image = c.createImageData(DIGITS * (SIDE + 2), 3 * (SIDE + 2));
        image.data.fill(dark ? 60 : 208);
        for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
        pictures.forEach((row, r) =>
            row.forEach((ink, i) => {
                const digit = Math.floor(i / (SIDE * SIDE)),
                    y = r * (SIDE + 2) + 1 + (Math.floor(i / SIDE) % SIDE),
                    x = digit * (SIDE + 2) + 1 + (i % SIDE);
                const tone = dark ? 24 + 231 * ink : 255 - 235 * ink,
                    to = 4 * (y * image.width + x);
                for (let k = 0; k < 3; k++) image.data[to + k] = tone;
            }),
        );
        c.putImageData(image, 0, 0);
    }, [pictures, dark]);
    return (
        <canvas
            ref={canvas}
            class="digits-sample"
            width={DIGITS * (SIDE + 2)}
            height={3 * (SIDE + 2)}
            role="img"
            aria-label={t('Digits of the test: as they are, moved, with their pixels shuffled')}
        />
    );
}

export interface LocalityState {
    epoch: number;
    shift: number;
    frame: LocalityFrame;
}

interface Props {
    settings: URLSearchParams;
    onState: (state: LocalityState) => void;
}

export function Locality({ settings, onState }: Props) {
    const [s, setSettings] = useState(() => fromLink(settings));
    const [start, setStart] = useState<LocalityStart>();
    const [frame, setFrame] = useState<LocalityFrame>();
    const [pictures, setPictures] = useState<Float32Array[]>();
    const [mistake, setMistake] = useState('');
    const history = useRef(new History());
    const now = useRef({ s, round: 0 });
    now.current.s = s;

    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));
    const show = (f: LocalityFrame) => {
        const { shift } = now.current.s;
        history.current.add([
            f.steps / f.stepsPerEpoch,
            ...NETS.flatMap(({ key }) => [f[key].moved[0]!, f[key].moved[shift]!, f[key].shuffled]),
        ]);
        setFrame(f);
        onState({ epoch: Math.floor(f.steps / f.stepsPerEpoch), shift, frame: f });
    };
    const training = useTraining(() => engine.locality.run(SLICE, now.current.s.shift), show, failed);

    const restart = async (next: LocalityConfig) => {
        const round = ++now.current.round;
        setMistake('');
        setFrame(undefined);
        const begun = await engine.locality.configure(next, mnistUrls);
        const drawn = await engine.locality.examples(DIGITS, next.shift);
        if (round !== now.current.round) return;
        history.current = new History();
        setStart(begun);
        setPictures(drawn);
        show(begun.frame);
    };
    const reset = (next: LocalityConfig) => {
        training.stop();
        setSettings(next);
        void restart(next).catch(failed);
    };
    useEffect(() => {
        void restart(s).catch(failed);
        // A slice that is under way when the room is left finds no one to show it to.
        return () => void now.current.round++;
    }, []);

    /** The rest of the epoch, slice by slice, so that the worker stays free for the rest of the room. */
    const step = async () => {
        training.stop();
        const round = ++now.current.round;
        for (let whole = false; !whole && round === now.current.round;) {
            const f = await engine.locality.run(SLICE, now.current.s.shift);
            if (round !== now.current.round) return;
            show(f);
            whole = f.steps % f.stepsPerEpoch === 0;
        }
    };
    const toggle = () => {
        const round = ++now.current.round;
        training.toggle();
        // What was measured at different steps is measured once more on the networks that stand still now.
        if (training.running)
            void engine.locality.measure().then((f) => round === now.current.round && show(f), failed);
    };
    const move = async (shift: number) => {
        now.current.s = { ...s, shift };
        setSettings(now.current.s);
        if (!start) return;
        setPictures(await engine.locality.examples(DIGITS, shift));
        if (!training.running) show(await engine.locality.measure(shift));
    };

    const standing = frame && {
        epoch: Math.floor(frame.steps / frame.stepsPerEpoch),
        loss: frame.loss,
        accuracy: frame.lenet.moved[0]!,
    };
    const beside = frame ? ` (LeNet) · ${t('perceptron')} ${percent(frame.perceptron.moved[0]!)}` : '';
    const share = (v: number | undefined) => (v === undefined || Number.isNaN(v) ? '–' : percent(v));
    return (
        <section class="locality" aria-labelledby="locality-title">
            <h2 id="locality-title">{t('Why not a perceptron')}</h2>
            <p>
                {t('A grey picture of 32 × 32 is 1024 inputs. One hidden layer of 1024 has')}{' '}
                <strong>1024 × 1024 = {whole(1048576)}</strong>{' '}
                {t(
                    'weights and does not know which pixels are neighbours. The first layer of LeNet has 6 filters of 5 × 5 that are the same everywhere.',
                )}
            </p>
            <div class="bar">
                <Transport
                    running={training.running}
                    onToggle={toggle}
                    onStep={() => void step().catch(failed)}
                    onReset={() => reset(s)}
                />
                <Status text={mistake || standingText(standing) + beside} />
            </div>
            <div class="beside">
                <div>
                    <Group title="Networks and digits">
                        <Choice
                            label="Hidden units of the perceptron"
                            value={`${s.hidden}`}
                            options={HIDDEN.map((h) => [h, h] as const)}
                            onChange={(h) => reset({ ...s, hidden: Number(h) })}
                        />
                        <Choice
                            label="Digits to learn from"
                            value={`${s.digits}`}
                            options={COUNTS.map((d) => [d, d] as const)}
                            onChange={(d) => reset({ ...s, digits: Number(d) })}
                        />
                        <Slider
                            label="Test digits moved by"
                            value={s.shift}
                            min={0}
                            max={FARTHEST}
                            step={1}
                            text={`${s.shift} ${t('pixels')}`}
                            onChange={(shift) => void move(shift).catch(failed)}
                        />
                    </Group>
                    <Figure name="digits">
                        <figcaption>{t('As they are, moved, shuffled')}</figcaption>
                        {pictures && <Digits pictures={pictures} />}
                    </Figure>
                    <p class="note">
                        {t(
                            'All learn digits in the middle; moved ones are met in the test alone. For shuffled ones the same order of pixels holds for all digits, and a network of its own learns them.',
                        )}
                    </p>
                </div>
                <div>
                    <div class="scroll" tabIndex={0} role="region" aria-label={t('Accuracy on 500 test digits')}>
                        <table>
                            <caption>{t('Accuracy on 500 test digits')}</caption>
                            <thead>
                                <tr>
                                    <th scope="col">{t('network')}</th>
                                    <th scope="col">{t('parameters')}</th>
                                    <th scope="col">{t('of them weights of the first layer')}</th>
                                    <th scope="col">{t('plain')}</th>
                                    <th scope="col">
                                        {t('moved by')} {s.shift}
                                    </th>
                                    <th scope="col">{t('shuffled')}</th>
                                </tr>
                            </thead>
                            <tbody>
                                {NETS.map(({ key, title, mark }) => (
                                    <tr data-network={key}>
                                        <th scope="row">
                                            {mark} {t(title)}
                                        </th>
                                        <td>{start ? whole(start.parameters[key]) : '–'}</td>
                                        <td>{start ? whole(start.parameters[`${key}First`]) : '–'}</td>
                                        <td>{share(frame?.[key].moved[0])}</td>
                                        <td>{share(frame?.[key].moved[s.shift])}</td>
                                        <td>{share(frame?.[key].shuffled)}</td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                    <div class="pair wide">
                        <Figure name="accuracy-by-distance">
                            <figcaption>{t('Accuracy by how far the digits are moved')}</figcaption>
                            {frame && (
                                <Lines
                                    label={t('Accuracy by how far the digits are moved')}
                                    lines={NETS.map(({ key, title, colour, mark }) => ({
                                        name: t(title),
                                        colour,
                                        mark,
                                        dash: key === 'perceptron' ? [7, 4] : [],
                                        values: frame[key].moved,
                                    }))}
                                    ticks={Array.from({ length: FARTHEST + 1 }, (_, k) => `${k}`)}
                                    axis={t('pixels')}
                                    top={1}
                                    text={(v) => `${100 * v} %`}
                                />
                            )}
                        </Figure>
                        <Figure name="accuracy-by-epoch">
                            <figcaption>{t('Accuracy by epoch')}</figcaption>
                            <Curves
                                label={t('Accuracy by epoch')}
                                history={history.current}
                                curves={CURVES}
                                version={frame}
                            />
                        </Figure>
                    </div>
                    <p class="note">
                        {t(
                            'Shuffled pixels are the same to the perceptron: to it no two pixels were ever neighbours. LeNet loses what it was built on.',
                        )}
                    </p>
                    <a
                        class="note"
                        href={linkTo('convolution', {
                            part: 'locality',
                            hidden: `${s.hidden}`,
                            digits: `${s.digits}`,
                            seed: `${s.seed}`,
                            shift: `${s.shift}`,
                        })}
                    >
                        {t('Link to this comparison')}
                    </a>
                </div>
            </div>
        </section>
    );
}
