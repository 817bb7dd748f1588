// Filters over a whole picture, up to the cells that Hubel and Wiesel found: simple ones and complex ones.
import { useEffect, useRef, useState } from 'preact/hooks';
import { engine } from '../engine/client';
import type { Filtered, Tuning } from '../engine/convolution';
import { decimal, t } from '../language';
import { classColours } from '../parts/colours';
import { Choice, Group, Slider } from '../parts/controls';
import { useDrop } from '../parts/drop';
import { Figure } from '../parts/figure';
import { Lines } from '../parts/lines';
import { Response, SignScale } from '../parts/response';
import { drawScene, readScene, sceneNames, type Scene, type SceneName } from '../parts/scenes';
import { Tables } from '../parts/tables';
import { linkTo } from '../router';
import {
    filterConfig,
    filters,
    pictureFromLink,
    pictureToLink,
    usual,
    type Filter,
    type PictureSettings,
} from './convolution_filters';

const SCENES: readonly (readonly [string, string])[] = [
    ['house', 'a house with a fence'],
    ['rays', 'rays at every angle'],
    ['rings', 'rings that get narrower'],
];
const number = (v: number) => decimal(v, 3);

export interface PictureState {
    settings: PictureSettings;
    filter: Filter;
    /** The number under the frame, and the largest magnitude. */
    value: number;
    largest: number;
}

function Kernel({
    s,
    filter,
    f,
    onOwn,
}: {
    s: PictureSettings;
    filter: Filter;
    f: Filtered;
    onOwn: (own: number[]) => void;
}) {
    if (filter.name === 'own' || f.kernel.size <= 3) {
        const own = filter.name === 'own';
        const value = (i: number) => (own ? s.own[i]! : f.kernel.values[i]!);
        return (
            <Tables
                label={t('The kernel')}
                tables={[
                    {
                        name: 'filter',
                        title: t('Kernel K'),
                        rows: 3,
                        columns: 3,
                        cell: (row, column) => {
                            const i = 3 * row + column;
                            return {
                                text: `${Number(value(i).toPrecision(2))}`,
                                ...(own
                                    ? {
                                          edit: {
                                              label: `${t('Own kernel')}: ${t('row')} ${row + 1}, ${t('column')} ${column + 1}`,
                                              value: value(i),
                                              onChange: (v: number) =>
                                                  onOwn(s.own.map((old, k) => (k === i ? v : old))),
                                          },
                                      }
                                    : {}),
                            };
                        },
                    },
                ]}
            />
        );
    }
    const largest = f.kernel.values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    return (
        <>
            <Response
                label={t('The kernel')}
                width={f.kernel.size}
                height={f.kernel.size}
                values={f.kernel.values}
                largest={largest}
                scale={5}
            />
            <p class="note">
                {t('Kernel K')}, {f.kernel.size} × {f.kernel.size}
            </p>
        </>
    );
}

function Curves({ tuning }: { tuning: Tuning }) {
    const lines = (part: { simple: number[]; complex: number[] }) => [
        { name: t('simple cell'), colour: classColours[0]!, mark: '●', dash: [], values: part.simple },
        { name: t('complex cell'), colour: classColours[1]!, mark: '▲', dash: [7, 4], values: part.complex },
    ];
    const top = Math.max(...tuning.moved.complex, ...tuning.moved.simple) * 1.1;
    const degrees = (...all: number[]) => all.map((d) => `${d}°`);
    return (
        <div class="pair wide">
            <Figure name="moved-grating">
                <figcaption>{t('A grating moves over one cell')}</figcaption>
                <Lines
                    label={t('Answers of a simple and of a complex cell to a grating that moves')}
                    lines={lines(tuning.moved)}
                    ticks={degrees(0, 90, 180, 270, 360)}
                    axis={t('moved by, in parts of a wave')}
                    top={top}
                    text={(v) => decimal(v, 2)}
                />
            </Figure>
            <Figure name="turned-grating">
                <figcaption>{t('A grating turns before one cell')}</figcaption>
                <Lines
                    label={t('Answers of a simple and of a complex cell to a grating that turns')}
                    lines={lines(tuning.turned)}
                    ticks={degrees(0, 45, 90, 135, 180)}
                    axis={t('orientation of the grating')}
                    top={top}
                    text={(v) => decimal(v, 2)}
                />
            </Figure>
        </div>
    );
}

interface Props {
    settings: URLSearchParams;
    onState: (state: PictureState) => void;
}

export function Picture({ settings, onState }: Props) {
    const [s, setSettings] = useState(() => pictureFromLink(settings, sceneNames));
    const [scene, setScene] = useState<Scene>();
    const [f, setFiltered] = useState<Filtered & { filter: Filter }>();
    const [tuning, setTuning] = useState<Tuning>();
    const [mistake, setMistake] = useState('');
    const newest = useRef(s);
    const work = useRef({ busy: false, again: false });

    const failed = (e: unknown) => setMistake(e instanceof Error ? e.message : String(e));
    /** One computation at a time; what was asked for meanwhile is computed once, as it then stands. */
    const compute = async () => {
        if (work.current.busy) return void (work.current.again = true);
        work.current = { busy: true, again: false };
        try {
            const now = newest.current,
                filter = filters.find((k) => k.name === now.filter)!;
            const config = filterConfig(now, filter);
            const result = await engine.convolution.filter(config);
            setFiltered({ ...result, filter });
            setTuning('values' in config.kernels ? undefined : await engine.convolution.tuning(config.kernels));
        } catch (e) {
            failed(e);
        }
        const { again } = work.current;
        work.current = { busy: false, again: false };
        if (again) await compute();
    };
    const change = (part: Partial<PictureSettings>) => {
        newest.current = { ...newest.current, ...part };
        setSettings(newest.current);
        if (Object.keys(part).some((name) => name !== 'row' && name !== 'column' && name !== 'scene')) void compute();
    };
    const show = async (next: Scene) => {
        setScene(next);
        setMistake('');
        await engine.convolution.picture(next.width, next.height, next.values.slice());
        await compute();
    };
    useEffect(() => void show(drawScene(s.scene as SceneName)).catch(failed), []);
    const chooseScene = (name: string) => {
        change({ scene: name });
        if (name !== 'own') void show(drawScene(name as SceneName)).catch(failed);
    };
    const open = async (file: File | undefined) => {
        if (!file) return;
        try {
            await show(await readScene(file));
            change({ scene: 'own' });
        } catch {
            setMistake(t('This file is no picture that the browser can read.'));
        }
    };

    const row = Math.min(s.row, (scene?.height ?? 1) - 1),
        column = Math.min(s.column, (scene?.width ?? 1) - 1);
    const y = row - (f?.margin ?? 0),
        x = column - (f?.margin ?? 0);
    const inside = f && y >= 0 && y < f.height && x >= 0 && x < f.width;
    const value = inside ? f.values[y * f.width + x]! : undefined;
    useEffect(() => {
        if (f) onState({ settings: s, filter: f.filter, value: value ?? 0, largest: f.largest });
    }, [s, f, value]);

    const filter = filters.find((k) => k.name === s.filter)!;
    const point = (r: number, c: number) => change({ row: r, column: c });
    const link = { part: 'picture', ...pictureToLink({ ...s, scene: s.scene === 'own' ? usual.scene : s.scene }) };
    const dropping = useDrop((file) => void open(file));
    return (
        <section
            class={dropping.over ? 'on-picture over' : 'on-picture'}
            aria-labelledby="picture-title"
            {...dropping.target}
        >
            <h2 id="picture-title">{t('On a picture')}</h2>
            <p>
                {t(
                    'In the 1960s Hubel and Wiesel found cells of the visual cortex that answer to edges of one orientation: simple cells at one place, complex cells over a field. A convolutional network finds such filters by itself.',
                )}
            </p>
            <div class="beside">
                <div>
                    <Group title="Picture and filter">
                        <Choice
                            label="Picture"
                            value={s.scene}
                            options={s.scene === 'own' ? [...SCENES, ['own', 'a picture of one’s own']] : SCENES}
                            onChange={chooseScene}
                        />
                        <div class="field">
                            <label for="own-picture">{t('Open a picture')}</label>
                            <input
                                id="own-picture"
                                type="file"
                                accept="image/*"
                                onChange={(e) => void open(e.currentTarget.files?.[0])}
                            />
                        </div>
                        <Choice
                            label="Filter"
                            value={s.filter}
                            options={filters.map((k) => [k.name, k.title] as const)}
                            onChange={(name) => change({ filter: name })}
                        />
                        <p class="note">{t(filter.about)}</p>
                        {!filter.kernels && (
                            <>
                                <Slider
                                    label="Orientation"
                                    value={s.orientation}
                                    min={0}
                                    max={180}
                                    step={5}
                                    text={`${s.orientation}°`}
                                    onChange={(orientation) => change({ orientation })}
                                />
                                <Slider
                                    label="Wavelength"
                                    value={s.wavelength}
                                    min={3}
                                    max={16}
                                    step={0.5}
                                    text={`${decimal(s.wavelength, 1)} ${t('pixels')}`}
                                    onChange={(wavelength) => change({ wavelength })}
                                />
                                <Slider
                                    label="Phase"
                                    value={s.phase}
                                    min={0}
                                    max={360}
                                    step={15}
                                    text={`${s.phase}°`}
                                    onChange={(phase) => change({ phase })}
                                />
                            </>
                        )}
                        {filter.cell === 'pooled' && (
                            <Slider
                                label="Places pooled each way"
                                value={s.pool}
                                min={1}
                                max={9}
                                step={2}
                                onChange={(pool) => change({ pool })}
                            />
                        )}
                    </Group>
                    <Figure name="kernel">
                        {f && f.filter.name === s.filter && (
                            <Kernel s={s} filter={f.filter} f={f} onOwn={(own) => change({ own })} />
                        )}
                    </Figure>
                </div>
                <div>
                    {mistake && <p role="alert">{mistake}</p>}
                    <div class="pair wide">
                        <Figure name="picture">
                            <figcaption>{t('The picture')}</figcaption>
                            {scene && (
                                <Response
                                    label={t('The picture, with a frame around what the kernel sees')}
                                    {...scene}
                                    largest={0}
                                    at={{ row, column, reach: f ? f.margin : 0 }}
                                    onPoint={point}
                                />
                            )}
                        </Figure>
                        <Figure name="filtered">
                            <figcaption>{t('What the filter makes of it')}</figcaption>
                            {f && (
                                <Response
                                    label={t('What the filter makes of the picture')}
                                    width={f.width}
                                    height={f.height}
                                    values={f.values}
                                    largest={f.filter.grey ? 0 : f.largest || 1}
                                    margin={f.margin}
                                    at={{ row, column, reach: 1 }}
                                    onPoint={point}
                                />
                            )}
                        </Figure>
                    </div>
                    {f && !f.filter.grey && <SignScale largest={f.largest} text={number} />}
                    {f && !f.filter.grey && (
                        <p class="note">
                            {t('Striped is negative, plain positive; the strength of the colour is the magnitude.')}
                        </p>
                    )}
                    <p class="sum" aria-live="off" data-row={row} data-column={column} data-value={value}>
                        {t('row')} {row}, {t('column')} {column}: {t('grey')}{' '}
                        {number(scene ? scene.values[row * scene.width + column]! : NaN)}, {t('answer')}{' '}
                        {value !== undefined ? number(value) : t('none: the kernel would hang over the edge')}
                    </p>
                    <div class="pair">
                        <Slider
                            label="Row of the frame"
                            value={row}
                            min={0}
                            max={(scene?.height ?? 1) - 1}
                            step={1}
                            onChange={(v) => change({ row: v })}
                        />
                        <Slider
                            label="Column of the frame"
                            value={column}
                            min={0}
                            max={(scene?.width ?? 1) - 1}
                            step={1}
                            onChange={(v) => change({ column: v })}
                        />
                    </div>
                    <a class="note" href={linkTo('convolution', link)}>
                        {t('Link to this filter')}
                    </a>
                </div>
            </div>
            {tuning && <Curves tuning={tuning} />}
            {tuning && (
                <p class="note">
                    {t(
                        'The simple cell is silent for half of the places, the complex one hardly notices the place; both keep to their orientation.',
                    )}
                </p>
            )}
        </section>
    );
}
