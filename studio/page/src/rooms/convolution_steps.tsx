// A window walked over a table of numbers: the lecture's worked examples, and whatever one makes of them.
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import type { Operation, StepsConfig, StepsResult } from '../engine/convolution';
import { t } from '../language';
import { Choice, Group, Slider } from '../parts/controls';
import { Figure } from '../parts/figure';
import { Tables, type Table, type TableCell } from '../parts/tables';
import { linkTo } from '../router';
import { LIMITS, presets, resized, stepsFromLink, stepsToLink } from './convolution_presets';

const PACE = 700;

/** A number as it is written in a table and in a sum. */
const plain = (value: number) => `${Number(value.toPrecision(6)) + 0}`;
const inSum = (value: number) => (value < 0 ? `(${plain(value)})` : plain(value));

/** How many elements a window covers along an axis. */
const covered = (size: number, dilation: number) => dilation * (size - 1) + 1;

/** Where an element of the window lies in the picture, for the window's place. */
function elements(c: StepsConfig, row: number, column: number) {
    return Array.from({ length: c.kernel[0] * c.kernel[1] }, (_, i) => {
        const k = Math.floor(i / c.kernel[1]),
            l = i % c.kernel[1];
        const y = row * c.stride - c.padding + k * c.dilation,
            x = column * c.stride - c.padding + l * c.dilation;
        const inside = y >= 0 && y < c.picture[0] && x >= 0 && x < c.picture[1];
        return { y, x, inside, value: inside ? c.values[y * c.picture[1] + x]! : 0 };
    });
}

/** "2·2 + 1·(-1) + … = -3", "max(1, 1, 5, 6) = 6", "(1 + 1 + 5 + 6) / 4 = 3.25". */
function sentence(c: StepsConfig, r: StepsResult, at: number): string {
    const result = plain(r.output[at]!);
    const p = r.products[at];
    if (p) return `${p.inputs.map((v, i) => `${inSum(v)}·${inSum(p.weights[i]!)}`).join(' + ')} = ${plain(p.sum)}`;
    const width = r.places![1];
    const seen = elements(c, Math.floor(at / width), at % width).filter((e) => e.inside);
    return c.kind === 'max'
        ? `max(${seen.map((e) => plain(e.value)).join(', ')}) = ${result}`
        : `(${seen.map((e) => inSum(e.value)).join(' + ')}) / ${seen.length} = ${result}`;
}

function pictureTable(c: StepsConfig, r: StepsResult, at: number, write: (index: number, v: number) => void): Table {
    const p = c.padding,
        pooling = c.kind !== 'convolution';
    const row = r.places ? Math.floor(at / r.places[1]) : 0,
        column = r.places ? at % r.places[1] : 0;
    const window = r.places ? elements(c, row, column) : [];
    const best = c.kind === 'max' ? window.findIndex((e) => e.inside && e.value === r.output[at]) : -1;
    const high = covered(c.kernel[0], c.dilation),
        wide = covered(c.kernel[1], c.dilation);
    return {
        name: 'picture',
        title: t('Picture X'),
        rows: c.picture[0] + 2 * p,
        columns: c.picture[1] + 2 * p,
        frame: r.places && [row * c.stride, column * c.stride, high, wide],
        cell: (y, x): TableCell => {
            const k = window.findIndex((e) => e.y === y - p && e.x === x - p),
                inside = y >= p && y < p + c.picture[0] && x >= p && x < p + c.picture[1];
            const index = (y - p) * c.picture[1] + x - p;
            const look =
                k >= 0 && (inside || !pooling) ? (k === best ? 'chosen' : 'seen') : inside ? undefined : 'outside';
            const value = inside ? c.values[index]! : 0;
            return {
                text: inside || !pooling ? plain(value) : '·',
                ...(look ? { look } : {}),
                ...(k >= 0 && !pooling ? { note: `×${plain(c.weights[k]!)}` } : {}),
                ...(inside
                    ? {
                          edit: {
                              label: `${t('Picture')}: ${t('row')} ${y - p + 1}, ${t('column')} ${x - p + 1}`,
                              value,
                              onChange: (v: number) => write(index, v),
                          },
                      }
                    : {}),
            };
        },
    };
}

function kernelTable(c: StepsConfig, write: (index: number, v: number) => void): Table {
    return {
        name: 'kernel',
        title: t('Kernel K'),
        sign: '∗',
        rows: c.kernel[0],
        columns: c.kernel[1],
        cell: (k, l) => ({
            text: plain(c.weights[k * c.kernel[1] + l]!),
            edit: {
                label: `${t('Kernel')}: ${t('row')} ${k + 1}, ${t('column')} ${l + 1}`,
                value: c.weights[k * c.kernel[1] + l]!,
                onChange: (v) => write(k * c.kernel[1] + l, v),
            },
        }),
    };
}

function productsTable(c: StepsConfig, r: StepsResult, at: number): Table {
    const p = r.products[at]!;
    return {
        name: 'products',
        title: t('Products'),
        sign: '→',
        rows: c.kernel[0],
        columns: c.kernel[1],
        cell: (k, l) => ({ text: plain(p.products[k * c.kernel[1] + l]!), look: 'seen' }),
        below: `Σ = ${plain(p.sum)}`,
    };
}

function outputTable(r: StepsResult, at: number, shown: number, go: (index: number) => void): Table {
    const [rows, columns] = r.places!;
    return {
        name: 'output',
        title: t('Output Y'),
        sign: '→',
        rows,
        columns,
        cell: (y, x) => {
            const i = y * columns + x;
            return {
                text: i < shown ? plain(r.output[i]!) : '·',
                ...(i === at ? { look: 'now' as const } : i < shown ? {} : { look: 'empty' as const }),
                onChoose: () => go(i),
            };
        },
    };
}

/** The formula of the output's size with its numbers; `places` is what the engine found. */
function SizeLine({ name, n, f, c, places }: { name: string; n: number; f: number; c: StepsConfig; places?: number }) {
    const window = c.dilation === 1 ? `${f}` : `(${c.dilation}·(${f} − 1) + 1)`;
    return (
        <li>
            {t(name)}: <code>{`⌊(${n} + 2·${c.padding} − ${window}) / ${c.stride}⌋ + 1 = ${places ?? '–'}`}</code>
        </li>
    );
}

/** Why the window has no place, in a sentence. */
function impossible(c: StepsConfig, r: StepsResult): string {
    if (/nothing but padding/.test(r.mistake))
        return t('At some places the pooling window would see nothing but padding: there is nothing to choose from.');
    const by = (a: number, b: number) => `${a} × ${b}`;
    return `${t('The window fits nowhere: it covers')} ${by(covered(c.kernel[0], c.dilation), covered(c.kernel[1], c.dilation))}, ${t('and the picture with its padding is')} ${by(c.picture[0] + 2 * c.padding, c.picture[1] + 2 * c.padding)}.`;
}

const OPERATIONS: readonly (readonly [Operation, string])[] = [
    ['convolution', 'convolution'],
    ['max', 'max pooling'],
    ['average', 'average pooling'],
];

export interface StepsState {
    config: StepsConfig;
    places: [number, number] | undefined;
}

interface Props {
    settings: URLSearchParams;
    onState: (state: StepsState) => void;
}

export function Steps({ settings, onState }: Props) {
    const [c, setConfig] = useState(() => stepsFromLink(settings));
    const [r, setResult] = useState<StepsResult & { of: StepsConfig }>();
    const [at, setAt] = useState(0);
    const [shown, setShown] = useState(Infinity);
    const [playing, setPlaying] = useState(false);
    const newest = useRef(c);

    const change = (part: Partial<StepsConfig>) => {
        const next = { ...newest.current, ...part };
        newest.current = next;
        setConfig(next);
        void engine.convolution.steps(next).then((result) => {
            if (newest.current !== next) return;
            setResult({ ...result, of: next });
            setAt((i) => Math.min(i, Math.max(0, result.output.length - 1)));
            onState({ config: next, places: result.places });
        });
    };
    useEffect(() => change({}), []);

    const count = r?.output.length ?? 0;
    const go = (index: number) => {
        if (index < 0 || index >= count) return;
        setAt(index);
        setShown((s) => Math.max(s, index + 1));
    };
    const stop = () => setPlaying(false);
    useEffect(() => {
        if (!playing) return;
        const timer = setTimeout(() => (at + 1 < count ? go(at + 1) : stop()), PACE);
        return () => clearTimeout(timer);
    }, [playing, at, count]);
    const begin = () => (setAt(0), setShown(1));
    const play = () => {
        if (at + 1 >= count || shown > count) begin();
        setPlaying(true);
    };
    const keys = (e: KeyboardEvent) => {
        if (!r?.places || e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
        const width = r.places[1];
        const moves: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width };
        const to = e.key === 'Home' ? 0 : e.key === 'End' ? count - 1 : at + (moves[e.key] ?? NaN);
        if (Number.isNaN(to)) return;
        e.preventDefault();
        stop();
        go(to);
    };

    const choose = (config: StepsConfig) => {
        stop();
        begin();
        change(config);
    };
    const written = (list: number[], index: number, v: number) => list.map((old, i) => (i === index ? v : old));
    const shape = (picture: [number, number], kernel: [number, number]) =>
        change({
            picture,
            kernel,
            values: resized(c.values, c.picture, picture),
            weights: resized(c.weights, c.kernel, kernel),
        });
    const pooling = c.kind !== 'convolution';
    const slider = (label: string, key: 'stride' | 'padding' | 'dilation') => (
        <Slider
            label={label}
            value={c[key]}
            min={LIMITS[key][0]}
            max={LIMITS[key][1]}
            step={1}
            onChange={(v) => change({ [key]: v })}
        />
    );
    const fits = r?.places && r.of === c;
    const tables = r && [
        pictureTable(r.of, r, at, (i, v) => change({ values: written(newest.current.values, i, v) })),
        ...(r.of.kind === 'convolution'
            ? [kernelTable(r.of, (i, v) => change({ weights: written(newest.current.weights, i, v) }))]
            : []),
        ...(r.products[at] ? [productsTable(r.of, r, at)] : []),
        ...(r.places ? [outputTable(r, at, shown, (i) => (stop(), go(i)))] : []),
    ];
    const width = r?.places?.[1] ?? 1;
    return (
        <section class="steps" aria-labelledby="steps-title" onKeyDown={keys}>
            <h2 id="steps-title">{t('By hand')}</h2>
            <p>
                {t(
                    'The same few weights look at every place of the picture: what lies under the window times the kernel, summed up, is one number of the output.',
                )}
            </p>
            <div class="row" role="group" aria-label={t('The lecture’s examples')}>
                {presets.map((p) => (
                    <button type="button" onClick={() => choose(p.config)}>
                        {t(p.title)}
                    </button>
                ))}
            </div>
            <div class="beside">
                <div>
                    <Group title="Window">
                        <Choice
                            label="Operation"
                            value={c.kind}
                            options={OPERATIONS}
                            onChange={(kind) => change({ kind })}
                        />
                        <div class="pair">
                            <Slider
                                label="Picture’s rows"
                                value={c.picture[0]}
                                min={LIMITS.picture[0]}
                                max={LIMITS.picture[1]}
                                step={1}
                                onChange={(v) => shape([v, c.picture[1]], c.kernel)}
                            />
                            <Slider
                                label="Picture’s columns"
                                value={c.picture[1]}
                                min={LIMITS.picture[0]}
                                max={LIMITS.picture[1]}
                                step={1}
                                onChange={(v) => shape([c.picture[0], v], c.kernel)}
                            />
                            <Slider
                                label="Window’s size F"
                                value={c.kernel[0]}
                                min={LIMITS.kernel[0]}
                                max={LIMITS.kernel[1]}
                                step={1}
                                text={c.kernel.join(' × ')}
                                onChange={(v) => shape(c.picture, [v, v])}
                            />
                            {slider('Stride s', 'stride')}
                            {slider('Padding p', 'padding')}
                            {slider('Dilation d', 'dilation')}
                        </div>
                    </Group>
                    <p class="formula">
                        {t('Output size')}:{' '}
                        <code>
                            {c.dilation === 1
                                ? 'Y = ⌊(N + 2p − F) / s⌋ + 1'
                                : 'Y = ⌊(N + 2p − (d(F − 1) + 1)) / s⌋ + 1'}
                        </code>
                    </p>
                    {fits && r.places ? (
                        <ul class="formula" aria-label={t('Output size')}>
                            <SizeLine name="rows" n={c.picture[0]} f={c.kernel[0]} c={c} places={r.places[0]} />
                            <SizeLine name="columns" n={c.picture[1]} f={c.kernel[1]} c={c} places={r.places[1]} />
                        </ul>
                    ) : (
                        r && r.of === c && <p role="alert">{impossible(c, r)}</p>
                    )}
                </div>
                <div>
                    <div class="row" role="group" aria-label={t('Moving the window')}>
                        <button type="button" onClick={() => (stop(), begin())} disabled={!count}>
                            {t('Start')}
                        </button>
                        <button type="button" onClick={() => (stop(), go(at - 1))} disabled={at === 0}>
                            {t('Previous window')}
                        </button>
                        <button
                            type="button"
                            class="main"
                            onClick={() => (stop(), go(at + 1))}
                            disabled={at + 1 >= count}
                        >
                            {t('Next window')}
                        </button>
                        <button type="button" onClick={playing ? stop : play} disabled={!count}>
                            {t(playing ? 'Stop' : 'Play')}
                        </button>
                        <button type="button" onClick={() => setShown(Infinity)} disabled={!count}>
                            {t('Show all')}
                        </button>
                    </div>
                    <div
                        tabIndex={0}
                        role="group"
                        aria-label={t('The window: arrow keys move it, Home and End lead to its first and last place')}
                    >
                        <Figure name="convolution">
                            {tables && (
                                <Tables
                                    label={t('Picture, kernel, products and output; the window is framed')}
                                    tables={tables}
                                />
                            )}
                        </Figure>
                    </div>
                    <p class="sum" aria-live="polite">
                        {r?.places && r.output[at] !== undefined && (
                            <>
                                {t('row')} {Math.floor(at / width) + 1}, {t('column')} {(at % width) + 1}:{' '}
                                <code>{sentence(r.of, r, at)}</code>
                            </>
                        )}
                    </p>
                    <p class="note">
                        {t(
                            pooling
                                ? 'Numbers of the picture can be changed.'
                                : 'Numbers of picture and kernel can be changed.',
                        )}{' '}
                        {t('A click on a number of the output shows where it comes from; arrow keys move the window.')}
                    </p>
                    <a class="note" href={linkTo('convolution', { part: 'steps', ...stepsToLink(c) })}>
                        {t('Link to this example')}
                    </a>
                </div>
            </div>
        </section>
    );
}
