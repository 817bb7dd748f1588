// AlexNet walked through: each layer's size, parameters and arithmetic with the formulas filled in, a layer of one's own,
// what a perceptron would cost, and the four tasks with pictures. All numbers are the library's.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Description, DescriptionRow } from 'soma-wasm';
import type { Compared, OwnLayer } from '../engine/alexnet';
import { engine } from '../engine/client';
import { decimal, language, percent, t } from '../language';
import { Blocks, sizeText } from '../parts/blocks';
import { NumberBox } from '../parts/controls';
import { Exercises, type Exercise } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { TaskPictures } from '../parts/task_pictures';
import { linkTo } from '../router';
import type { RoomProps } from './rooms';

/** "62,378,344", as the language writes it. */
const whole = (value: number) => value.toLocaleString(language === 'ru' ? 'ru-RU' : 'en-GB');

function bytesText(bytes: number): string {
    return bytes >= 1e6 ? `${decimal(bytes / 1e6, 1)} ${t('MB')}` : `${decimal(bytes / 1e3, 1)} ${t('kB')}`;
}

const kindOf = (row: DescriptionRow) => row.text.split(' ')[0]!;
const sum = (rows: readonly DescriptionRow[], key: 'parameters' | 'flops' | 'parameterBytes' | 'outputBytes') =>
    rows.reduce((all, row) => all + row[key], 0);

/** ⌊(N + 2p − F)/s⌋ + 1 with its numbers. */
function sizeFormula(row: DescriptionRow): string {
    const { height, stride, padding } = row.window!;
    return `⌊(${row.input[1]} + 2·${padding} − ${height})/${stride}⌋ + 1 = ${row.output[1]}`;
}

function parameterFormula(row: DescriptionRow): string {
    const [outputs = 1] = row.output,
        [inputs = 1] = row.input;
    if (!row.parameters) return '0';
    const each = row.window ? `${row.window.height}·${row.window.width}·${inputs}` : `${inputs}`;
    return `${outputs}·(${each} + 1) = ${whole(row.parameters)}`;
}

function flopsFormula(row: DescriptionRow): string {
    const [outputs = 1, height, width] = row.output,
        [inputs = 1] = row.input;
    if (!row.flops) return '–';
    const each = row.window ? `${row.window.height}·${row.window.width}·${inputs}` : `${inputs}`;
    const many = row.window ? `${height}·${width}·${outputs}` : `${outputs}`;
    return `2·(${each})·(${many}) = ${whole(row.flops)}`;
}

/** What a kind of layer is for. */
const about: Record<string, string> = {
    conv: 'Filters slide over the input, each as deep as it; each gives one map of the output. ReLU follows.',
    maxpool: 'The largest of each window. Windows overlap, since the stride is less than their side.',
    dense: 'Each unit reads everything: this is where most parameters lie.',
    dropout:
        'In training each number is set to 0 with probability 1/2, against overfitting; afterwards it does nothing.',
};

function Details({ described, chosen }: { described: Description; chosen: number }) {
    const row = described.rows[chosen];
    if (!row)
        return (
            <dl class="formulas">
                <dt>{t('input')}</dt>
                <dd>{sizeText(described.sample)}</dd>
                <dt />
                <dd>{t('A picture of 227 × 227 pixels with three channels: red, green and blue.')}</dd>
            </dl>
        );
    const kind = kindOf(row),
        first = row.input.length === 1 && described.rows[chosen - 1]?.output.length === 3;
    return (
        <dl class="formulas">
            <dt>{t('input')}</dt>
            <dd>
                {first
                    ? `${sizeText(described.rows[chosen - 1]!.output)} = ${row.input[0]}`
                    : sizeText(row.input.length ? row.input : row.output)}
            </dd>
            <dt>{t('output')}</dt>
            <dd data-what="output">{sizeText(row.output)}</dd>
            {row.window && (
                <>
                    <dt>{t('size')}</dt>
                    <dd>
                        <span class="formula">⌊(N + 2p − F)/s⌋ + 1</span>
                        <span data-what="size">{sizeFormula(row)}</span>
                    </dd>
                </>
            )}
            <dt>{t('parameters')}</dt>
            <dd>
                {row.parameters > 0 && <span class="formula">{row.window ? 'K·(F·F·C + 1)' : 'm·(n + 1)'}</span>}
                <span data-what="parameters">{parameterFormula(row)}</span>
            </dd>
            <dt>{t('FLOPs')}</dt>
            <dd>
                {row.flops > 0 && <span class="formula">{row.window ? '2·(F·F·C)·(Y·Y·K)' : '2·n·m'}</span>}
                <span data-what="flops">{flopsFormula(row)}</span>
            </dd>
            <dt>{t('memory')}</dt>
            <dd>
                {t('weights')} {bytesText(row.parameterBytes)}, {t('output')} {bytesText(row.outputBytes)}
            </dd>
            <dt />
            <dd>{t(about[kind] ?? '')}</dd>
        </dl>
    );
}

const usualOwn: OwnLayer = { size: 32, channels: 3, filters: 6, kernel: 5, stride: 1, padding: 0 };
const ownFields: readonly [keyof OwnLayer, string, number, number][] = [
    ['size', 'N, side of the input', 1, 512],
    ['channels', 'C, its channels', 1, 512],
    ['filters', 'K, filters', 1, 512],
    ['kernel', 'F, side of the window', 1, 64],
    ['stride', 's, stride', 1, 64],
    ['padding', 'p, padding', 0, 64],
];

interface State {
    described: Description;
    chosen: number;
    own: OwnLayer;
    ownRow: DescriptionRow | undefined;
}
const exercises: readonly Exercise<State>[] = [
    {
        text: 'Choose the layer that does the most arithmetic: it is not the one with the most parameters.',
        done: ({ described: { rows }, chosen }) => rows[chosen]?.flops === Math.max(...rows.map((r) => r.flops)),
    },
    {
        text: 'In a layer of your own: a window of 3 × 3 that keeps the size.',
        done: ({ own, ownRow }) => own.kernel === 3 && own.size > 1 && ownRow?.output[1] === own.size,
    },
    {
        text: 'The paper speaks of pictures of 224 × 224: find the padding with which the first layer (F = 11, s = 4) still gives 55 × 55.',
        done: ({ own, ownRow }) =>
            own.size === 224 && own.kernel === 11 && own.stride === 4 && ownRow?.output[1] === 55,
    },
];

function OwnLayerBox({
    own,
    row,
    mistake,
    onChange,
}: {
    own: OwnLayer;
    row: DescriptionRow | undefined;
    mistake: string;
    onChange: (own: OwnLayer) => void;
}) {
    return (
        <section aria-label={t('A layer of your own')}>
            <h2>{t('A layer of your own')}</h2>
            <div class="row">
                {ownFields.map(([key, label, min, max]) => (
                    <NumberBox
                        label={label}
                        value={own[key]}
                        min={min}
                        max={max}
                        step={1}
                        onChange={(v) => onChange({ ...own, [key]: Math.min(max, Math.max(min, Math.round(v))) })}
                    />
                ))}
            </div>
            {row ? (
                <dl class="formulas" data-own={sizeText(row.output)}>
                    <dt>{t('output')}</dt>
                    <dd>
                        {sizeText(row.output)}: {sizeFormula(row)}
                    </dd>
                    <dt>{t('parameters')}</dt>
                    <dd>{parameterFormula(row)}</dd>
                    <dt>{t('FLOPs')}</dt>
                    <dd>{flopsFormula(row)}</dd>
                </dl>
            ) : (
                <p class="failure">{mistake}</p>
            )}
        </section>
    );
}

function Perceptron({ compared, all }: { compared: Compared; all: number }) {
    const { perceptron, convolution, large } = compared;
    const inputs = perceptron.input[0]!,
        units = perceptron.output[0]!;
    return (
        <section aria-label={t('Why not a perceptron?')}>
            <h2>{t('Why not a perceptron?')}</h2>
            <p>
                {t('A grey picture of 32 × 32 has 1024 pixels. One hidden layer of 1024 units has')}{' '}
                <strong data-what="perceptron">
                    {inputs} × {units} = {whole(perceptron.flops / 2)}
                </strong>{' '}
                {t(
                    'weights, and knows nothing of which pixels are neighbours: shuffled pixels would be the same to it.',
                )}
            </p>
            <p>
                {t('Six filters of 5 × 5 on the same picture have')} <strong>{whole(convolution.parameters)}</strong>{' '}
                {t('parameters, whatever the picture’s size')}: {parameterFormula(convolution)}.
            </p>
            <p>
                {t('On AlexNet’s pictures a first layer of 4096 units would have')}{' '}
                <strong>{whole(large.parameters)}</strong>{' '}
                {t('parameters, % times those of the whole network.').replace('%', decimal(large.parameters / all, 1))}
            </p>
        </section>
    );
}

export function AlexNet({ settings }: RoomProps) {
    const [described, setDescribed] = useState<Description>();
    const [compared, setCompared] = useState<Compared>();
    const [chosen, setChosen] = useState(() => {
        const asked = Number(settings.get('layer') ?? 1);
        return Number.isInteger(asked) && asked >= 0 && asked <= 13 ? asked - 1 : 0;
    });
    const [own, setOwn] = useState(usualOwn);
    const [ownRow, setOwnRow] = useState<DescriptionRow>();
    const [mistake, setMistake] = useState('');
    const list = useRef<HTMLTableSectionElement>(null);

    const ask = async (next: OwnLayer) => {
        setOwn(next);
        try {
            setOwnRow(await engine.alexnet.own(next));
        } catch (error) {
            setOwnRow(undefined);
            setMistake(error instanceof Error ? error.message : String(error));
        }
    };
    useEffect(() => {
        // All at once, so that nothing moves when a part comes later.
        void Promise.all([engine.alexnet.describe(), engine.alexnet.compare(), engine.alexnet.own(usualOwn)]).then(
            ([d, c, row]) => {
                setDescribed(d);
                setCompared(c);
                setOwnRow(row);
            },
            (e: Error) => setMistake(e.message),
        );
    }, []);
    if (!described)
        return (
            <main class="room alexnet">
                <h1>AlexNet</h1>
                <p>{mistake}</p>
            </main>
        );

    const { rows, sample } = described,
        all = sum(rows, 'parameters'),
        work = sum(rows, 'flops');
    const choose = (row: number) => setChosen(Math.max(-1, Math.min(rows.length - 1, row)));
    const step = (by: number) => choose(chosen + by);
    const keys = (e: KeyboardEvent) => {
        const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
        if (!by) return;
        e.preventDefault();
        const next = Math.max(-1, Math.min(rows.length - 1, chosen + by));
        choose(next);
        list.current?.querySelectorAll('button')[next + 1]?.focus();
    };
    const line = (row: number, text: string, shape: number[], r?: DescriptionRow) => (
        <tr class={row === chosen ? 'chosen' : undefined} onClick={() => choose(row)}>
            <th scope="row">
                <button type="button" aria-pressed={row === chosen} onClick={() => choose(row)}>
                    {text}
                </button>
            </th>
            <td>{sizeText(shape)}</td>
            <td class="number" data-parameters={r?.parameters}>
                {r?.parameters ? whole(r.parameters) : ''}
                {r?.parameters ? <span class="part-of" style={{ width: `${(100 * r.parameters) / all}%` }} /> : null}
            </td>
            <td class="number">
                {r?.flops ? whole(r.flops) : ''}
                {r?.flops ? <span class="part-of work" style={{ width: `${(100 * r.flops) / work}%` }} /> : null}
            </td>
        </tr>
    );
    const weighted = rows.filter((r) => r.parameters);
    const convolutions = rows.filter((r) => kindOf(r) === 'conv');
    return (
        <main class="room alexnet">
            <h1>AlexNet</h1>
            <p>
                {t(
                    'The network that won the ImageNet competition of 2012 by far (Krizhevsky, Sutskever and Hinton), as one tower: walk through it layer by layer.',
                )}
            </p>
            <Figure name="alexnet">
                <Blocks
                    label={t('AlexNet to scale: the fronts are height × width, what goes back are the channels')}
                    sample={sample}
                    rows={rows}
                    chosen={chosen}
                    onChoose={choose}
                />
            </Figure>
            <p class="note">
                {t(
                    'To scale: 8 points for 10 pixels of height and width, 12 for 100 channels, 45 for 1000 units. The dashed square is the window of the chosen layer.',
                )}
            </p>
            <div class="walk">
                <div>
                    <div class="scroll" tabIndex={0} role="region" aria-label={t('Layers')}>
                        <table class="layer-list">
                            <thead>
                                <tr>
                                    <th scope="col">{t('layer')}</th>
                                    <th scope="col">{t('output')}</th>
                                    <th scope="col" class="number">
                                        {t('parameters')}
                                    </th>
                                    <th scope="col" class="number">
                                        {t('FLOPs')}
                                    </th>
                                </tr>
                            </thead>
                            <tbody ref={list} onKeyDown={keys}>
                                {line(-1, t('input'), sample)}
                                {rows.map((row, i) => line(i, row.text, row.output, row))}
                            </tbody>
                            <tfoot>
                                <tr>
                                    <th scope="row">{t('together')}</th>
                                    <td />
                                    <td class="number" data-what="sum">
                                        {whole(all)}
                                    </td>
                                    <td class="number">{whole(work)}</td>
                                </tr>
                            </tfoot>
                        </table>
                    </div>
                </div>
                <section aria-label={t('The chosen layer')}>
                    <div class="row">
                        <button type="button" disabled={chosen < 0} onClick={() => step(-1)}>
                            {t('Previous layer')}
                        </button>
                        <button type="button" disabled={chosen === rows.length - 1} onClick={() => step(1)}>
                            {t('Next layer')}
                        </button>
                    </div>
                    <h2>{chosen < 0 ? t('input') : `${chosen + 1}. ${rows[chosen]!.text}`}</h2>
                    <Details described={described} chosen={chosen} />
                    <h2>{t('Altogether')}</h2>
                    <p class="total">
                        {weighted.map((r) => whole(r.parameters)).join(' + ')} = <strong>{whole(all)}</strong>
                    </p>
                    <p>
                        {t('Weights')}: {bytesText(sum(rows, 'parameterBytes'))}. {t('All outputs of one picture')}:{' '}
                        {bytesText(sum(rows, 'outputBytes'))}. {t('Convolutions hold')}{' '}
                        {percent(sum(convolutions, 'parameters') / all)} {t('of the parameters and do')}{' '}
                        {percent(sum(convolutions, 'flops') / work)} {t('of the arithmetic.')}
                    </p>
                    <p>
                        <a href={linkTo('alexnet', { layer: `${chosen + 1}` })}>{t('Link to this layer')}</a>
                    </p>
                </section>
            </div>
            <OwnLayerBox own={own} row={ownRow} mistake={mistake} onChange={(next) => void ask(next)} />
            {compared && <Perceptron compared={compared} all={all} />}
            <h2>{t('Four tasks with pictures')}</h2>
            <TaskPictures />
            <Exercises
                list={exercises}
                state={{ described, chosen, own, ownRow }}
                link={linkTo('alexnet', { layer: '1' })}
            />
        </main>
    );
}
