// The module's memory, and its functions as TypeScript sees them. A pointer is a number: an offset into the memory.
// The memory may grow during any call, which makes older views useless: they are taken anew for each access.

export type Pointer = number;
type Call = (...args: (number | Pointer)[]) => number;

/** What soma.wasm exports (studio/wasm/binding.h). */
interface Exports {
    memory: WebAssembly.Memory;
    memory_take: Call;
    memory_give: Call;
    error_create: Call;
    error_clear: Call;
    error_message: Call;
    [name: string]: WebAssembly.ExportValue;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class SomaError extends Error {
    override name = 'SomaError';
}

export class Wasm {
    readonly exports: Exports;
    readonly error: Pointer;

    constructor(module: WebAssembly.Module) {
        let exports: Exports | undefined;
        const nothing = () => 0;
        const imports: WebAssembly.Imports = {};
        for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = nothing;
        // The environment has no variables: two counts of zero are written where they are asked for.
        (imports['wasi_snapshot_preview1'] ??= {})['environ_sizes_get'] = (count: Pointer, bytes: Pointer) => {
            if (!exports) return 0;
            const view = new DataView(exports.memory.buffer);
            view.setUint32(count, 0, true);
            view.setUint32(bytes, 0, true);
            return 0;
        };
        exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
        (exports['_initialize'] as Call | undefined)?.();
        this.exports = exports;
        this.error = exports.error_create();
    }

    call(name: string, ...args: number[]): number {
        return (this.exports[name] as Call)(...args);
    }

    /** Calls a function that takes the error last, and throws what it says. */
    try(name: string, ...args: number[]): number {
        this.exports.error_clear(this.error);
        const result = this.call(name, ...args, this.error);
        const message = this.text(this.exports.error_message(this.error));
        if (message) throw new SomaError(message);
        return result;
    }

    take(bytes: number): Pointer {
        const pointer = this.exports.memory_take(bytes);
        if (!pointer) throw new SomaError('memory is out');
        return pointer;
    }

    give(pointer: Pointer): void {
        if (pointer) this.exports.memory_give(pointer);
    }

    /** Runs `body` with memory that is given back after it. */
    with<T>(bytes: number, body: (pointer: Pointer) => T): T {
        const pointer = this.take(bytes);
        try {
            return body(pointer);
        } finally {
            this.give(pointer);
        }
    }

    floats(pointer: Pointer, count: number): Float32Array {
        return new Float32Array(this.exports.memory.buffer, pointer, count);
    }
    doubles(pointer: Pointer, count: number): Float64Array {
        return new Float64Array(this.exports.memory.buffer, pointer, count);
    }
    ints(pointer: Pointer, count: number): Int32Array {
        return new Int32Array(this.exports.memory.buffer, pointer, count);
    }
    bytes(pointer: Pointer, count: number): Uint8Array {
        return new Uint8Array(this.exports.memory.buffer, pointer, count);
    }

    text(pointer: Pointer): string {
        const memory = new Uint8Array(this.exports.memory.buffer);
        return decoder.decode(memory.slice(pointer, memory.indexOf(0, pointer)));
    }

    withText<T>(text: string, body: (pointer: Pointer) => T): T {
        const bytes = encoder.encode(text + '\0');
        return this.with(bytes.length, (p) => {
            this.bytes(p, bytes.length).set(bytes);
            return body(p);
        });
    }

    withFloats<T>(values: ArrayLike<number>, body: (pointer: Pointer) => T): T {
        return this.with(4 * values.length, (p) => {
            this.floats(p, values.length).set(values);
            return body(p);
        });
    }

    withDoubles<T>(values: ArrayLike<number>, body: (pointer: Pointer) => T): T {
        return this.with(8 * values.length, (p) => {
            this.doubles(p, values.length).set(values);
            return body(p);
        });
    }

    /** Calls `fill` with room for `count` floats and copies them out. */
    readFloats(count: number, fill: (pointer: Pointer) => unknown): Float32Array {
        return this.with(4 * count, (p) => {
            fill(p);
            return this.floats(p, count).slice();
        });
    }

    /** Calls `fill`, which writes a shape and returns its rank. */
    readShape(fill: (pointer: Pointer) => number): number[] {
        return this.with(32, (p) => {
            const rank = fill(p);
            return rank < 0 ? [] : Array.from(this.ints(p, rank));
        });
    }
}
