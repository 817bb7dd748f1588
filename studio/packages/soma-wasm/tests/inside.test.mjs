// What the package tells of a network's inside: taps of its layers, and descriptions without weights.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { near, soma } from './helpers.mjs';

const points = soma.points('moons', 64, 0.1, 3);
const norm = (values) => Math.hypot(...values);

function make(spec) {
    return soma.network(spec, { sample: [2], task: 'classify', seed: 2 });
}

test('taps agree with layers’ outputs and with the gradients of biases', () => {
    for (const spec of ['dense 6 tanh, dense 5 sigmoid', 'dense 6 tanh, residual(dense 6 relu)']) {
        const net = make(spec);
        for (let i = 0; i < 8; i++) {
            const x = points.xy.slice(2 * i, 2 * i + 2),
                target = points.labels.slice(i, i + 1);
            const taps = net.tap(x, target);
            const { gradients } = net.differentiate(x, target);
            assert.deepEqual(
                taps.map((tap) => tap.name),
                ['dense1', 'dense2', 'dense3'],
            );
            // Of one sample the bias's gradient is the gradient before the activation.
            for (const tap of taps)
                near([tap.gradients.norm], [norm(gradients.get(`${tap.name}.bias`).data)], tap.name, 1e-5, 1e-9);
            const looked = net.look(x)[0];
            near([taps[0].values.norm], [norm(looked)], 'values', 1e-5, 1e-7);
            near([taps[0].values.max], [Math.max(...looked)], 'largest', 1e-6, 1e-7);
        }
        net.destroy();
    }
});

test('histograms count everything, between bounds that are given', () => {
    const net = make('dense 8 sigmoid, dense 8 relu');
    const taps = net.tap(points.xy, points.labels, { low: 0, high: 1 });
    for (const { values, gradients } of taps) {
        assert.equal(values.histogram.length, 32);
        assert.equal(
            values.histogram.reduce((a, b) => a + b),
            values.count,
        );
        assert.deepEqual([values.low, values.high], [0, 1]);
        assert.deepEqual([gradients.low, gradients.high], [-14, 2]);
    }
    assert.equal(taps[0].values.count, 64 * 8);
    // Other bounds, and fewer rows, later.
    const [first] = net.tap(points.xy.slice(0, 20), points.labels.slice(0, 10));
    assert.equal(first.values.count, 80);
    near([first.values.low, first.values.high], [first.values.min, first.values.max], 'bounds');
    net.destroy();
});

test('a ReLU that is off counts as saturated, an output without activation as neither', () => {
    const net = soma.network('dense 4 relu, dense 1', { sample: [2], seed: 1 });
    net.set('dense1.weight', new Float32Array(8));
    net.set('dense1.bias', [1, -1, 1, -1]);
    const [hidden, answer] = net.tap(points.xy, points.labels);
    assert.equal(hidden.saturated, 0.5);
    assert.equal(hidden.dead, 0.5);
    assert.ok(Number.isNaN(answer.saturated));
    net.destroy();
});

test('looking changes nothing: steps are the same with taps and without', () => {
    const train = (look) => {
        const net = make('dense 6 tanh, dense 6 tanh');
        net.setData('train', points.xy, points.labels);
        net.setTraining(16, { kind: 'adam', rate: 0.01 });
        for (let i = 0; i < 30; i++) {
            net.train(1);
            if (look) net.tap(points.xy, points.labels);
        }
        const { data } = net.get('dense2.weight');
        net.destroy();
        return data;
    };
    assert.deepEqual(train(true), train(false));
});

test('alexnet is described without its weights', () => {
    const { sample, spec, rows } = soma.describe('alexnet');
    assert.deepEqual(sample, [3, 227, 227]);
    assert.match(spec, /^conv 96 11x11 s4 relu, maxpool 3 s2, .*dense 1000 softmax$/);
    assert.equal(
        rows.reduce((all, row) => all + row.parameters, 0),
        62378344,
    );
    assert.deepEqual(rows[0], {
        text: 'conv 96 11x11 s4 relu',
        depth: 0,
        input: [3, 227, 227],
        output: [96, 55, 55],
        parameters: 34944,
        flops: 2 * 55 * 55 * 96 * 11 * 11 * 3,
        parameterBytes: 4 * 34944,
        outputBytes: 4 * 55 * 55 * 96,
        window: { height: 11, width: 11, stride: 4, padding: 0 },
    });
    assert.deepEqual(rows[8].input, [9216]);
    assert.equal(rows[8].window, undefined);
});

test('branches lie deeper; a specification needs its sample, and must fit it', () => {
    const { rows } = soma.describe('conv 8 3x3 p1 relu, residual(conv 8 3x3 p1), avgpool global, dense 2', [1, 6, 6]);
    assert.deepEqual(
        rows.map((row) => row.depth),
        [0, 0, 1, 0, 0],
    );
    assert.throws(() => soma.describe('conv 8 7x7', [1, 6, 6]), /conv/);
    assert.throws(() => soma.describe('dense 3'), /a sample has/);
    assert.throws(() => soma.describe('alexnett'), /did you mean/);
});
