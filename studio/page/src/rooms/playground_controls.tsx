import { featureNames, initNames, scheduleNames, type ScheduleName } from 'soma-wasm';
import { taskNames, type TaskName } from '../engine/playground_data';
import { useId } from 'preact/hooks';
import { t } from '../language';
import { Check, Choice, Group, NumberBox, Slider } from '../parts/controls';
import { OptimizerChoice } from '../parts/training_controls';
import { linkTo } from '../router';
import {
    activations,
    LAYERS_MAX,
    sets,
    toLink,
    UNITS_MAX,
    usual,
    usualLink,
    type PlaygroundSettings,
} from './playground_settings';

export type Change = (part: Partial<PlaygroundSettings>) => void;
interface Props {
    s: PlaygroundSettings;
    change: Change;
}

const tasks: Record<TaskName, string> = {
    classify: 'Classes of points',
    regress: 'A curve through points',
    paint: 'A picture',
};
/** Sets whose names alone don't say what they are. */
const setTitles: Record<string, string> = {
    random: 'random',
    none: 'no points: click',
    sine: 'a sine',
    steps: 'steps up',
    sunset: 'a sunset',
    opened: 'a picture of one’s own',
};

const overfitting: PlaygroundSettings = {
    ...usual.classify,
    set: 'moons',
    count: 60,
    noise: 0.3,
    test: 0.5,
    hidden: [12, 12],
    showTest: true,
};
/** Places to begin: links, so that each can be shared. */
const presets: readonly (readonly [string, PlaygroundSettings])[] = [
    ['Spiral', usual.classify],
    [
        'A feature instead of a layer',
        { ...usual.classify, set: 'xor', hidden: [], features: ['x1', 'x2', 'x1 x2'], rate: 0.1 },
    ],
    ['A line beside a hidden layer', { ...usual.classify, set: 'moons', noise: 0.1, hidden: [8], beside: true }],
    ['Overfitting', overfitting],
    ['Learnt by heart', { ...usual.classify, set: 'random', count: 100, hidden: [12, 12], showTest: true }],
    ['A curve through points', usual.regress],
    ['A picture', usual.paint],
];

/** The link to the state in which settings begin. */
export const linkOf = (s: PlaygroundSettings, more: Record<string, string> = {}) =>
    linkTo('playground', { ...toLink(s), ...more }, usualLink(s.task));

const schedules: Record<ScheduleName, string> = {
    constant: 'constant rate',
    step: 'in steps to a tenth',
    cosine: 'along a cosine to 0',
    onecycle: 'one cycle: up and down',
};

const same = <T extends string>(list: readonly T[]) => list.map((v) => [v, v] as const);
const rates = ['0.0001', '0.0003', '0.001', '0.003', '0.01', '0.03', '0.1', '0.3', '1', '3'];
const penalties = ['0', '0.00001', '0.0001', '0.001', '0.003', '0.01', '0.03', '0.1'];

/** A choice among numbers, to which a link's own is added. */
function Numbers({
    label,
    value,
    list,
    onChange,
}: {
    label: string;
    value: number;
    list: string[];
    onChange: (v: number) => void;
}) {
    const own = `${value}`,
        all = list.some((v) => Number(v) === value) ? list : [own, ...list];
    const chosen = all.find((v) => Number(v) === value) ?? own;
    return <Choice label={label} value={chosen} options={same(all)} onChange={(v) => onChange(Number(v))} />;
}

interface DataProps extends Props {
    /** A picture of one's own to be painted. */
    onPicture: (file: File) => void;
}

export function DataControls({ s, change, onPicture }: DataProps) {
    const points = s.task !== 'paint',
        made = points && s.set !== 'none';
    return (
        <>
            <Group title="Data">
                <Choice
                    label="To be learnt"
                    value={s.task}
                    options={taskNames.map((name) => [name, tasks[name]] as const)}
                    onChange={(task) => change(usual[task])}
                />
                <Choice
                    label="Set"
                    value={s.set}
                    options={sets[s.task].map((name) => [name, setTitles[name] ?? name] as const)}
                    onChange={(set) => change({ set })}
                />
                {s.task === 'paint' && s.set === 'opened' && <PictureBox onPicture={onPicture} />}
                {made && (
                    <Slider
                        label="Noise"
                        value={s.noise}
                        min={0}
                        max={0.5}
                        step={0.01}
                        onChange={(noise) => change({ noise })}
                    />
                )}
                {made && (
                    <Slider
                        label="Points"
                        value={s.count}
                        min={s.task === 'regress' ? 10 : 50}
                        max={s.task === 'regress' ? 200 : 1000}
                        step={s.task === 'regress' ? 10 : 50}
                        onChange={(count) => change({ count })}
                    />
                )}
                {made && (
                    <Slider
                        label="Share of test data"
                        value={s.test}
                        min={0.1}
                        max={0.9}
                        step={0.1}
                        text={`${Math.round(100 * s.test)} %`}
                        onChange={(test) => change({ test })}
                    />
                )}
                {made && (
                    <NumberBox
                        label="Seed of the data"
                        value={s.dataSeed}
                        min={0}
                        step={1}
                        onChange={(v) => change({ dataSeed: Math.floor(v) })}
                    />
                )}
                {s.added.length > 0 && (
                    <button type="button" onClick={() => change({ added: [] })}>
                        {t('Remove added points')} ({s.added.length / 3})
                    </button>
                )}
            </Group>
            {points && (
                <Group title="Show">
                    <Check label="Show test data" value={s.showTest} onChange={(showTest) => change({ showTest })} />
                    {s.task === 'classify' && (
                        <>
                            <Check
                                label="Discretise"
                                value={s.discretise}
                                onChange={(discretise) => change({ discretise })}
                            />
                            <Check
                                label="A linear classifier beside it"
                                value={s.beside}
                                onChange={(beside) => change({ beside })}
                            />
                        </>
                    )}
                </Group>
            )}
            <Group title="Presets">
                <ul class="presets">
                    {presets.map(([title, settings]) => (
                        <li>
                            <a href={linkOf(settings)}>{t(title)}</a>
                        </li>
                    ))}
                </ul>
            </Group>
        </>
    );
}

function PictureBox({ onPicture }: { onPicture: (file: File) => void }) {
    const id = useId();
    return (
        <div class="field">
            <label for={id}>{t('Open a picture')}</label>
            <input
                id={id}
                type="file"
                accept="image/*"
                onChange={(e) => {
                    const file = e.currentTarget.files?.[0];
                    if (file) onPicture(file);
                }}
            />
        </div>
    );
}

export function NetworkControls({ s, change }: Props) {
    const setUnits = (layer: number, units: number) =>
        change({ hidden: s.hidden.map((n, i) => (i === layer ? Math.max(1, Math.min(UNITS_MAX, units)) : n)) });
    return (
        <Group title="Network">
            <div class="row" role="group" aria-label={t('Inputs')}>
                {s.task === 'regress' && <span>x</span>}
                {(s.task === 'regress' ? [] : featureNames).map((f) => (
                    <Check
                        label={f}
                        value={s.features.includes(f)}
                        onChange={(on) => {
                            const features = featureNames.filter((g) => (g === f ? on : s.features.includes(g)));
                            if (features.length) change({ features });
                        }}
                    />
                ))}
            </div>
            <div class="row">
                {s.hidden.map((units, i) => (
                    <div class="layer" role="group" aria-label={`${t('Layer')} ${i + 1}`}>
                        <button type="button" aria-label={t('One unit less')} onClick={() => setUnits(i, units - 1)}>
                            −
                        </button>
                        <span>{units}</span>
                        <button type="button" aria-label={t('One unit more')} onClick={() => setUnits(i, units + 1)}>
                            +
                        </button>
                    </div>
                ))}
                <button
                    type="button"
                    disabled={s.hidden.length >= LAYERS_MAX}
                    onClick={() => change({ hidden: [...s.hidden, s.hidden.at(-1) ?? 4] })}
                >
                    {t('Add a layer')}
                </button>
                <button
                    type="button"
                    disabled={!s.hidden.length}
                    onClick={() => change({ hidden: s.hidden.slice(0, -1) })}
                >
                    {t('Remove a layer')}
                </button>
            </div>
            <div class="row">
                <Choice
                    label="Activation"
                    value={s.activation}
                    options={same(activations)}
                    onChange={(activation) => change({ activation })}
                />
                <Choice
                    label="Initial weights"
                    value={s.init}
                    options={same(['auto', ...initNames] as const)}
                    onChange={(init) => change({ init })}
                />
                <Slider
                    label="Dropout"
                    value={s.dropout}
                    min={0}
                    max={0.8}
                    step={0.1}
                    onChange={(dropout) => change({ dropout })}
                />
                <NumberBox
                    label="Seed"
                    value={s.seed}
                    min={0}
                    step={1}
                    onChange={(v) => change({ seed: Math.floor(v) })}
                />
            </div>
        </Group>
    );
}

export function TrainingControls({ s, change }: Props) {
    return (
        <Group title="Training">
            <div class="row">
                <OptimizerChoice value={s.optimizer} onChange={(optimizer) => change({ optimizer })} />
                <Numbers label="Learning rate" value={s.rate} list={rates} onChange={(rate) => change({ rate })} />
                <Choice
                    label="Schedule"
                    value={s.schedule}
                    options={scheduleNames.map((name) => [name, schedules[name]] as const)}
                    onChange={(schedule) => change({ schedule })}
                />
                {s.schedule !== 'constant' && (
                    <NumberBox
                        label="Epochs of the schedule"
                        value={s.span}
                        min={1}
                        step={1}
                        onChange={(v) => change({ span: Math.max(1, Math.floor(v)) })}
                    />
                )}
                <Slider
                    label="Batch size"
                    value={s.batch}
                    min={1}
                    max={100}
                    step={1}
                    onChange={(batch) => change({ batch })}
                />
                <Numbers label="L1" value={s.l1} list={penalties} onChange={(l1) => change({ l1 })} />
                <Numbers label="L2" value={s.l2} list={penalties} onChange={(l2) => change({ l2 })} />
                <Choice
                    label="Pace"
                    value={`${s.pace}`}
                    onChange={(v) => change({ pace: Number(v) })}
                    options={[
                        ['5', '5 epochs/s'],
                        ['60', '60 epochs/s'],
                        ['0', 'as fast as it goes'],
                    ]}
                />
            </div>
        </Group>
    );
}
