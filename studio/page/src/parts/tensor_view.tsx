// Numbers of any shape to look at: their statistics and histogram, the channels as maps, and the numbers of one map.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Statistics } from 'soma-wasm';
import { language, percent, t } from '../language';
import { css, paper, signed } from './colours';
import { NumberBox } from './controls';
import { Figure } from './figure';

export interface Maps {
    count: number;
    height: number;
    width: number;
}

/** The last two dimensions are a map if there are three or more; other numbers are rows. A batch of one is left out. */
export function mapsOf(shape: readonly number[]): Maps {
    const own = shape.length > 1 && shape[0] === 1 ? shape.slice(1) : [...shape];
    const width = own.at(-1) ?? 1,
        height = own.length > 1 ? own.at(-2)! : 1;
    return { count: own.slice(0, -2).reduce((a, b) => a * b, 1), height, width };
}

/** A number as short as it can be read. */
export function numberText(value: number): string {
    if (!Number.isFinite(value)) return '–';
    const size = Math.abs(value);
    const text =
        size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
    return language === 'ru' ? text.replace('.', ',') : text;
}

const SHEET = 64,
    NUMBERS = 28;

function Sheet({
    data,
    maps,
    largest,
    chosen,
    onChoose,
}: {
    data: Float32Array;
    maps: Maps;
    largest: number;
    chosen: number;
    onChoose: (map: number) => void;
}) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const shown = Math.min(SHEET, maps.count),
        columns = Math.min(shown, Math.max(1, Math.min(8, Math.floor(512 / maps.width) || 1)));
    const rows = Math.ceil(shown / columns),
        cell = { width: maps.width + 1, height: maps.height + 1 };
    const width = columns * cell.width - 1,
        height = rows * cell.height - 1;
    useEffect(() => {
        const context = canvas.current!.getContext('2d')!;
        const image = context.createImageData(width, height),
            ground = paper(),
            size = maps.width * maps.height;
        for (let m = 0; m < shown; m++)
            for (let i = 0; i < size; i++) {
                const x = (m % columns) * cell.width + (i % maps.width),
                    y = Math.floor(m / columns) * cell.height + Math.floor(i / maps.width);
                const [r, g, b] = signed(data[m * size + i]! / (largest || 1), ground);
                image.data.set([r, g, b, 255], 4 * (y * width + x));
            }
        context.putImageData(image, 0, 0);
        if (shown > 1) {
            context.strokeStyle = css(ground[0] > 128 ? [0, 0, 0] : [255, 255, 255]);
            context.strokeRect(
                (chosen % columns) * cell.width + 0.5,
                Math.floor(chosen / columns) * cell.height + 0.5,
                maps.width - 1,
                maps.height - 1,
            );
        }
    });
    const click = (e: MouseEvent) => {
        const box = canvas.current!.getBoundingClientRect();
        const column = Math.floor((((e.clientX - box.left) / box.width) * width) / cell.width),
            row = Math.floor((((e.clientY - box.top) / box.height) * height) / cell.height);
        if (row * columns + column < shown) onChoose(row * columns + column);
    };
    return (
        <Figure name="maps">
            <canvas
                ref={canvas}
                class="tensor-maps"
                width={width}
                height={height}
                style={{ width: `${Math.min(512, Math.max(width * 4, 160))}px` }}
                role="img"
                aria-label={`${t('Maps')}: ${maps.count} × ${maps.height} × ${maps.width}`}
                onClick={click}
            />
        </Figure>
    );
}

function Histogram({ s }: { s: Statistics }) {
    const most = Math.max(1, ...s.histogram);
    return (
        <Figure name="histogram">
            <svg
                class="number-histogram"
                viewBox="0 0 320 96"
                role="img"
                aria-label={t('How many numbers are how large')}
            >
                {s.histogram.map((n, i) => (
                    <rect x={10 * i + 1} y={80 - (76 * n) / most} width={8} height={(76 * n) / most}>
                        <title>{n}</title>
                    </rect>
                ))}
                <text x={0} y={94}>
                    {numberText(s.low)}
                </text>
                <text x={320} y={94} text-anchor="end">
                    {numberText(s.high)}
                </text>
            </svg>
        </Figure>
    );
}

/** `names`: of the elements, where the numbers are one row of so many. */
export function TensorView({
    shape,
    data,
    statistics: s,
    names,
}: {
    shape: readonly number[];
    data: Float32Array;
    statistics: Statistics;
    names?: readonly string[] | undefined;
}) {
    const maps = mapsOf(shape);
    const [map, setMap] = useState(0);
    const chosen = Math.min(map, maps.count - 1),
        size = maps.width * maps.height;
    const largest = Math.max(Math.abs(s.min), Math.abs(s.max));
    const rows = Math.min(NUMBERS, maps.height),
        columns = Math.min(NUMBERS, maps.width);
    const heads = maps.height === 1 && names?.length === maps.width ? names : undefined;
    return (
        <>
            <dl class="numbers">
                <dt>{t('shape')}</dt>
                <dd>{shape.length ? shape.join(' × ') : '1'}</dd>
                <dt>{t('smallest … largest')}</dt>
                <dd>
                    {numberText(s.min)} … {numberText(s.max)}
                </dd>
                <dt>{t('mean ± deviation')}</dt>
                <dd>
                    {numberText(s.mean)} ± {numberText(s.deviation)}
                </dd>
                <dt>{t('zeros')}</dt>
                <dd>{percent(s.zeros)}</dd>
                {s.notFinite > 0 && <dt>{t('not finite')}</dt>}
                {s.notFinite > 0 && <dd>{s.notFinite}</dd>}
            </dl>
            <Histogram s={s} />
            {maps.height > 1 && <Sheet data={data} maps={maps} largest={largest} chosen={chosen} onChoose={setMap} />}
            {maps.count > 1 && (
                <div class="row">
                    <NumberBox
                        label={`${t('Map')} (1 … ${maps.count})`}
                        value={chosen + 1}
                        min={1}
                        max={maps.count}
                        step={1}
                        onChange={(v) => setMap(Math.max(1, Math.min(maps.count, Math.round(v))) - 1)}
                    />
                </div>
            )}
            <div class="scroll cell-table" tabIndex={0} role="region" aria-label={t('Numbers')}>
                <table aria-label={t('Numbers')}>
                    {heads && (
                        <thead>
                            <tr>
                                {heads.slice(0, columns).map((h) => (
                                    <th scope="col">{h}</th>
                                ))}
                            </tr>
                        </thead>
                    )}
                    <tbody>
                        {Array.from({ length: rows }, (_, r) => (
                            <tr>
                                {Array.from({ length: columns }, (_, c) => {
                                    const value = data[chosen * size + r * maps.width + c]!;
                                    return <td data-value={value}>{numberText(value)}</td>;
                                })}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {(rows < maps.height || columns < maps.width) && (
                <p class="note">
                    {t('Shown are the first')} {rows} × {columns}.
                </p>
            )}
        </>
    );
}
