// The engine's side of the page: soma in a worker, so that no computation ever holds up a click. A message names a room,
// a method and its arguments; the answer carries what the method returned, big arrays by transfer.
import { loadSoma } from 'soma-wasm';
import { AlexnetEngine } from './alexnet';
import { FlowEngine } from './flow';
import { ConvolutionEngine } from './convolution';
import { DigitsEngine } from './digits';
import { FeaturesEngine } from './features';
import { GraphEngine } from './graph';
import { LocalityEngine } from './locality';
import { ModelEngine } from './model';
import { NeuronEngine } from './neuron';
import { PlaygroundEngine } from './playground';
import { RaceEngine } from './race';
import type { TrainedSource } from './trained';

export interface Engines {
    playground: PlaygroundEngine;
    neuron: NeuronEngine;
    race: RaceEngine;
    graph: GraphEngine;
    flow: FlowEngine;
    alexnet: AlexnetEngine;
    convolution: ConvolutionEngine;
    locality: LocalityEngine;
    digits: DigitsEngine;
    features: FeaturesEngine;
    model: ModelEngine;
}

export interface Request {
    id: number;
    room: keyof Engines;
    method: string;
    args: unknown[];
}

export interface Reply {
    id: number;
    result?: unknown;
    error?: string;
}

/** The buffers of all typed arrays in a result: they move instead of being copied. */
function buffers(value: unknown, found: Set<ArrayBufferLike>): Set<ArrayBufferLike> {
    if (ArrayBuffer.isView(value)) found.add(value.buffer);
    else if (value instanceof Object) for (const inner of Object.values(value)) buffers(inner, found);
    return found;
}

let engines: Promise<Engines> | undefined;

/** The network of the room of digits. */
function digitsSource(digits: DigitsEngine): TrainedSource {
    return {
        trained() {
            const network = digits.trained?.network;
            return network && { spec: network.spec, steps: network.steps, accuracy: network.measure('test').accuracy };
        },
        save: () => digits.save(),
    };
}

async function start(wasm: ArrayBuffer): Promise<Engines> {
    const soma = await loadSoma(wasm);
    const digits = new DigitsEngine(soma);
    const playground = new PlaygroundEngine(soma);
    return {
        playground,
        neuron: new NeuronEngine(soma),
        race: new RaceEngine(soma),
        graph: new GraphEngine(soma),
        flow: new FlowEngine(soma),
        alexnet: new AlexnetEngine(soma),
        convolution: new ConvolutionEngine(soma),
        locality: new LocalityEngine(soma),
        digits,
        features: new FeaturesEngine(soma, digits),
        model: new ModelEngine(soma, { playground, digits: digitsSource(digits) }),
    };
}

self.onmessage = async ({ data }: MessageEvent<Request | { wasm: ArrayBuffer }>) => {
    if ('wasm' in data) {
        engines = start(data.wasm);
        return;
    }
    const reply: Reply = { id: data.id };
    try {
        const room = (await engines)![data.room] as unknown as Record<string, (...args: unknown[]) => unknown>;
        reply.result = await room[data.method]!(...data.args);
    } catch (error) {
        reply.error = error instanceof Error ? error.message : String(error);
    }
    self.postMessage(reply, { transfer: [...buffers(reply.result, new Set())] as Transferable[] });
};
