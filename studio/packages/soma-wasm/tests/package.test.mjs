// What the package promises beside numbers: files, formulas, landscapes, and sentences for mistakes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, near, soma } from './helpers.mjs';

const points = soma.points('moons', 200, 0.1, 3);

function trained(options = {}) {
    const net = soma.network('dense 8 tanh, dense 8 tanh', { sample: [2], task: 'classify', seed: 1, ...options });
    net.setData('train', points.xy, points.labels);
    net.setTraining(20, { kind: 'adam', rate: 0.02 });
    net.train(600);
    return net;
}

test('training learns two moons, and the same settings give the same weights', () => {
    const a = trained(),
        b = trained();
    assert.ok(a.measure('train').accuracy > 0.97);
    assert.deepEqual(a.get('dense2.weight').data, b.get('dense2.weight').data);
    assert.equal(a.stepsPerEpoch, 10);
    assert.equal(a.steps, 600);
});

test('a saved network answers the same when loaded, here and in the native command', () => {
    const net = trained({ features: ['x1', 'x2', 'x1^2', 'sin(pi x2)'] });
    const answers = net.predict(points.xy);
    const file = net.save();
    const model = soma.load(file);
    assert.deepEqual(model.inputs, [{ name: 'x', shape: [-1, 2] }]);
    const { probabilities } = model.run({ x: points.xy });
    assert.deepEqual(probabilities.shape, [200, 2]);
    near(
        Array.from({ length: 200 }, (_, i) => probabilities.data[2 * i + 1]),
        answers,
        'loaded',
        1e-6,
        1e-6,
    );

    const folder = mkdtempSync(join(tmpdir(), 'soma-'));
    try {
        writeFileSync(join(folder, 'model.onnx'), file);
        const rows = Array.from({ length: 200 }, (_, i) => `${points.xy[2 * i]},${points.xy[2 * i + 1]}`);
        writeFileSync(join(folder, 'x.csv'), ['x1,x2', ...rows].join('\n') + '\n');
        const out = execFileSync(command, ['predict', join(folder, 'model.onnx'), join(folder, 'x.csv'), '--json'], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
        });
        const native = out
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line).probabilities['1']);
        near(native, answers, 'native');
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test('a file of the native command runs here', () => {
    const folder = mkdtempSync(join(tmpdir(), 'soma-'));
    try {
        const run = join(folder, 'run');
        execFileSync(command, ['train', 'iris', '--net', 'dense 8 relu', '--epochs', '3', '--out', run], {
            stdio: 'ignore',
        });
        const model = soma.load(readFileSync(join(run, 'model.onnx')));
        const { probabilities } = model.run({ x: [5.1, 3.5, 1.4, 0.2] });
        near([probabilities.data.reduce((a, b) => a + b)], [1], 'sum');
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test('a damaged file is read or refused by a sentence, never worse', () => {
    const file = trained().save();
    const read = (bytes) => {
        try {
            soma.load(bytes).destroy();
        } catch (error) {
            assert.equal(error.name, 'SomaError');
            assert.match(error.message, /./);
        }
    };
    for (let length = 0; length < file.length; length += 7) read(file.subarray(0, length));
    for (let i = 0; i < file.length; i++) read(file.map((byte, k) => (k === i ? byte ^ 0x55 : byte)));
    assert.throws(() => soma.load(file.subarray(0, 100)), /damaged or no ONNX file/);
});

test('parameters are written and read, and the surface leaves them as they were', () => {
    const net = soma.network('dense 1', { sample: [1], seed: 1 });
    net.setData('train', [-1, 0, 1, 2], [-1, 1, 3, 5]);
    net.set('dense1.weight', [2]);
    net.set('dense1.bias', [0]);
    const axis = (parameter, low, high) => ({ parameter, index: 0, low, high });
    const surface = net.surface(axis('dense1.weight', 1, 3), axis('dense1.bias', 0, 2), 3);
    near(
        surface,
        [3.5, 1, 1.5, 1.5, 0, 1.5, 1.5, 1, 3.5].map((_, i) => {
            const w = 1 + (i % 3),
                b = Math.floor(i / 3);
            return [-1, 0, 1, 2].reduce((sum, x) => sum + (w * x + b - 2 * x - 1) ** 2, 0) / 4;
        }),
        'surface',
    );
    assert.deepEqual([...net.get('dense1.weight').data, ...net.get('dense1.bias').data], [2, 0]);
});

test('the lecture’s golden graph has the lecture’s values and gradients', () => {
    const f = soma.formula('1 / (1 + exp(-(w0*x0 + w1*x1 + w2)))');
    const { values, gradients } = f.run({ w0: 2, x0: -1, w1: -3, x1: -2, w2: -3 });
    const slope = (name) => gradients[f.nodes.findIndex((n) => n.name === name)];
    near([values.at(-1)], [0.7310585786300049], 'value', 1e-12, 0);
    assert.equal(gradients.at(-1), 1);
    const s = values.at(-1) * (1 - values.at(-1));
    near(['w0', 'x0', 'w1', 'x1', 'w2'].map(slope), [-s, 2 * s, -2 * s, -3 * s, s], 'gradients', 1e-12, 0);
});

test('formulas follow the usual rules and refuse what they do not know', () => {
    const value = (text) => soma.formula(text).run({}).values.at(-1);
    near(
        [value('-2^2'), value('2^3^2'), value('8/4/2'), value('1-2-3'), value('max(2, tanh(0))')],
        [-4, 512, 1, -4, 2],
        'v',
    );
    assert.throws(() => soma.formula('1 +'), /at the end of the formula/);
    assert.throws(() => soma.formula('2 $ 3'), /character 3/);
    assert.throws(() => soma.formula('frob(1)'), /no function 'frob'/);
    assert.throws(() => soma.formula('('.repeat(5000)), /nested too deeply/);
});

test('an optimizer walks down a landscape', () => {
    const land = soma.landscape('x^2 + 10*y^2', { kind: 'sgd', rate: 0.05 }, { x: 1, y: 1 });
    const path = land.walk(3);
    near(path, [1, 1, 11, 0.9, 0, 0.81, 0.81, 0, 0.6561], 'path');
    near(land.heights({ x: [0, 1], y: [0, 1] }, 2), [0, 1, 10, 11], 'heights');
});

test('mistakes are sentences', () => {
    assert.throws(() => soma.network('dense', { sample: [2] }), /dense/);
    assert.throws(() => soma.network('dense 1', { sample: [2] }).set('dense1.weight', [1]), /another size/);
    assert.throws(() => soma.network('dense 3', { sample: [2] }).setData('train', [1, 2], [3]), /no such class/);
});

test('module and code together are below 400 KB after gzip', () => {
    const files = [
        'soma.wasm',
        'index.js',
        'module.js',
        'network.js',
        'model.js',
        'data.js',
        'formula.js',
        'settings.js',
        'slide.js',
    ];
    const sizes = files.map((f) => gzipSync(readFileSync(new URL(`../dist/${f}`, import.meta.url))).length);
    const total = sizes.reduce((a, b) => a + b);
    assert.ok(total < 400_000, `${total} bytes`);
});
