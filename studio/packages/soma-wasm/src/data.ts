// What models are asked about: rows of tables, pictures, and numbers summed up.
import { STATISTICS, statisticsOf, type Statistics } from './taps.js';
import type { Wasm } from './module.js';

/** A column that a model reads. */
export interface TableColumn {
    name: string;
    /** In the file that it was trained on, from 0: files without a header are matched by it. */
    position: number;
    /** Its texts in the order of their codes, where it holds texts. */
    categories?: string[];
    /** How it writes dates, where it holds dates. */
    date?: string;
    pooled?: boolean;
    lenient?: boolean;
}

/** What the columns of a table mean to a model, as its metadata `soma.model` say. */
export interface TableSchema {
    header: boolean;
    columns: TableColumn[];
    target?: string;
    targetPosition?: number;
    fileColumns?: number;
    /** 0: 1234.5, 1: 1.234,5, 2: 1,234.5 */
    numbers?: number;
}

export interface Table {
    rows: number;
    /** rows × columns; NaN in a row that can't be read. */
    features: Float32Array;
    /** Why a row can't be read, by its number. */
    errors: Map<number, string>;
    /** What was chosen or left out. */
    note: string;
}

export function readTable(wasm: Wasm, name: string, bytes: Uint8Array, schema: TableSchema): Table {
    const { columns, targetPosition = columns.length, fileColumns = 0 } = schema;
    const numbers = [schema.header ? 1 : 0, schema.numbers ?? 0, targetPosition, fileColumns, columns.length];
    const texts = [schema.target ?? ''];
    for (const c of columns) {
        numbers.push(c.position, c.categories ? 1 : c.date ? 2 : 0, c.pooled ? 1 : 0, c.lenient ? 1 : 0);
        if (c.categories) numbers.push(c.categories.length);
        texts.push(c.name, ...(c.categories ?? (c.date ? [c.date] : [])));
    }
    const all = texts.map((t) => t.replaceAll('\0', ' ')).join('\0');
    return wasm.withText(name, (n) =>
        wasm.withText(all, (t) =>
            wasm.withDoubles(numbers, (d) =>
                wasm.with(bytes.length, (b) => {
                    wasm.bytes(b, bytes.length).set(bytes);
                    const table = wasm.try('table_read', n, b, bytes.length, d, t);
                    try {
                        const rows = wasm.call('table_rows', table);
                        const features = wasm.call('table_features', table);
                        const errors = new Map<number, string>();
                        for (let i = 0; i < rows; i++) {
                            const text = wasm.text(wasm.call('table_row_error', table, i));
                            if (text) errors.set(i, text);
                        }
                        return {
                            rows,
                            features: rows ? wasm.floats(features, rows * columns.length).slice() : new Float32Array(),
                            errors,
                            note: wasm.text(wasm.call('table_note', table)),
                        };
                    } finally {
                        wasm.call('table_destroy', table);
                    }
                }),
            ),
        ),
    );
}

/** A decoded picture: four bytes a pixel, red, green, blue and how opaque it is. */
export interface Picture {
    width: number;
    height: number;
    data: ArrayLike<number>;
}

/** What a model wants of a picture. */
export interface PictureSample {
    /** 1 or 3. */
    channels: number;
    height: number;
    width: number;
    /** Whether the channels come last in the model's input. */
    last?: boolean;
    /** Bytes are multiplied by `scale`; then the mean of each channel is taken away and its deviation divides. */
    scale?: number;
    mean?: readonly number[];
    deviation?: readonly number[];
}

export function fitPicture(wasm: Wasm, picture: Picture, sample: PictureSample): Float32Array {
    const { channels, height, width, last = false, scale = 1, mean = [], deviation = [] } = sample;
    const by = (list: readonly number[], usual: number) => [0, 1, 2].map((c) => list[c] ?? usual);
    return wasm.with(picture.data.length, (rgba) => {
        wasm.bytes(rgba, picture.data.length).set(picture.data);
        return wasm.with(12, (dims) => {
            wasm.ints(dims, 3).set([channels, height, width]);
            return wasm.withDoubles([scale, ...by(mean, 0), ...by(deviation, 1)], (scaling) =>
                wasm.readFloats(channels * height * width, (out) =>
                    wasm.try('picture_fit', rgba, picture.height, picture.width, dims, last ? 1 : 0, scaling, out),
                ),
            );
        });
    });
}

export function summaryOf(wasm: Wasm, values: ArrayLike<number>): Statistics {
    return wasm.withFloats(values, (v) =>
        wasm.with(8 * STATISTICS, (out) => {
            wasm.call('summary_get', v, values.length, out);
            return statisticsOf(wasm.doubles(out, STATISTICS));
        }),
    );
}
