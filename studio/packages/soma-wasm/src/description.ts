import type { Wasm } from './module.js';

export interface DescriptionRow {
    /** The layer: "conv 96 11x11 s4 relu". */
    text: string;
    /** Layers of branches lie deeper than 0. */
    depth: number;
    /** What its convolution, pooling or product reads, of one sample; empty where it has none. */
    input: number[];
    /** Of one sample. */
    output: number[];
    /** Its own, without its branches'. */
    parameters: number;
    /** Of one sample, forward; 2 for a multiply-add. */
    flops: number;
    parameterBytes: number;
    /** Of one sample. */
    outputBytes: number;
    /** Of a convolution or pooling. */
    window?: { height: number; width: number; stride: number; padding: number };
}

export interface Description {
    /** The complete specification. */
    spec: string;
    sample: number[];
    rows: DescriptionRow[];
}

const ROW_NUMBERS = 9;

export function describe(wasm: Wasm, spec: string, sample: readonly number[]): Description {
    const d = wasm.withText(spec, (text) =>
        wasm.with(32, (dims) => {
            wasm.ints(dims, sample.length).set(sample);
            return wasm.try('description_create', text, dims, sample.length);
        }),
    );
    try {
        const shape = (row: number, output: number) =>
            wasm.readShape((dims) => wasm.call('description_row_shape', d, row, output, dims));
        const rows = Array.from({ length: wasm.call('description_rows', d) }, (_, i) =>
            wasm.with(8 * ROW_NUMBERS, (p): DescriptionRow => {
                wasm.call('description_row_numbers', d, i, p);
                const [depth, parameters, flops, parameterBytes, outputBytes, height, width, stride, padding] =
                    wasm.doubles(p, ROW_NUMBERS);
                return {
                    text: wasm.text(wasm.call('description_row_text', d, i)),
                    depth: depth!,
                    input: shape(i, 0),
                    output: shape(i, 1),
                    parameters: parameters!,
                    flops: flops!,
                    parameterBytes: parameterBytes!,
                    outputBytes: outputBytes!,
                    ...(height ? { window: { height, width: width!, stride: stride!, padding: padding! } } : {}),
                };
            }),
        );
        return {
            spec: wasm.text(wasm.call('description_text', d)),
            sample: wasm.readShape((dims) => wasm.call('description_sample', d, dims)),
            rows,
        };
    } finally {
        wasm.call('description_destroy', d);
    }
}
