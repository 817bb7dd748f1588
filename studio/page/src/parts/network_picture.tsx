// The network as a picture: units as small maps of what they answer over the plane, links as wide as their weights are
// large, dashed where they are negative. A link or a bias that is chosen can be read and changed below.
import { useEffect, useRef } from 'preact/hooks';
import { UNIT_GRID, type Frame } from '../engine/playground';
import { decimal, t } from '../language';
import { css, paint, paper, signed } from './colours';
import { Choice, NumberBox } from './controls';
import { useWidth } from './width';

/** A weight or bias of a dense layer. */
export interface Picked {
    layer: number;
    bias: boolean;
    index: number;
    text: string;
}

interface Props {
    features: readonly string[];
    layers: number[];
    /** What each output is called. */
    outputs: readonly string[];
    frame: Frame;
    picked: Picked | undefined;
    onPick: (p: Picked | undefined) => void;
    onWeight: (p: Picked, value: number) => void;
}

const UNIT = 34,
    GAP = 8,
    /** Where the first column stands, behind its names; what the last one's circle needs; from column to column. */
    LEFT = 50,
    RIGHT = 10,
    COLUMN = { least: 64, most: 110 };

function Unit({ values, units, index }: { values: Float32Array | undefined; units: number; index: number }) {
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        if (!values || values.length !== UNIT_GRID * UNIT_GRID * units) return;
        const image = new ImageData(UNIT_GRID, UNIT_GRID),
            ground = paper();
        for (let i = 0; i < UNIT_GRID * UNIT_GRID; i++) {
            const row = UNIT_GRID - 1 - Math.floor(i / UNIT_GRID);
            paint(image.data, row * UNIT_GRID + (i % UNIT_GRID), signed(values[i * units + index]!, ground));
        }
        canvas.current!.getContext('2d')!.putImageData(image, 0, 0);
    });
    return <canvas ref={canvas} class="unit" width={UNIT_GRID} height={UNIT_GRID} aria-hidden="true" />;
}

export function NetworkPicture({ features, layers, outputs, frame, picked, onPick, onWeight }: Props) {
    const columns = [features.length, ...layers, outputs.length];
    const { box, width: room } = useWidth<HTMLDivElement>();
    const fitting = Math.floor((room - LEFT - UNIT - RIGHT) / (columns.length - 1));
    const pitch = Math.min(COLUMN.most, Math.max(COLUMN.least, fitting));
    const height = Math.max(...columns) * (UNIT + GAP),
        width = LEFT + (columns.length - 1) * pitch + UNIT + RIGHT;
    const x = (column: number) => LEFT + column * pitch;
    const y = (column: number, i: number) =>
        (height - columns[column]! * (UNIT + GAP)) / 2 + i * (UNIT + GAP) + GAP / 2;
    const value = (p: Picked) => (p.bias ? frame.biases : frame.weights)[p.layer]?.[p.index] ?? NaN;

    const unitName = (column: number, i: number) => {
        if (!column) return features[i];
        return column > layers.length ? `${t('output')} ${i + 1}` : `${t('layer')} ${column}, ${t('unit')} ${i + 1}`;
    };
    const linkText = (layer: number, from: number, to: number) =>
        `${unitName(layer, from)} → ${layer === layers.length ? t('output') : t('unit')} ${to + 1}`;
    const pickBias = (layer: number, index: number) =>
        onPick({ layer, bias: true, index, text: `${unitName(layer + 1, index)}: ${t('bias')}` });
    /** The bias and the weights of the unit that is chosen: a way to them without a pointer. */
    const siblings = (p: Picked): Picked[] => {
        const inputs = columns[p.layer]!,
            unit = p.bias ? p.index : Math.floor(p.index / inputs);
        return [
            { layer: p.layer, bias: true, index: unit, text: `${unitName(p.layer + 1, unit)}: ${t('bias')}` },
            ...Array.from({ length: inputs }, (_, from) => ({
                layer: p.layer,
                bias: false,
                index: unit * inputs + from,
                text: linkText(p.layer, from, unit),
            })),
        ];
    };

    const links = frame.weights.flatMap((weights, layer) => {
        const inputs = columns[layer]!,
            units = columns[layer + 1]!;
        if (weights.length !== inputs * units) return []; // a frame from before a change
        return Array.from(weights, (w, index) => {
            const to = Math.floor(index / inputs),
                from = index % inputs;
            const x0 = x(layer) + UNIT,
                y0 = y(layer, from) + UNIT / 2,
                x1 = x(layer + 1),
                y1 = y(layer + 1, to) + UNIT / 2;
            const chosen = picked && !picked.bias && picked.layer === layer && picked.index === index;
            const text = linkText(layer, from, to);
            const path = `M${x0} ${y0}C${(x0 + x1) / 2} ${y0} ${(x0 + x1) / 2} ${y1} ${x1} ${y1}`;
            return (
                <g class="link" onClick={() => onPick({ layer, bias: false, index, text })}>
                    <title>{`${text}: ${decimal(w, 3)}`}</title>
                    <path d={path} class="grip" />
                    <path
                        d={path}
                        fill="none"
                        stroke={chosen ? 'currentColor' : css(signed(Math.sign(w), paper()), 0.85)}
                        stroke-width={Math.min(8, 0.4 + 1.6 * Math.abs(w))}
                        stroke-dasharray={w < 0 ? '5 3' : undefined}
                    />
                </g>
            );
        });
    });
    return (
        <div class="network" ref={box}>
            <div class="scroll" tabIndex={0} role="region" aria-label={t('The network')}>
                <div class="canvas" style={{ width: `${width}px`, height: `${height}px` }}>
                    <svg
                        width={width}
                        height={height}
                        role="img"
                        aria-label={t('The network: links are as wide as their weights, negative ones dashed')}
                    >
                        {links}
                        {features.map((f, i) => (
                            <text x={x(0) + UNIT - 6} y={y(0, i) + UNIT / 2 + 4} text-anchor="end">
                                {f}
                            </text>
                        ))}
                    </svg>
                    {layers.map((units, layer) =>
                        Array.from({ length: units }, (_, i) => (
                            <button
                                type="button"
                                class="neuron"
                                style={{ left: `${x(layer + 1)}px`, top: `${y(layer + 1, i)}px` }}
                                aria-label={`${t('layer')} ${layer + 1}, ${t('unit')} ${i + 1}: ${t('bias')} ${decimal(frame.biases[layer]?.[i] ?? NaN, 2)}`}
                                onClick={() => pickBias(layer, i)}
                            >
                                <Unit values={frame.units[layer]} units={units} index={i} />
                            </button>
                        )),
                    )}
                    {outputs.map((name, i) => (
                        <button
                            type="button"
                            class="neuron out"
                            style={{ left: `${x(columns.length - 1)}px`, top: `${y(columns.length - 1, i)}px` }}
                            aria-label={`${unitName(columns.length - 1, i)}: ${t('bias')} ${decimal(frame.biases[layers.length]?.[i] ?? NaN, 2)}`}
                            onClick={() => pickBias(layers.length, i)}
                        >
                            {name}
                        </button>
                    ))}
                </div>
            </div>
            {picked && (
                <div class="row editor" data-unsaved>
                    <Choice
                        label="Which weight"
                        value={picked.text}
                        options={siblings(picked).map((p) => [p.text, p.text] as const)}
                        onChange={(text) => onPick(siblings(picked).find((p) => p.text === text))}
                    />
                    <NumberBox
                        label={picked.text}
                        value={Math.round(1e4 * value(picked)) / 1e4}
                        step={0.1}
                        onChange={(v) => onWeight(picked, v)}
                    />
                    <button type="button" onClick={() => onPick(undefined)}>
                        {t('Done')}
                    </button>
                </div>
            )}
            <p class="note">
                {t(
                    'Solid links are positive, dashed ones negative. Choose a link or a unit to read and change its weight.',
                )}
            </p>
        </div>
    );
}
