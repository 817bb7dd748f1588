// What the comparisons share: soma in a page of Chromium, the two networks of ConvNetJS's demos with their data, and
// medians of rounds in which every library takes its turn.
import { readFileSync } from 'node:fs';
import { build } from 'vite';
import { open } from '../tests/browser.mjs';

export const ROUNDS = 7;

/** Two softmax outputs and a penalty, as ConvNetJS has them. */
export const networks = {
    classify2d: {
        title: 'classify2d, 2-6-2-2',
        spec: 'dense 6 tanh, dense 2 tanh, dense 2 softmax',
        sample: [2],
        classes: 2,
    },
    mnist: {
        title: 'MNIST, 8 and 16 filters 5x5',
        spec: 'conv 8 5x5 p2 relu, maxpool 2, conv 16 5x5 p2 relu, maxpool 3, dense 10 softmax',
        sample: [1, 24, 24],
        classes: 10,
    },
};
export const optimizer = { rate: 0.01, momentum: 0.9, l2: 0.001 };

export const read = (url) => readFileSync(new URL(url));

/** A page with soma and these scripts (texts); in it soma is `soma` and training data come from `bench.data`. */
export async function openBench(scripts) {
    const bundle = await build({
        logLevel: 'silent',
        build: {
            write: false,
            target: 'es2022',
            lib: {
                entry: new URL('../../packages/soma-wasm/dist/index.js', import.meta.url).pathname,
                formats: ['iife'],
                name: 'somaWasm',
            },
        },
    });
    const site = await open();
    const { page } = await site.page('/?embed=1#/graph');
    for (const content of [bundle[0].output[0].code, ...scripts]) await page.addScriptTag({ content });
    await page.evaluate(
        async ({ wasm, optimizer }) => {
            globalThis.soma = await somaWasm.loadSoma(Uint8Array.from(atob(wasm), (c) => c.charCodeAt(0)));
            globalThis.bench = {
                /** Rows of a network: points of circles, or pictures of noise, for how fast they are doesn't depend on them. */
                data({ sample, classes }, rows) {
                    if (sample.length === 1) {
                        const points = soma.points('circles', rows, 0.1);
                        return { x: Float32Array.from(points.xy), labels: Array.from(points.labels) };
                    }
                    const size = sample.reduce((a, b) => a * b);
                    let state = 1;
                    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
                    return {
                        x: Float32Array.from({ length: rows * size }, random),
                        labels: Array.from({ length: rows }, (_, i) => i % classes),
                    };
                },
                somaTrainer(network, batch, { x, labels }) {
                    const net = soma.network(network.spec, { sample: network.sample });
                    net.setData('train', x, labels);
                    net.setTraining(batch, { kind: 'momentum', ...optimizer });
                    return (examples) => net.train(examples / batch);
                },
                /** Examples a second of one call that trains on as many as fill some milliseconds. */
                async rate(train, examples) {
                    const begun = performance.now();
                    await train(examples);
                    return (examples / (performance.now() - begun)) * 1000;
                },
            };
        },
        { wasm: read(import.meta.resolve('soma-wasm/soma.wasm')).toString('base64'), optimizer },
    );
    return { page, close: () => site.close() };
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

/** One line: examples a second of soma and of others, and how many times the best of them soma is. */
export function report(title, rates) {
    const text = (name) => `${name} ${Math.round(median(rates[name])).toLocaleString('en')}`;
    const names = Object.keys(rates);
    const others = names.filter((name) => name !== 'soma').map((name) => median(rates[name]));
    const times = median(rates.soma) / Math.max(...others);
    console.log(`${title}: ${names.map(text).join(', ')} examples/s: ${times.toFixed(2)} times`);
}
