// Training of classify2d's 2-6-2-2 network by soma and by ConvNetJS, in turn in one browser: node bench/convnetjs.mjs.
// ConvNetJS takes one example after another and updates after each batch, soma takes the batch as a whole.
import { readFileSync } from 'node:fs';
import { build } from 'vite';
import { open } from '../tests/browser.mjs';

const ROUNDS = 7,
    BATCH = 10;
const read = (name) => readFileSync(new URL(import.meta.resolve(name)));
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
await page.addScriptTag({ content: bundle[0].output[0].code });
await page.addScriptTag({ content: read('convnetjs/build/convnet.js').toString() });

const rates = await page.evaluate(
    async ({ wasm, rounds, batch }) => {
        const soma = await somaWasm.loadSoma(Uint8Array.from(atob(wasm), (c) => c.charCodeAt(0)));
        const points = soma.points('circles', 200, 0.1);
        // Two softmax outputs, as ConvNetJS has.
        const net = soma.network('dense 6 tanh, dense 2 tanh, dense 2 softmax', { sample: [2] });
        net.setData('train', points.xy, points.labels);
        net.setTraining(batch, { kind: 'momentum', rate: 0.01, momentum: 0.1, l2: 0.001 });

        const theirs = new convnetjs.Net();
        theirs.makeLayers([
            { type: 'input', out_sx: 1, out_sy: 1, out_depth: 2 },
            { type: 'fc', num_neurons: 6, activation: 'tanh' },
            { type: 'fc', num_neurons: 2, activation: 'tanh' },
            { type: 'softmax', num_classes: 2 },
        ]);
        const trainer = new convnetjs.SGDTrainer(theirs, {
            learning_rate: 0.01,
            momentum: 0.1,
            batch_size: batch,
            l2_decay: 0.001,
        });
        const volume = new convnetjs.Vol(1, 1, 2);
        const train = (examples) => {
            for (let i = 0; i < examples; i++) {
                const row = i % 200;
                volume.w[0] = points.xy[2 * row];
                volume.w[1] = points.xy[2 * row + 1];
                trainer.train(volume, points.labels[row]);
            }
        };
        const rate = (run, examples) => {
            const begun = performance.now();
            run();
            return (examples / (performance.now() - begun)) * 1000;
        };
        net.train(5000);
        train(50000);
        const soma_ = [],
            convnet = [];
        for (let i = 0; i < rounds; i++) {
            soma_.push(rate(() => net.train(500000 / batch), 500000));
            convnet.push(rate(() => train(100000), 100000));
        }
        return { soma: soma_, convnet };
    },
    { wasm: read('soma-wasm/soma.wasm').toString('base64'), rounds: ROUNDS, batch: BATCH },
);
await site.close();
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const ours = median(rates.soma),
    theirs = median(rates.convnet);
const text = (rate) => `${Math.round(rate).toLocaleString('en')} examples/s`;
console.log(
    `2-6-2-2, batch ${BATCH}, medians of ${ROUNDS}: soma ${text(ours)}, ConvNetJS ${text(theirs)}: ${(ours / theirs).toFixed(2)} times`,
);
