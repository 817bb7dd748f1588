// Training of the same networks by soma and by TensorFlow.js on its cpu and wasm backends, in turn in one browser:
// node bench/tensorflowjs.mjs [FOLDER]. TensorFlow.js is taken from FOLDER/node_modules; without FOLDER it is installed
// into a temporary one: it is no part of the page.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { networks, openBench, optimizer, report, ROUNDS } from './browser.mjs';

const VERSION = '4.22.0';
const given = process.argv[2];
const folder = given ?? mkdtempSync(join(tmpdir(), 'soma-tfjs-'));
const packages = ['core', 'layers', 'backend-cpu', 'backend-wasm'].map((part) => `@tensorflow/tfjs-${part}`);
const cases = [
    { name: 'classify2d', batch: 10, rows: 200, soma: 500000, tfjs: 500 },
    { name: 'classify2d', batch: 200, rows: 200, soma: 1000000, tfjs: 10000 },
    { name: 'mnist', batch: 20, rows: 100, soma: 2000, tfjs: 20 },
];

let bench;
try {
    if (!given)
        execFileSync(
            'npm',
            ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error'].concat(
                packages.map((name) => `${name}@${VERSION}`),
            ),
        );
    const file = (name, path) => readFileSync(join(folder, 'node_modules', name, 'dist', path));
    const scripts = packages.map((name) => file(name, `tf-${name.split('tfjs-')[1]}.min.js`).toString());
    bench = await openBench(scripts);
    bench.page.on('console', (m) => console.log(m.text())); // which backend cannot train, and why
    const modules = Object.fromEntries(
        ['', '-simd', '-threaded-simd'].map((kind) => {
            const path = `tfjs-backend-wasm${kind}.wasm`;
            return [path, `data:application/wasm;base64,${file(packages[3], path).toString('base64')}`];
        }),
    );
    await bench.page.evaluate((modules) => tf.wasm.setWasmPaths(modules), modules);
    for (const { name, batch, rows, ...examples } of cases) {
        const rates = await bench.page.evaluate(
            async ({ network, batch, rows, examples, optimizer, rounds }) => {
                const data = bench.data(network, rows);
                const train = bench.somaTrainer(network, batch, data);
                const model = () => {
                    const m = tf.sequential();
                    const add = (layer) => m.add(layer);
                    if (network.sample.length === 1) {
                        add(tf.layers.dense({ units: 6, activation: 'tanh', inputShape: [2] }));
                        add(tf.layers.dense({ units: 2, activation: 'tanh' }));
                    } else {
                        const conv = { kernelSize: 5, padding: 'same', activation: 'relu' };
                        add(tf.layers.conv2d({ ...conv, filters: 8, inputShape: [24, 24, 1] }));
                        add(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }));
                        add(tf.layers.conv2d({ ...conv, filters: 16 }));
                        add(tf.layers.maxPooling2d({ poolSize: 3, strides: 3 }));
                        add(tf.layers.flatten());
                    }
                    add(tf.layers.dense({ units: network.classes, activation: 'softmax' }));
                    m.compile({
                        optimizer: tf.train.momentum(optimizer.rate, optimizer.momentum),
                        loss: 'categoricalCrossentropy',
                    });
                    return m;
                };
                /* Batches made beforehand: what is measured is the step alone. */
                const start = async (backend) => {
                    if (!(await tf.setBackend(backend))) throw new Error(`there is no backend ${backend}`);
                    await tf.ready();
                    const m = model();
                    const size = network.sample.reduce((a, b) => a * b);
                    const shape = network.sample.length === 1 ? [batch, 2] : [batch, 24, 24, 1];
                    const batches = Array.from({ length: rows / batch }, (_, i) => [
                        tf.tensor(data.x.slice(i * batch * size, (i + 1) * batch * size), shape),
                        tf.cast(
                            tf.oneHot(
                                tf.tensor1d(data.labels.slice(i * batch, (i + 1) * batch), 'int32'),
                                network.classes,
                            ),
                            'float32',
                        ),
                    ]);
                    return async (examples) => {
                        await tf.setBackend(backend);
                        for (let i = 0; i < examples / batch; i++) await m.trainOnBatch(...batches[i % batches.length]);
                    };
                };
                const rates = { soma: [] };
                const theirs = {};
                for (const backend of ['cpu', 'wasm']) {
                    try {
                        const run = await start(backend);
                        await run(examples.tfjs);
                        theirs[`TensorFlow.js ${backend}`] = run;
                        rates[`TensorFlow.js ${backend}`] = [];
                    } catch (error) {
                        console.info(`${backend}: ${error.message}`); // a backend that cannot train it
                    }
                }
                train(examples.soma / 5);
                for (let i = 0; i < rounds; i++) {
                    rates.soma.push(await bench.rate(train, examples.soma));
                    for (const name of Object.keys(theirs))
                        rates[name].push(await bench.rate(theirs[name], examples.tfjs));
                }
                return rates;
            },
            { network: networks[name], batch, rows, examples, optimizer, rounds: ROUNDS },
        );
        report(`${networks[name].title}, batch ${batch}`, rates);
    }
} finally {
    await bench?.close();
    if (!given) rmSync(folder, { recursive: true, force: true });
}
