// Your model: an ONNX file is opened, its graph drawn, asked, and looked into; and what other rooms have trained leaves
// the page as an ONNX file and as a line for the command.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import irisRows from '../../../../data/tables/iris.csv?url';
import { bytesAt } from '../bytes';
import { engine } from '../engine/client';
import type { Answers, Given, Looked, Opened } from '../engine/model';
import type { TrainedNetwork } from '../engine/trained';
import digitsModel from '../examples/digits.onnx?url';
import irisModel from '../examples/iris.onnx?url';
import sevenPicture from '../examples/seven.png?url';
import { language, percent, t } from '../language';
import { Exercises, type Exercise } from '../parts/exercises';
import { save } from '../parts/figure';
import { ModelGraph } from '../parts/model_graph';
import { sizes } from '../parts/model_layout';
import { Share } from '../parts/share';
import { useDrop } from '../parts/drop';
import { Status } from '../parts/status';
import { numberText, TensorView } from '../parts/tensor_view';
import { linkTo } from '../router';
import { areProbabilities, largest, ModelAnswers, namesOf } from './model_answers';
import { ModelInput } from './model_input';
import type { RoomProps } from './rooms';

/** Models that are part of the page, with something to ask them. */
const examples = {
    iris: { title: 'Flowers, a table', model: irisModel, rows: irisRows },
    digits: { title: 'Digits, pictures', model: digitsModel, picture: sevenPicture },
} as const;
type Example = keyof typeof examples;

const roomTitles: Record<string, string> = { playground: 'Playground', digits: 'Handwritten digits' };

const whole = (n: number) => n.toLocaleString(language);

interface State {
    opened: Opened;
    own: boolean;
    answers: Answers | undefined;
    looked: Looked | undefined;
    value: string;
    row: number;
}

/** The largest share of the first output's row, if its numbers are probabilities. */
function surest(s: State): number {
    const answer = s.answers?.outputs[0];
    if (!answer || answer.size < 2 || !areProbabilities(answer, s.row)) return NaN;
    return answer.data[s.row * answer.size + largest(answer, s.row)]!;
}

const exercises: readonly Exercise<State>[] = [
    {
        text: 'Ask the iris model about a flower that it isn’t sure of: no class above 60 %. Rows of the table count, and numbers by hand.',
        done: (s) => s.opened.target === 'species' && surest(s) <= 0.6,
    },
    {
        text: 'Find an inner value of which more than a third is exactly zero: what does a ReLU do?',
        done: (s) => !s.value.startsWith('w') && (s.looked?.statistics.zeros ?? 0) > 1 / 3,
    },
    {
        text: 'Open a file of your own, or the network that you trained in the playground, and ask it.',
        done: (s) => s.own && s.answers !== undefined,
    },
];

/** "petal width 0.2 → setosa 98.3 %" for one row, or how many rows. */
function answerText(opened: Opened, answers: Answers, names: readonly string[]): string {
    const time = `${numberText(answers.milliseconds)} ${t('ms')}`;
    const answer = answers.outputs[0];
    if (answers.rows > 1 || !answer) return `${whole(answers.rows)} ${t('rows')} · ${time}`;
    const best = largest(answer, 0),
        value = answer.data[best]!;
    if (answer.size === 1) return `${t('prediction')} ${numberText(value)} · ${time}`;
    const said = areProbabilities(answer, 0) ? percent(value) : numberText(value);
    return `${t('prediction')} ${namesOf(opened, answer, names)[best]} ${said} · ${time}`;
}

export function Model({ settings }: RoomProps) {
    const id = useId();
    const [opened, setOpened] = useState<Opened>();
    const [own, setOwn] = useState(false);
    const [example, setExample] = useState<string>();
    const [given, setGiven] = useState<(Given | undefined)[]>([]);
    const [answers, setAnswers] = useState<Answers>();
    const [row, setRow] = useState(0);
    const [value, setValue] = useState('');
    const [looked, setLooked] = useState<Looked>();
    const [names, setNames] = useState<string[]>([]);
    const [trained, setTrained] = useState<Record<string, TrainedNetwork>>({});
    const [saying, setSaying] = useState('');
    /** Counts requests: an answer that comes after a newer request is old. */
    const latest = useRef(0);

    const mistake = (e: unknown) => setSaying(e instanceof Error ? e.message : String(e));

    const look = async (chosen: string, at: number) => {
        setValue(chosen);
        if (!chosen) return setLooked(undefined);
        const [kind = '', a = '', b = ''] = chosen.split(':');
        const request = ++latest.current;
        try {
            const found = await (kind === 'w'
                ? engine.model.weight(Number(a))
                : engine.model.look(at, Number(a), Number(b)));
            if (request === latest.current) setLooked(found);
        } catch (e) {
            mistake(e);
        }
    };
    const ask = async (of: Opened, chosen = value) => {
        try {
            const found = await engine.model.run();
            setAnswers(found);
            const at = Math.min(row, found.rows - 1);
            setRow(at);
            setSaying(answerText(of, found, names));
            await look(chosen, at);
        } catch (e) {
            mistake(e);
        }
    };

    /** Shows a model that the engine has opened. */
    const enter = async (o: Opened, from: string | undefined) => {
        setOpened(o);
        setOwn(from === undefined || !(from in examples));
        setExample(from);
        setGiven([]);
        setAnswers(undefined);
        setRow(0);
        setNames([]);
        setLooked(undefined);
        setSaying(
            `${o.name}: ${o.layout.nodes.filter((n) => n.kind === 'node').length} ${t('nodes')}, ${whole(o.parameters)} ${t('parameters')}`,
        );
        // The last layer with weights is a good place to begin; a link may name another.
        const asked = settings.get('look');
        const first =
            o.values.find((v) => v.name === asked) ??
            o.values.find((v) => /^(Conv|Gemm|MatMul)$/.test(v.op)) ??
            o.values[0];
        const chosen = first ? `v:${first.node}:${first.output}` : '';
        if (from && from in examples) {
            const e = examples[from as Example];
            try {
                const g =
                    'rows' in e
                        ? await engine.model.table(0, 'iris.csv', new Uint8Array(await bytesAt(e.rows)))
                        : await engine.model.picture(
                              0,
                              await createImageBitmap(new Blob([await bytesAt(e.picture)])),
                              o.inputs[0]!.picture!,
                          );
                setGiven([g]);
                await ask(o, chosen);
            } catch (e) {
                mistake(e);
            }
        } else setValue(chosen);
    };
    const openFile = async (file: File) => {
        try {
            await enter(await engine.model.open(file.name, file), undefined);
        } catch (e) {
            mistake(e);
        }
    };
    /** An example, or what another room has trained. */
    const openNamed = async (name: string) => {
        try {
            const bytes =
                name in examples
                    ? new Uint8Array(await bytesAt(examples[name as Example].model))
                    : await engine.model.export(name);
            await enter(await engine.model.open(`${name}.onnx`, bytes), name);
        } catch (e) {
            mistake(e);
        }
    };
    useEffect(() => {
        void engine.model.trained().then(async (found) => {
            setTrained(found);
            const name = settings.get('open') ?? '';
            if (name in examples || name in found) await openNamed(name);
        }, mistake);
    }, []);

    const chosenNode = value.startsWith('v:') ? Number(value.split(':')[1]) : undefined;
    const inner = opened?.values.find((v) => `v:${v.node}:${v.output}` === value);
    const firstAnswer = answers?.outputs[0];
    const elementNames =
        opened &&
        firstAnswer &&
        inner &&
        inner.shape.length === 2 &&
        inner.shape[1] === firstAnswer.size &&
        firstAnswer.size > 1
            ? namesOf(opened, firstAnswer, names)
            : undefined;
    const dropping = useDrop((file) => void openFile(file));
    return (
        <main class={dropping.over ? 'room model over' : 'room model'} {...dropping.target}>
            <h1>{t('Your model')}</h1>
            <p>
                {t(
                    'An ONNX file runs here as it is: nothing leaves this page. Open one or drop it anywhere, ask it with a picture, a table or numbers, and look at every value inside.',
                )}
            </p>
            <div class="row">
                <div class="field">
                    <label for={id}>{t('Open a model')}</label>
                    <input
                        id={id}
                        type="file"
                        accept=".onnx"
                        onChange={(e) => {
                            const file = e.currentTarget.files?.[0];
                            if (file) void openFile(file);
                            // The same file may be chosen again after it has changed.
                            e.currentTarget.value = '';
                        }}
                    />
                </div>
                <div class="row" role="group" aria-label={t('Examples')}>
                    {(Object.keys(examples) as Example[]).map((name) => (
                        <button type="button" onClick={() => void openNamed(name)}>
                            {t(examples[name].title)}
                        </button>
                    ))}
                </div>
            </div>
            <Status text={saying || t('ready')} />
            {opened && (
                <div class="columns">
                    <section aria-labelledby={`${id}-graph`}>
                        <h2 id={`${id}-graph`}>{opened.name}</h2>
                        <dl class="numbers">
                            <dt>{t('made by')}</dt>
                            <dd>
                                {opened.producer || '–'}, opset {opened.opset}
                            </dd>
                            <dt>{t('parameters')}</dt>
                            <dd>
                                {whole(opened.parameters)} ({whole(opened.bytes)} {t('bytes')})
                            </dd>
                            <dt>{t('inputs')}</dt>
                            <dd>{opened.inputs.map((i) => `${i.name} [${sizes(i.shape)}]`).join(', ')}</dd>
                            <dt>{t('outputs')}</dt>
                            <dd>{opened.outputs.map((o) => `${o.name} [${sizes(o.shape)}]`).join(', ')}</dd>
                            {opened.classes && <dt>{t('classes')}</dt>}
                            {opened.classes && <dd>{opened.classes.slice(0, 20).join(', ')}</dd>}
                            {opened.spec && <dt>{t('specification')}</dt>}
                            {opened.spec && (
                                <dd>
                                    <code>{opened.spec}</code>
                                </dd>
                            )}
                        </dl>
                        <ModelGraph
                            layout={opened.layout}
                            chosen={chosenNode}
                            onChoose={(node) => {
                                const v = opened.values.find((found) => found.node === node);
                                if (v) void look(`v:${v.node}:${v.output}`, row);
                            }}
                        />
                        {opened.layout.left > 0 && (
                            <p class="note">
                                {t('Nodes that only hold numbers are not drawn:')} {opened.layout.left}
                            </p>
                        )}
                    </section>
                    <section aria-labelledby={`${id}-ask`}>
                        <h2 id={`${id}-ask`}>{t('Ask')}</h2>
                        {opened.inputs.map((input, i) => (
                            <ModelInput
                                key={`${opened.name}${opened.bytes}${input.name}`}
                                index={i}
                                input={input}
                                soma={opened.soma}
                                given={given[i]}
                                onGiven={(g) => {
                                    setGiven(opened.inputs.map((_, k) => (k === i ? g : given[k])));
                                    void ask(opened);
                                }}
                                onMistake={setSaying}
                            />
                        ))}
                        <button type="button" class="main" onClick={() => void ask(opened)}>
                            {t('Run the model')}
                        </button>
                        {!opened.classes && (firstAnswer?.size ?? 0) > 1 && (
                            <div class="field">
                                <label for={`${id}-names`}>{t('Names of the classes, one a line')}</label>
                                <textarea
                                    id={`${id}-names`}
                                    rows={3}
                                    onInput={(e) =>
                                        setNames(e.currentTarget.value.split('\n').filter((line) => line.trim()))
                                    }
                                />
                            </div>
                        )}
                        {answers && (
                            <ModelAnswers
                                opened={opened}
                                answers={answers}
                                names={names}
                                row={row}
                                onRow={(at) => {
                                    setRow(at);
                                    void look(value, at);
                                }}
                            />
                        )}
                    </section>
                    <section aria-labelledby={`${id}-look`}>
                        <h2 id={`${id}-look`}>{t('Look inside')}</h2>
                        <div class="field">
                            <label for={`${id}-value`}>{t('Value')}</label>
                            <select
                                id={`${id}-value`}
                                value={value}
                                onChange={(e) => void look(e.currentTarget.value, row)}
                            >
                                <optgroup label={t('Values')}>
                                    {opened.values.map((v) => (
                                        <option value={`v:${v.node}:${v.output}`} selected={v === inner}>
                                            {v.op} → {v.name} [{sizes(v.shape)}]
                                        </option>
                                    ))}
                                </optgroup>
                                <optgroup label={t('Weights')}>
                                    {opened.weights.map((w, i) => (
                                        <option value={`w:${i}`} selected={value === `w:${i}`}>
                                            {w.name} [{sizes(w.shape)}]
                                        </option>
                                    ))}
                                </optgroup>
                            </select>
                        </div>
                        {looked ? (
                            <TensorView
                                key={value}
                                shape={looked.shape}
                                data={looked.data}
                                statistics={looked.statistics}
                                names={elementNames}
                            />
                        ) : (
                            <p class="note">{t('Run the model first, or choose a value.')}</p>
                        )}
                        {answers && answers.rows > 1 && (
                            <p class="note">
                                {t('For row')} {row + 1}.
                            </p>
                        )}
                    </section>
                </div>
            )}
            <section aria-labelledby={`${id}-rooms`}>
                <h2 id={`${id}-rooms`}>{t('Trained in this page')}</h2>
                {Object.keys(trained).length === 0 && (
                    <p class="note">
                        {t('Nothing yet:')} <a href="#/playground">{t('train a network in the playground')}</a>
                        {t(', come back, and save it here.')}
                    </p>
                )}
                {Object.entries(trained).map(([room, n]) => (
                    <div class="trained">
                        <h3>{t(roomTitles[room] ?? room)}</h3>
                        <p>
                            {whole(n.steps)} {t('steps')}
                            {Number.isNaN(n.accuracy) ? '' : ` · ${t('accuracy')} ${percent(n.accuracy)}`}
                        </p>
                        <pre>--net "{n.spec}"</pre>
                        <div class="row">
                            <button type="button" onClick={() => void openNamed(room)}>
                                {t('Open it here')}
                            </button>
                            <button
                                type="button"
                                onClick={() =>
                                    void engine.model
                                        .export(room)
                                        .then((bytes) => save(`${room}.onnx`, new Blob([bytes as BlobPart])), mistake)
                                }
                            >
                                {t('Save as ONNX')}
                            </button>
                        </div>
                    </div>
                ))}
            </section>
            <Exercises
                list={exercises}
                state={opened && { opened, own, answers, looked, value, row }}
                link={linkTo('model', { open: 'iris' })}
            />
            <Share
                link={linkTo('model', {
                    ...(example ? { open: example } : {}),
                    ...(inner ? { look: inner.name } : {}),
                })}
                unshared={
                    opened && !example
                        ? 'A file of your own is on your computer alone: a link can’t lead to it.'
                        : undefined
                }
                command={`soma show ${opened?.name ?? 'model.onnx'}\nsoma predict ${opened?.name ?? 'model.onnx'} ${opened?.inputs[0]?.picture ? 'picture.png' : 'rows.csv'}`}
                note="The link opens the same model, and what other rooms have trained as long as this page is open."
            />
        </main>
    );
}
