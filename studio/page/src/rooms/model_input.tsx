// What a model is asked: a picture, a CSV file or numbers by hand, for one of its inputs.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { PictureSample } from 'soma-wasm';
import { engine } from '../engine/client';
import type { ColumnAsked, Given, InputAsked } from '../engine/model';
import { t } from '../language';
import { Choice, NumberBox } from '../parts/controls';
import { Figure } from '../parts/figure';

/** As many boxes as can be filled in by hand. */
const BOXES = 16;

/** What a model that doesn't say so may have been trained on. */
const SCALES = {
    bytes: { title: '0 … 255', scaling: {} },
    unit: { title: '0 … 1', scaling: { scale: 1 / 255 } },
    signed: { title: '−1 … 1', scaling: { scale: 2 / 255, mean: [1, 1, 1] } },
    imagenet: {
        title: 'ImageNet’s mean and deviation',
        scaling: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
    },
} satisfies Record<string, { title: string; scaling: Partial<PictureSample> }>;
type Scale = keyof typeof SCALES;

/** The picture as the model gets it. */
function Preview({ values, sample }: { values: Float32Array; sample: PictureSample }) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const { channels, height, width, last } = sample;
    useEffect(() => {
        const context = canvas.current!.getContext('2d')!,
            image = context.createImageData(width, height),
            size = width * height;
        let low = Infinity,
            high = -Infinity;
        for (const v of values) {
            low = Math.min(low, v);
            high = Math.max(high, v);
        }
        // Bytes stay what they are; other numbers fill the range from black to white.
        const [from, span] = low >= 0 && high > 1 ? [0, 255] : [low, high - low || 1];
        for (let i = 0; i < size; i++) {
            for (let c = 0; c < 3; c++) {
                const channel = Math.min(c, channels - 1);
                const value = values[last ? i * channels + channel : channel * size + i]!;
                image.data[4 * i + c] = (255 * (value - from)) / span;
            }
            image.data[4 * i + 3] = 255;
        }
        context.putImageData(image, 0, 0);
    }, [values]);
    return (
        <Figure name="input">
            <canvas
                ref={canvas}
                class="input-preview"
                width={width}
                height={height}
                role="img"
                aria-label={`${t('The picture as the model gets it')}: ${height} × ${width}`}
            />
        </Figure>
    );
}

interface Props {
    index: number;
    input: InputAsked;
    /** The model was trained on bytes. */
    soma: boolean;
    given: Given | undefined;
    /** What was given, or why it could not be. */
    onGiven: (given: Given) => void;
    onMistake: (message: string) => void;
}

export function ModelInput({ index, input, soma, given, onGiven, onMistake }: Props) {
    const id = useId();
    const [scale, setScale] = useState<Scale>(soma ? 'bytes' : 'unit');
    const bitmap = useRef<ImageBitmap>();
    const picture = input.picture;

    const told = (promise: Promise<Given>) => void promise.then(onGiven, (e: Error) => onMistake(e.message));
    const show = (how: Scale) => {
        if (bitmap.current && picture)
            told(engine.model.picture(index, bitmap.current, { ...picture, ...SCALES[how].scaling }));
    };
    const take = async (file: File) => {
        try {
            if (/\.(csv|tsv|txt)$/i.test(file.name) || /csv|text/.test(file.type) || !picture) {
                told(engine.model.table(index, file.name, file));
                return;
            }
            bitmap.current = await createImageBitmap(file, {
                colorSpaceConversion: 'none',
                premultiplyAlpha: 'none',
            });
            show(scale);
        } catch {
            onMistake(`${file.name}: ${t('is no picture that the browser can read')}`);
        }
    };
    const set = (at: number, value: number) => {
        const values = Array.from(given?.first ?? new Float32Array(input.size));
        values[at] = value;
        told(engine.model.numbers(index, values));
    };
    const columns: ColumnAsked[] =
        input.columns ?? Array.from({ length: input.size }, (_, i) => ({ name: `x${i + 1}` }));
    const boxes = input.size <= BOXES && !picture && (given?.rows ?? 1) === 1;
    return (
        <fieldset>
            <legend>
                {t('Input')} {input.name}
            </legend>
            <div class="field">
                <label for={id}>{t(picture ? 'A picture, or a CSV of numbers' : 'A CSV file')}</label>
                <input
                    id={id}
                    type="file"
                    accept={picture ? 'image/*,.csv' : '.csv,.tsv,.txt'}
                    onChange={(e) => {
                        const file = e.currentTarget.files?.[0];
                        if (file) void take(file);
                    }}
                />
            </div>
            {picture && (
                <Choice
                    label="Pixels as"
                    value={scale}
                    options={Object.entries(SCALES).map(([name, s]) => [name as Scale, s.title] as const)}
                    onChange={(how) => {
                        setScale(how);
                        show(how);
                    }}
                />
            )}
            {picture && given && given.rows === 1 && <Preview values={given.first} sample={picture} />}
            {boxes && (
                <div class="boxes">
                    {columns.map((c, i) =>
                        c.categories ? (
                            <Choice
                                label={c.name}
                                value={`${given?.first[i] ?? 0}`}
                                options={c.categories.map((name, code) => [`${code}`, name] as const)}
                                onChange={(v) => set(i, Number(v))}
                            />
                        ) : (
                            <NumberBox
                                label={c.name}
                                value={Number((given?.first[i] ?? 0).toPrecision(6))}
                                onChange={(v) => set(i, v)}
                            />
                        ),
                    )}
                </div>
            )}
            {given && given.rows > 1 && (
                <div class="row">
                    <span class="note">
                        {given.rows} {t('rows')}
                    </span>
                    {input.size <= BOXES && !picture && (
                        <button
                            type="button"
                            onClick={() => told(engine.model.numbers(index, Array.from(given.first)))}
                        >
                            {t('One row by hand')}
                        </button>
                    )}
                </div>
            )}
            {given?.note && <p class="note">{given.note}</p>}
            {given && given.errors.length > 0 && <p class="note">{given.errors[0]![1]}</p>}
        </fieldset>
    );
}
