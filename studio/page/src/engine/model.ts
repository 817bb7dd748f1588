// A model of one's own: an ONNX file, what soma's metadata say of it, its inputs from a picture, a table or by hand, its
// answers, and the values inside.
import type { Model, PictureSample, Soma, Statistics, TableSchema, Tensor } from 'soma-wasm';
import { layOutModel, type ModelLayout } from '../parts/model_layout';
import type { TrainedNetwork, TrainedSource } from './trained';

export interface ColumnAsked {
    name: string;
    /** Texts in the order of their codes, where it takes texts. */
    categories?: string[];
}

export interface InputAsked {
    name: string;
    shape: readonly number[];
    /** Numbers of one row. */
    size: number;
    /** Where a picture fits. */
    picture?: PictureSample;
    /** Of rows of a table, where they have names. */
    columns?: ColumnAsked[];
}

export interface Opened {
    name: string;
    bytes: number;
    producer: string;
    opset: number;
    parameters: number;
    /** Whether soma wrote it: then pictures are given as bytes and answers have names. */
    soma: boolean;
    task?: 'classify' | 'regress';
    spec?: string;
    classes?: string[];
    target?: string;
    inputs: InputAsked[];
    outputs: { name: string; shape: readonly number[] }[];
    /** What can be looked at. */
    values: { node: number; output: number; name: string; op: string; shape: readonly number[] }[];
    weights: { name: string; shape: readonly number[] }[];
    layout: ModelLayout;
}

export interface Given {
    rows: number;
    /** Rows that can't be read, by their number, and why. */
    errors: [number, string][];
    note: string;
    /** The first row, for pictures and boxes. */
    first: Float32Array;
}

export interface Answer {
    name: string;
    /** Numbers of a row. */
    size: number;
    data: Float32Array;
}

export interface Answers {
    rows: number;
    milliseconds: number;
    outputs: Answer[];
    /** Rows without an answer. */
    errors: [number, string][];
}

export interface Looked extends Tensor {
    statistics: Statistics;
}

/** The metadata "soma.model", version 1 (train/model_file.c). */
interface Said {
    version: number;
    task: 'classify' | 'regress';
    spec?: string;
    classes?: string[];
    header?: boolean;
    numbers?: number;
    target?: string;
    target_position?: number;
    file_columns?: number;
    columns?: TableSchema['columns'];
}

/** Rows that are run at once: what they need stays small. */
const TABLE_ROWS = 1024,
    PICTURE_ROWS = 16;

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * Math.abs(b), 1);

/** The metadata, if they are what soma writes: a file may say anything. */
function said(model: Model): Said | undefined {
    const texts = (list: unknown): boolean => Array.isArray(list) && list.every((v) => typeof v === 'string');
    const place = (v: unknown): boolean => v === undefined || (Number.isInteger(v) && (v as number) >= 0);
    try {
        const found = JSON.parse(model.metadata('soma.model') || 'null') as Said | null;
        if (found?.version !== 1) return undefined;
        const { classes, columns, spec, target } = found;
        const sound =
            (classes === undefined || texts(classes)) &&
            texts([spec ?? '', target ?? '']) &&
            [found.numbers, found.target_position, found.file_columns].every(place) &&
            (columns === undefined ||
                columns.every(
                    (c) =>
                        texts([c.name, c.date ?? '']) &&
                        c.position !== undefined &&
                        place(c.position) &&
                        (c.categories === undefined || texts(c.categories)),
                ));
        return sound ? found : undefined;
    } catch {
        return undefined;
    }
}

/** [N, C, H, W] or [N, H, W, C] with one channel or three. */
function pictureOf(shape: readonly number[]): PictureSample | undefined {
    const [, a = 0, b = 0, c = 0] = shape;
    if (shape.length !== 4 || a < 1 || b < 1 || c < 1) return undefined;
    if (a === 1 || a === 3) return { channels: a, height: b, width: c };
    return c === 1 || c === 3 ? { channels: c, height: a, width: b, last: true } : undefined;
}

interface Kept {
    name: string;
    file: Uint8Array;
    model: Model;
    schema: TableSchema | undefined;
    values: Float32Array[];
    rows: number[];
    errors: Map<number, string>[];
}

export class ModelEngine {
    #soma: Soma;
    #sources: Record<string, TrainedSource>;
    #kept: Kept | undefined;

    constructor(soma: Soma, sources: Record<string, TrainedSource>) {
        this.#soma = soma;
        this.#sources = sources;
    }

    /** Opens a file; one that can't be read is thrown as a sentence, and the model before it stays. */
    open(name: string, file: File | Uint8Array): Opened {
        const bytes = file instanceof Uint8Array ? file : new Uint8Array(new FileReaderSync().readAsArrayBuffer(file));
        const model = this.#soma.load(bytes);
        const s = said(model);
        const inputs = model.inputs.map((input): InputAsked => {
            const picture = pictureOf(input.shape);
            return { name: input.name, shape: input.shape, size: size(input.shape), ...(picture ? { picture } : {}) };
        });
        const [first] = inputs;
        const columns = s?.columns?.length === first?.size ? s?.columns : undefined;
        if (first && columns)
            first.columns = columns.map(({ name, categories }) => ({ name, ...(categories ? { categories } : {}) }));
        const opened: Opened = {
            name,
            bytes: bytes.length,
            producer: model.producer,
            opset: model.opset,
            parameters: model.parameters,
            soma: s !== undefined,
            inputs,
            outputs: model.outputs.map((o) => ({ ...o })),
            values: model.nodes.flatMap((n, node) =>
                n.outputs.flatMap((o, output) =>
                    o.shape && n.op !== 'Constant' ? [{ node, output, name: o.name, op: n.op, shape: o.shape }] : [],
                ),
            ),
            weights: model.weights.map((w) => ({ ...w })),
            layout: layOutModel(model),
        };
        if (s) {
            opened.task = s.task;
            if (s.spec) opened.spec = s.spec;
            if (s.target) opened.target = s.target;
            if (s.classes?.length === model.outputs[0]?.shape[1]) opened.classes = s.classes!;
        }
        this.#kept?.model.destroy();
        this.#kept = {
            name,
            file: bytes,
            model,
            schema: columns && {
                header: s!.header ?? false,
                columns,
                numbers: s!.numbers ?? 0,
                targetPosition: s!.target_position ?? columns.length,
                fileColumns: s!.file_columns ?? 0,
                ...(s!.target ? { target: s!.target } : {}),
            },
            values: inputs.map((i) => new Float32Array(i.size)),
            rows: inputs.map(() => 1),
            errors: inputs.map(() => new Map<number, string>()),
        };
        return opened;
    }

    /** What other rooms have trained. */
    trained(): Record<string, TrainedNetwork> {
        const found: Record<string, TrainedNetwork> = {};
        for (const [room, source] of Object.entries(this.#sources)) {
            const network = source.trained();
            if (network) found[room] = network;
        }
        return found;
    }

    /** Another room's network as an ONNX file. */
    export(room: string): Uint8Array {
        return this.#sources[room]!.save();
    }

    /** Gives one row of numbers. */
    numbers(input: number, values: number[]): Given {
        return this.#give(input, Float32Array.from(values), 1, new Map(), '');
    }

    /** Gives a picture of any size. */
    picture(input: number, bitmap: ImageBitmap, sample: PictureSample): Given {
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(bitmap, 0, 0);
        const picture = context.getImageData(0, 0, bitmap.width, bitmap.height);
        return this.#give(input, this.#soma.fit(picture, sample), 1, new Map(), '');
    }

    /** Gives the rows of a CSV file: columns by name where the model has names, else by their order. */
    table(input: number, name: string, file: File | Uint8Array): Given {
        const bytes = file instanceof Uint8Array ? file : new Uint8Array(new FileReaderSync().readAsArrayBuffer(file));
        const kept = this.#kept!;
        const row = kept.values[input]!.length / kept.rows[input]!;
        const plain = Array.from({ length: row }, (_, position) => ({ name: `x${position + 1}`, position }));
        const schema = (input === 0 && kept.schema) || { header: false, columns: plain };
        const table = this.#soma.table(name, bytes, schema);
        if (!table.rows) throw new Error(`${name}: there are no rows`);
        return this.#give(input, table.features, table.rows, table.errors, table.note);
    }

    #give(input: number, values: Float32Array, rows: number, errors: Map<number, string>, note: string): Given {
        const kept = this.#kept!;
        kept.values[input] = values;
        kept.rows[input] = rows;
        kept.errors[input] = errors;
        return { rows, errors: [...errors], note, first: values.slice(0, values.length / rows) };
    }

    /** The inputs of some rows; an input of one row goes with each row of the others. */
    #rows(from: number, count: number): Record<string, Float32Array> {
        const { model, values, rows } = this.#kept!;
        return Object.fromEntries(
            model.inputs.map((input, i) => {
                const row = values[i]!.length / rows[i]!;
                if (rows[i]! > 1) return [input.name, values[i]!.subarray(from * row, (from + count) * row)];
                const repeated = new Float32Array(count * row);
                for (let k = 0; k < count; k++) repeated.set(values[i]!, k * row);
                return [input.name, repeated];
            }),
        );
    }

    run(): Answers {
        const { model, rows, errors } = this.#kept!;
        const many = new Set(rows.filter((r) => r > 1));
        if (many.size > 1) throw new Error(`the inputs have ${[...many].join(' and ')} rows, expected the same number`);
        const count = Math.max(...rows);
        // Where the batch isn't the first dimension everywhere, rows are asked one by one.
        const together = [...model.inputs, ...model.outputs].every((v) => v.shape[0] === -1);
        const step = !together ? 1 : model.inputs.some((i) => i.shape.length > 2) ? PICTURE_ROWS : TABLE_ROWS;
        const outputs: Answer[] = [];
        const begun = performance.now();
        for (let from = 0; from < count; from += step) {
            const some = Math.min(step, count - from);
            const answers = model.run(this.#rows(from, some));
            model.outputs.forEach((output, i) => {
                const { data } = answers[output.name]!,
                    row = data.length / some;
                outputs[i] ??= { name: output.name, size: row, data: new Float32Array(row * count) };
                outputs[i].data.set(data, from * row);
            });
        }
        return { rows: count, milliseconds: performance.now() - begun, outputs, errors: errors.flatMap((e) => [...e]) };
    }

    /** An inner value for one row. */
    look(row: number, node: number, output: number): Looked {
        const found = this.#kept!.model.look(this.#rows(row, 1), { node, output });
        return { ...found, statistics: this.#soma.summary(found.data) };
    }

    weight(index: number): Looked {
        const found = this.#kept!.model.weight(index);
        return { ...found, statistics: this.#soma.summary(found.data) };
    }
}
