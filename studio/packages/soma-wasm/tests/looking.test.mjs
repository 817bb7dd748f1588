// Looking inside: what a layer computed, one number of a map, saliency, statistics and features, each beside what it
// must agree with.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { near, project, soma } from './helpers.mjs';

const read = (name, head) => gunzipSync(readFileSync(`${project}data/mnist/${name}`)).subarray(head);
const ROWS = 400;
const x = Float32Array.from(read('t10k-images-idx3-ubyte.gz', 16).subarray(0, 784 * ROWS), (v) => v / 255);
const labels = Float32Array.from(read('t10k-labels-idx1-ubyte.gz', 8).subarray(0, ROWS));
const digit = x.subarray(0, 784);

const net = soma.network('conv 6 5x5 p2 relu, maxpool 2, conv 8 3x3 s2 tanh, dense 20 relu, dense 10 softmax', {
    sample: [1, 28, 28],
    seed: 2,
});
net.setData('train', x, labels);
net.setData('test', x.subarray(0, 784 * 50), labels.subarray(0, 50));
net.setTraining(20, { kind: 'adam', rate: 0.003 });
net.train(100);
const inside = soma.inside(net);

test('layers with weights are listed with their shapes', () => {
    assert.deepEqual(inside.sample, [1, 28, 28]);
    assert.equal(inside.classes, 10);
    assert.deepEqual(
        inside.layers.map((l) => [l.name, l.shape, l.input]),
        [
            ['conv2d1', [6, 28, 28], [1, 28, 28]],
            ['conv2d2', [8, 6, 6], [6, 14, 14]],
            ['dense1', [20], [288]],
            ['dense2', [10], [20]],
        ],
    );
});

test('the layers of a sample are those that the network answers with', () => {
    inside.look(digit);
    const layers = net.look(digit);
    near(inside.values(0, 'input'), [...digit], 'input', 0, 0);
    near(inside.values(0, 'output'), [...layers[0]], 'first map');
    near(inside.values(1, 'input'), [...layers[1]], 'pooled');
    near(inside.values(1, 'output'), [...layers[2]], 'second map');
    near(
        inside.values(1, 'output'),
        [...inside.values(1, 'value')].map((v) => Math.tanh(v)),
        'activation',
    );
});

test('answers are the softmax of the scores', () => {
    inside.look(digit);
    const { scores, powers, sum, answers } = inside.scores();
    near([...powers], [...scores].map(Math.exp), 'powers');
    near([sum], [powers.reduce((a, b) => a + b)], 'sum');
    near(
        answers,
        [...powers].map((p) => p / sum),
        'softmax',
    );
    near(answers, [...net.predict(digit)], 'predict');
    near(scores, [...inside.values(3, 'value')], 'scores');
});

test('a pixel of a map is the sum of its products, the bias and the activation', () => {
    inside.look(digit);
    for (const [layer, channel, row, column] of [
        [0, 3, 13, 14],
        [0, 5, 0, 27],
        [1, 7, 5, 0],
    ]) {
        const p = inside.pixel(layer, channel, row, column),
            shape = inside.layers[layer].shape,
            at = (channel * shape[1] + row) * shape[2] + column;
        assert.equal(p.products.length, p.channels * p.height * p.width);
        near([p.sum], [p.products.reduce((a, b) => a + b)], 'sum');
        near([...p.products], [...p.inputs.map((v, i) => v * p.weights[i])], 'products');
        near([p.value], [p.sum + p.bias], 'value');
        near([p.value], [inside.values(layer, 'value')[at]], 'the map before the activation');
        near([p.output], [inside.values(layer, 'output')[at]], 'the map');
        const kernel = net.get(`conv2d${layer + 1}.weight`).data;
        near([...p.weights], [...kernel.subarray(channel * p.weights.length, (channel + 1) * p.weights.length)], 'w');
    }
    assert.throws(() => inside.pixel(0, 6, 0, 0), /has no element in channel 6/);
    assert.throws(() => inside.pixel(2, 0, 0, 0), /only maps have pixels/);
});

test('saliency is the slope of the score', () => {
    // Pictures without equal neighbours: at a tie the largest of a window has no slope.
    const pictures = Float32Array.from({ length: 2 * 784 }, (_, i) => 0.5 + 0.5 * Math.sin(0.37 * i * i));
    const classes = [3, 7],
        step = 2e-3;
    const slope = inside.saliency(pictures, classes);
    classes.forEach((k, row) => {
        for (const pixel of [0, 200, 378, 406, 515, 783]) {
            const at = (h) => {
                const moved = pictures.slice(784 * row, 784 * (row + 1));
                moved[pixel] += h;
                inside.look(moved);
                return inside.scores().scores[k];
            };
            const expected = (at(step) - at(-step)) / (2 * step);
            near([slope[784 * row + pixel]], [expected], `row ${row}, pixel ${pixel}`, 0.02, 2e-3);
        }
    });
    assert.throws(() => inside.saliency(digit, [10]), /class/);
});

test('taps tell what passes through each layer, forward and backward', () => {
    const taps = net.tap(digit, labels.subarray(0, 1));
    inside.look(digit);
    taps.forEach((tap, layer) => {
        const values = inside.values(layer, 'output');
        if (layer < 3) near([tap.values.min, tap.values.max], [Math.min(...values), Math.max(...values)], 'range');
        assert.equal(
            tap.values.histogram.reduce((a, b) => a + b),
            values.length,
        );
    });
    // The gradient by the last layer's values is the answer less the truth.
    const { answers } = inside.scores();
    const slope = answers.map((a, k) => a - (k === labels[0] ? 1 : 0));
    near([taps[3].gradients.min, taps[3].gradients.max], [Math.min(...slope), Math.max(...slope)], 'gradient');
    assert.ok(taps[0].dead >= 0 && taps[0].dead <= taps[0].saturated);
});

test('examining a set gives its measure and its answers', () => {
    const found = net.examine('test'),
        { loss, accuracy } = net.measure('test');
    assert.equal(found.loss, loss);
    assert.equal(found.accuracy, accuracy);
    near(found.answers, [...net.predict(x.subarray(0, 784 * 50))], 'answers');
});

test('a feature rises over the steps, and a saved network shows the same', () => {
    const options = { low: 0, high: 1, jitter: 2, blur: 0.5, blurEvery: 4, decay: 0.002, seed: 5 };
    const model = soma.load(net.save()),
        file = soma.inside(model);
    assert.deepEqual(
        file.layers.map((l) => l.shape),
        inside.layers.map((l) => l.shape),
    );
    for (let layer = 0; layer < inside.layers.length; layer++) {
        const feature = inside.feature(layer, 4, options);
        const first = feature.step(1);
        let last = first;
        for (let i = 0; i < 5; i++) last = feature.step(10);
        assert.ok(last > first, `layer ${layer}: from ${first} to ${last}`);
        const picture = feature.picture();
        assert.ok(picture.every((v) => v >= 0 && v <= 1));
        const again = file.feature(layer, 4, options);
        near([again.step(51)], [last], 'from the file');
        near(again.picture(), [...picture], 'picture', 1e-3, 1e-3);
        feature.destroy();
        again.destroy();
    }
    assert.throws(() => inside.feature(0, 6), /no such unit/);
    file.destroy();
    model.destroy();
});

test('a drawing is fitted as MNIST was: a box of 20, the centre of mass in the middle', () => {
    // A digit of MNIST drawn large, off the middle, comes back about as it was.
    const side = 200,
        scale = 6,
        ink = new Float32Array(side * side);
    for (let y = 0; y < 28 * scale; y++)
        for (let c = 0; c < 28 * scale; c++)
            ink[(y + 30) * side + c + 5] = digit[28 * Math.floor(y / scale) + Math.floor(c / scale)];
    const fitted = soma.digit(ink, side, side);
    near(fitted, [...digit], 'fitted', 0, 0.02);
    const moments = [0, 0, 0];
    const line = new Float32Array(side * side);
    for (let y = 20; y < 60; y++) for (let c = 100; c < 110; c++) line[y * side + c] = 1;
    soma.digit(line, side, side).forEach((v, i) => {
        moments[0] += v;
        moments[1] += v * Math.floor(i / 28);
        moments[2] += v * (i % 28);
    });
    near([moments[0]], [20 * 5], 'the mass of a line of 40 x 10 fitted into 20 x 5');
    near([moments[1] / moments[0], moments[2] / moments[0]], [14, 14], 'its centre', 0, 0.5);
    assert.equal(soma.digit(new Float32Array(100), 10, 10), undefined);
});
