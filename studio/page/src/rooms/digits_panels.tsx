// The parts of the room of digits that show one thing each: layers, softmax, a number of a map, confusion, mistakes.
import { useEffect, useState } from 'preact/hooks';
import type { Pixel } from 'soma-wasm';
import { engine } from '../engine/client';
import type { DigitsDescribed, DigitsLayer, Mistake, Seen } from '../engine/digits';
import { decimal, percent, t } from '../language';
import { css, mix, paper } from '../parts/colours';
import { Choice, NumberBox, Slider } from '../parts/controls';
import { Figure } from '../parts/figure';
import { Maps, type MapPlace } from '../parts/maps';
import { channelSum, PixelPicture } from '../parts/pixel';

/** A number of a map of layer `layer` of DigitsDescribed. */
export interface Chosen extends MapPlace {
    layer: number;
}

/** How a layer's numbers are laid out: units of dense layers in rows of 25. */
function layout(layer: DigitsLayer): { count: number; height: number; width: number } {
    const [first = 1, height, width] = layer.shape;
    if (height && width) return { count: first, height, width };
    const across = first % 25 === 0 ? 25 : Math.min(first, 10);
    return { count: 1, height: Math.ceil(first / across), width: across };
}

interface LayersProps {
    described: DigitsDescribed;
    seen: Seen;
    chosen: Chosen | undefined;
    onChoose: (chosen: Chosen) => void;
}

export function Layers({ described, seen, chosen, onChoose }: LayersProps) {
    return (
        <>
            {described.layers.map((layer, i) => {
                const { count, height, width } = layout(layer),
                    values = seen.layers[i];
                const maps = layer.shape.length === 3;
                return (
                    <div class="maplayer">
                        <h3>
                            {layer.text} <span class="note">{layer.shape.join(' × ')}</span>
                        </h3>
                        <Figure name={`layer-${i + 1}`}>
                            <Maps
                                label={`${t('Outputs of the layer')} ${layer.text}`}
                                data={values}
                                count={count}
                                height={height}
                                width={width}
                                columns={maps ? 10 : 1}
                                zoom={maps ? Math.ceil(48 / width) : 14}
                                kind="signed"
                                chosen={chosen?.layer === i ? chosen : undefined}
                                {...(layer.pixels >= 0
                                    ? { onPick: (place: MapPlace) => onChoose({ layer: i, ...place }) }
                                    : {})}
                            />
                        </Figure>
                        {layer.pixels >= 0 && (
                            <p class="note">{t('Click a pixel to see how its number comes about.')}</p>
                        )}
                    </div>
                );
            })}
        </>
    );
}

interface SoftmaxProps {
    seen: Seen;
    digit: number;
    onDigit: (digit: number) => void;
}

export function Softmax({ seen, digit, onDigit }: SoftmaxProps) {
    const power = (v: number) => (v < 1e5 ? decimal(v, v < 10 ? 5 : 2) : v.toExponential(4));
    return (
        <>
            <table class="softmax">
                <caption class="hidden">{t('From scores to probabilities')}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t('class')}</th>
                        <th scope="col">{t('score z')}</th>
                        <th scope="col">
                            e<sup>z</sup>
                        </th>
                        <th scope="col">
                            e<sup>z</sup> / Σ
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {Array.from(seen.answers, (p, k) => (
                        <tr data-class={k} data-answer={k === seen.answer}>
                            <th scope="row">
                                <button
                                    type="button"
                                    aria-pressed={k === digit}
                                    aria-label={`${t('class')} ${k}`}
                                    onClick={() => onDigit(k)}
                                >
                                    {k}
                                </button>
                            </th>
                            <td>{decimal(seen.scores[k]!, 4)}</td>
                            <td>{power(seen.powers[k]!)}</td>
                            <td>
                                {decimal(p, 5)}
                                <span class="share" aria-hidden="true">
                                    <span style={{ width: `${100 * p}%` }} />
                                </span>
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
            <p class="formula" data-class={digit}>
                p({digit}) = e<sup>{decimal(seen.scores[digit]!, 4)}</sup> / Σ e<sup>z</sup> ={' '}
                {power(seen.powers[digit]!)} / {power(seen.sum)} = <strong>{decimal(seen.answers[digit]!, 5)}</strong>
            </p>
        </>
    );
}

/** In words, where the gradient is strongest. */
export function Strongest({ saliency }: { saliency: Float32Array | undefined }) {
    if (!saliency) return null;
    let at = 0;
    saliency.forEach((v, i) => {
        if (Math.abs(v) > Math.abs(saliency[at]!)) at = i;
    });
    return (
        <p class="strongest">
            {t('Strongest')}: {decimal(saliency[at]!, 5)}, {t('row')} {Math.floor(at / 28)}, {t('column')} {at % 28}
        </p>
    );
}

interface PixelPanelProps extends LayersProps {
    onPixel: (pixel: Pixel) => void;
    onFailed: (error: unknown) => void;
}

export function PixelPanel({ described, seen, chosen, onChoose, onPixel, onFailed }: PixelPanelProps) {
    const [found, setFound] = useState<{ pixel: Pixel; at: Chosen }>();
    const [channel, setChannel] = useState(0);
    const choices = described.layers.flatMap((l, i) => (l.pixels >= 0 ? [i] : []));
    const first = choices[0];
    const at = chosen ?? (first === undefined ? undefined : { layer: first, map: 0, row: 12, column: 12 });
    useEffect(() => {
        if (!at) return;
        let wanted = true;
        void engine.digits
            .pixel(described.layers[at.layer]!.pixels, at.map, at.row, at.column)
            .then((pixel) => {
                if (!wanted) return;
                setFound({ pixel, at });
                if (chosen) onPixel(pixel);
            })
            .catch(onFailed);
        return () => {
            wanted = false;
        };
    }, [seen, described, at?.layer, at?.map, at?.row, at?.column]);
    if (!at) return <p class="note">{t('This network has no convolution; LeNet has two.')}</p>;
    const [maps = 1, height = 1, width = 1] = described.layers[at.layer]!.shape;
    const move = (part: Partial<Chosen>) => {
        const next = { ...at, ...part };
        const [m = 1, h = 1, w = 1] = described.layers[next.layer]!.shape;
        const within = (v: number, size: number) => Math.max(0, Math.min(size - 1, Math.floor(v)));
        onChoose({
            layer: next.layer,
            map: within(next.map, m),
            row: within(next.row, h),
            column: within(next.column, w),
        });
    };
    const p = found?.pixel,
        c = Math.min(channel, (p?.channels ?? 1) - 1);
    return (
        <>
            <div class="row four">
                <Choice
                    label="Layer"
                    value={`${at.layer}`}
                    options={choices.map((i) => [`${i}`, described.layers[i]!.text] as const)}
                    onChange={(v) => move({ layer: Number(v) })}
                />
                <NumberBox
                    label="Map"
                    value={at.map}
                    min={0}
                    max={maps - 1}
                    step={1}
                    onChange={(map) => move({ map })}
                />
                <NumberBox
                    label="Row"
                    value={at.row}
                    min={0}
                    max={height - 1}
                    step={1}
                    onChange={(row) => move({ row })}
                />
                <NumberBox
                    label="Column"
                    value={at.column}
                    min={0}
                    max={width - 1}
                    step={1}
                    onChange={(column) => move({ column })}
                />
            </div>
            {p && (
                <>
                    {p.channels > 1 && (
                        <Slider
                            label="Input map"
                            value={c}
                            min={0}
                            max={p.channels - 1}
                            step={1}
                            text={`${c} · Σ ${decimal(channelSum(p, c), 4)}`}
                            onChange={setChannel}
                        />
                    )}
                    <Figure name="window">
                        <PixelPicture pixel={p} channel={c} />
                    </Figure>
                    <dl class="numbers sums">
                        <dt>
                            {t('sum of the products')} ({p.products.length})
                        </dt>
                        <dd data-part="sum">{decimal(p.sum, 5)}</dd>
                        <dt>{t('bias')}</dt>
                        <dd data-part="bias">{decimal(p.bias, 5)}</dd>
                        <dt>{t('sum + bias')}</dt>
                        <dd data-part="value">{decimal(p.value, 5)}</dd>
                        <dt>{t('after ReLU')}</dt>
                        <dd data-part="output">{decimal(p.output, 5)}</dd>
                    </dl>
                </>
            )}
        </>
    );
}

export function Confusion({ counts }: { counts: Uint16Array }) {
    const digits = [...Array(10).keys()];
    return (
        <table class="confusion">
            <caption class="note">{t('Rows: what it is; columns: what the network answers')}</caption>
            <thead>
                <tr>
                    <td />
                    {digits.map((k) => (
                        <th scope="col">{k}</th>
                    ))}
                </tr>
            </thead>
            <tbody>
                {digits.map((i) => {
                    const all = counts.subarray(10 * i, 10 * i + 10).reduce((a, b) => a + b, 0) || 1;
                    return (
                        <tr>
                            <th scope="row">{i}</th>
                            {digits.map((k) => {
                                const n = counts[10 * i + k]!,
                                    colour = i === k ? ([0, 114, 178] as const) : ([214, 94, 0] as const);
                                const share = n ? 0.1 + 0.4 * Math.sqrt(n / all) : 0;
                                return (
                                    <td style={{ background: css(mix(paper(), colour, share)) }}>
                                        {n || <span aria-hidden="true">·</span>}
                                    </td>
                                );
                            })}
                        </tr>
                    );
                })}
            </tbody>
        </table>
    );
}

export function Mistakes({ list, onPick }: { list: Mistake[]; onPick: (index: number) => void }) {
    return (
        <ul class="mistakes">
            {list.map((m) => (
                <li>
                    <button type="button" onClick={() => onPick(m.index)}>
                        <Maps
                            label={`${t('Test digit')} ${m.index}`}
                            data={m.picture}
                            count={1}
                            height={28}
                            width={28}
                            columns={1}
                            zoom={2}
                            kind="ink"
                        />
                        <span>
                            {m.label} → {m.answer}
                        </span>
                        <span class="note">{percent(m.share)}</span>
                    </button>
                </li>
            ))}
        </ul>
    );
}
