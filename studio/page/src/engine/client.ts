// The page's side of the engine: each room's methods, which answer by promises.
import wasmUrl from 'soma-wasm/soma.wasm?url';
import { bytesAt } from '../bytes';
import type { Engines, Reply, Request } from './worker';
import EngineWorker from './worker?worker&inline';

type Remote<T> = {
    [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (...args: infer A) => infer R
        ? (...args: A) => Promise<Awaited<R>>
        : never;
};

const worker = new EngineWorker();
const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
let last = 0,
    asked = false;

/** A room that waits for the engine shows when it has all its answers, or after this time in any case. */
const PATIENCE = 400;

/** Calls back after the browser has drawn; a hidden page draws nothing. */
const drawn = (then: () => void) =>
    document.hidden ? setTimeout(then, 0) : requestAnimationFrame(() => setTimeout(then, 0));

const reveal = () => document.documentElement.classList.add('ready');

/** Shows the room if the answers led to no more questions. */
function settle(): void {
    if (!document.documentElement.classList.contains('ready')) drawn(() => waiting.size || reveal());
}

/** Called when the first room was drawn. */
export function begun(): void {
    setTimeout(reveal, PATIENCE);
    drawn(() => asked || reveal());
}

worker.onmessage = ({ data }: MessageEvent<Reply>) => {
    if (data.id === 1) performance.mark('engine answers');
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) call?.resolve(data.result as never);
    else call?.reject(new Error(data.error));
    if (!waiting.size) settle();
};

const ready = bytesAt(wasmUrl).then((wasm) => worker.postMessage({ wasm }, [wasm]));

function remote<K extends keyof Engines>(room: K): Remote<Engines[K]> {
    return new Proxy({} as Remote<Engines[K]>, {
        get:
            (_, method: string) =>
            async (...args: unknown[]) => {
                if (!asked) performance.mark('engine asked');
                asked = true;
                await ready;
                return new Promise((resolve, reject) => {
                    const request: Request = { id: ++last, room, method, args };
                    waiting.set(request.id, { resolve, reject });
                    worker.postMessage(request);
                });
            },
    });
}

export const engine = {
    playground: remote('playground'),
    neuron: remote('neuron'),
    race: remote('race'),
    graph: remote('graph'),
    flow: remote('flow'),
    alexnet: remote('alexnet'),
    convolution: remote('convolution'),
    locality: remote('locality'),
    digits: remote('digits'),
    features: remote('features'),
    model: remote('model'),
};
