// A formula as a computational graph: values above the edges, gradients below, forward and backward node by node.
import type { FormulaNode } from 'soma-wasm';
import { useEffect, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import type { Computed } from '../engine/graph';
import { t } from '../language';
import { Choice, Formula, NumberBox, Part, Slider } from '../parts/controls';
import { Exercises, type Exercise } from '../parts/exercises';
import { Figure } from '../parts/figure';
import { layOut, type Placed } from '../parts/graph_layout';
import { among, namedIn, numberIn } from '../parts/settings';
import { Share } from '../parts/share';
import { Status } from '../parts/status';
import { linkTo } from '../router';
import type { RoomProps } from './rooms';

interface Preset {
    title: string;
    formula: string;
    inputs: Record<string, number>;
}

const presets: readonly Preset[] = [
    {
        title: 'The lecture’s neuron',
        formula: '1 / (1 + exp(-(w0*x0 + w1*x1 + w2)))',
        inputs: { w0: 2, x0: -1, w1: -3, x1: -2, w2: -3 },
    },
    { title: 'Sum and product', formula: '(x + y) * z', inputs: { x: -2, y: 5, z: -4 } },
    { title: 'Larger of two', formula: '2 * (x*y + max(z, w))', inputs: { x: 3, y: -4, z: 2, w: -1 } },
    { title: 'A value read twice', formula: 'tanh(a*b) * a', inputs: { a: 1, b: 0.5 } },
    { title: 'Cross-entropy of a sigmoid', formula: '-log(sigmoid(w*x + b))', inputs: { w: 1, x: -2, b: 0.5 } },
];

interface GraphState {
    formula: string;
    inputs: Record<string, number>;
    nodes: readonly FormulaNode[];
    computed: Computed;
}

const compact = (text: string) => text.replaceAll(' ', '');
const derivative = (s: GraphState, name: string) => s.computed.gradients[s.nodes.findIndex((n) => n.name === name)];

const exercises: readonly Exercise<GraphState>[] = [
    {
        text: 'In the lecture’s neuron, move w0 alone until the result is above 0.95.',
        done: ({ formula, inputs, computed }) => {
            const { formula: own, inputs: given } = presets[0]!;
            const others = Object.entries(given).every(([name, v]) => name === 'w0' || inputs[name] === v);
            return compact(formula) === compact(own) && others && computed.values.at(-1)! > 0.95;
        },
    },
    {
        text: 'Write a formula of x alone whose value at x = 2 is 8 and whose gradient there is 12.',
        done: (s) => {
            const names = s.nodes.filter((n) => n.op === 'input').map((n) => n.name);
            const near = (a: number | undefined, b: number) => Math.abs((a ?? NaN) - b) < 1e-6;
            const one = names.join() === 'x' && s.inputs['x'] === 2;
            return one && near(s.computed.values.at(-1), 8) && near(derivative(s, 'x'), 12);
        },
    },
    {
        text: 'Let the gradient vanish: a chain of sigmoids at whose beginning, at x, it is below 0.01 but not 0.',
        done: (s) => {
            const size = Math.abs(derivative(s, 'x') ?? NaN);
            return s.nodes.filter((n) => n.op === 'sigmoid').length >= 2 && size > 0 && size < 0.01;
        },
    },
];

interface PictureProps {
    placed: Placed[];
    width: number;
    height: number;
    computed: Computed;
    digits: number;
    /** How many nodes have their value, and how many from the end their gradient. */
    forward: number;
    backward: number;
}

const DIGITS = ['2', '4', '6'] as const;

/** The size of a node, and the straight piece of an edge on which its numbers stand. */
const WIDE = 76,
    HIGH = 36,
    TEXT = 56;

function Picture({ placed, width, height, computed, digits, forward, backward }: PictureProps) {
    const at = new Map(placed.map((p) => [p.node, p]));
    const read = new Set(placed.flatMap((p) => p.reads));
    return (
        <svg
            class="graph"
            viewBox={`0 0 ${width} ${height}`}
            style={{ maxWidth: `${width * 1.2}px`, minWidth: `${width * 0.8}px` }}
            role="img"
            aria-label={t('The graph: values above the edges, gradients below')}
        >
            {placed.flatMap((p) =>
                p.reads.map((r) => {
                    const from = at.get(r)!,
                        x0 = from.x + WIDE / 2,
                        x1 = p.x - WIDE / 2,
                        bend = x0 + TEXT,
                        middle = (bend + x1) / 2;
                    return (
                        <path
                            class="edge"
                            d={`M${x0} ${from.y}H${bend}C${middle} ${from.y} ${middle} ${p.y} ${x1} ${p.y}`}
                        />
                    );
                }),
            )}
            {placed.map((p, order) => {
                const value = computed.values[p.node]!,
                    gradient = computed.gradients[p.node]!;
                const x = p.x + WIDE / 2 + 5,
                    done = order < forward,
                    back = placed.length - order <= backward;
                return (
                    <g data-node={p.label} data-value={value} data-gradient={gradient}>
                        <rect
                            x={p.x - WIDE / 2}
                            y={p.y - HIGH / 2}
                            width={WIDE}
                            height={HIGH}
                            rx={p.reads.length ? HIGH / 2 : 6}
                            class={p.reads.length ? 'op' : 'leaf'}
                        />
                        <text x={p.x} y={p.y + 5} text-anchor="middle">
                            {p.label}
                        </text>
                        {!read.has(p.node) && <path class="edge" d={`M${p.x + WIDE / 2} ${p.y}h${TEXT}`} />}
                        {done && (
                            <text class="value" x={x} y={p.y - 6}>
                                {value.toFixed(digits)}
                            </text>
                        )}
                        {back && (
                            <text class="gradient" x={x} y={p.y + 16}>
                                {gradient.toFixed(digits)}
                            </text>
                        )}
                    </g>
                );
            })}
        </svg>
    );
}

export function Graph({ settings }: RoomProps) {
    const [text, setText] = useState(settings.get('f') ?? presets[0]!.formula);
    const [inputs, setInputs] = useState<Record<string, number>>({
        ...presets[0]!.inputs,
        ...namedIn(settings, 'in'),
    });
    const [nodes, setNodes] = useState<readonly FormulaNode[]>([]);
    const [computed, setComputed] = useState<Computed>();
    const [mistake, setMistake] = useState('');
    const [stage, setStage] = useState(() => numberIn(settings, 'at', 0, 1e6, Infinity, true));
    const [digits, setDigits] = useState(() => among(settings, 'digits', DIGITS, '2'));

    const compute = async (formula: string | undefined, values: Record<string, number>) => {
        try {
            const read = formula === undefined ? nodes : await engine.graph.read(formula);
            const given = Object.fromEntries(
                read.filter((n) => n.op === 'input').map((n) => [n.name, values[n.name] ?? 1]),
            );
            const result = await engine.graph.run(given);
            setNodes(read);
            setComputed(result);
            setMistake('');
        } catch (error) {
            setMistake(error instanceof Error ? error.message : String(error));
        }
    };
    useEffect(() => void compute(text, inputs), []);

    const write = (formula: string, values = inputs) => {
        setText(formula);
        setInputs(values);
        setStage(Infinity);
        void compute(formula, values);
    };
    const move = (name: string, value: number) => {
        const values = { ...inputs, [name]: value };
        setInputs(values);
        void compute(undefined, values);
    };

    const layout = computed && computed.values.length === nodes.length ? layOut(nodes, computed.values) : undefined;
    const count = layout?.placed.length ?? 0,
        at = Math.min(stage, 2 * count);
    const forward = Math.min(at, count),
        backward = Math.max(0, at - count);
    const names = nodes.filter((n) => n.op === 'input').map((n) => n.name);
    const result = computed?.values.at(-1);
    const saying = mistake || (result === undefined ? t('ready') : `${t('value')} ${result.toFixed(Number(digits))}`);
    return (
        <main class="room">
            <h1>{t('Graph')}</h1>
            <p>
                {t(
                    'Each node computes one thing and knows its own derivative. Forward the values are computed, backward the chain rule: what comes from the right times the node’s own derivative.',
                )}
            </p>
            <div class="row">
                <div class="field grow">
                    <label for="formula">{t('Formula')}</label>
                    <input
                        id="formula"
                        type="text"
                        value={text}
                        spellcheck={false}
                        autocomplete="off"
                        aria-invalid={mistake ? 'true' : undefined}
                        aria-describedby="formula-says"
                        onInput={(e) => write(e.currentTarget.value)}
                    />
                    <Formula label="Formula" />
                </div>
                <Choice
                    label="Digits"
                    value={digits}
                    options={DIGITS.map((d) => [d, d] as const)}
                    onChange={setDigits}
                />
            </div>
            <Part title="Examples">
                <div class="row" role="group" aria-label={t('Examples')}>
                    {presets.map((p) => (
                        <button type="button" onClick={() => write(p.formula, p.inputs)}>
                            {t(p.title)}
                        </button>
                    ))}
                </div>
            </Part>{' '}
            <div id="formula-says">
                <Status text={saying} />
            </div>
            {/* What lies below waits for the picture, whose height nobody knows before: nothing jumps. */}
            {(layout || mistake) && (
                <>
                    <Part title="Steps">
                        <div class="row" role="group" aria-label={t('Steps')}>
                            <button type="button" onClick={() => setStage(0)}>
                                {t('Start')}
                            </button>
                            <button type="button" onClick={() => setStage(Math.max(0, at - 1))} disabled={at === 0}>
                                {t('Back')}
                            </button>
                            <button
                                type="button"
                                class="main"
                                onClick={() => setStage(at + 1)}
                                disabled={at >= 2 * count}
                            >
                                {t(at < count ? 'Next value' : 'Next gradient')}
                            </button>
                            <button type="button" onClick={() => setStage(Infinity)}>
                                {t('Show all')}
                            </button>
                        </div>
                    </Part>{' '}
                    <Figure name="graph">
                        <div class="scroll graph-box" tabIndex={0} role="region" aria-label={t('Graph')}>
                            {layout && computed && (
                                <Picture
                                    {...layout}
                                    computed={computed}
                                    digits={Number(digits)}
                                    forward={forward}
                                    backward={backward}
                                />
                            )}
                        </div>
                    </Figure>
                    <p class="note">
                        <span class="value">{t('Values')}</span> {t('stand above the edge,')}{' '}
                        <span class="gradient">{t('gradients')}</span>{' '}
                        {t('below it: by how much the result changes when the value grows a little.')}
                    </p>
                    <Part title="Inputs">
                        <div class="inputs">
                            {names.map((name) => (
                                <fieldset>
                                    <legend>{name}</legend>
                                    <Slider
                                        label={`${t('Move')} ${name}`}
                                        value={inputs[name] ?? 1}
                                        min={-5}
                                        max={5}
                                        step={0.05}
                                        onChange={(v) => move(name, v)}
                                    />
                                    <NumberBox
                                        label={`${t('Value of')} ${name}`}
                                        value={inputs[name] ?? 1}
                                        onChange={(v) => move(name, v)}
                                    />
                                </fieldset>
                            ))}
                        </div>
                    </Part>
                    <Exercises
                        list={exercises}
                        state={
                            result === undefined || mistake
                                ? undefined
                                : { formula: text, inputs, nodes, computed: computed! }
                        }
                        link={linkTo('graph', { f: presets[0]!.formula, at: '0' })}
                    />
                    <Share
                        link={linkTo(
                            'graph',
                            {
                                f: text,
                                in: names.map((n) => `${n}:${inputs[n] ?? 1}`).join('_'),
                                digits,
                                at: at < 2 * count ? `${at}` : '',
                            },
                            { digits: '2', at: '' },
                        )}
                        note="The command line trains and runs networks; it has no formulas."
                    />
                </>
            )}{' '}
        </main>
    );
}
