// The module computes what the native library computes: the same points, initial weights, gradients, steps.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { native, near, soma } from './helpers.mjs';

const expected = native();
const points = soma.points('spiral', 60, 0.03);
const spec = 'dense 8 tanh, dense 8 tanh, dense 1 sigmoid';
const make = () => {
    const net = soma.network(spec, { sample: [2], seed: 7 });
    net.setData('train', points.xy, points.labels);
    return net;
};

test('points are the library’s', () => near(points.xy, expected.get('points'), 'points', 1e-6, 1e-7));

test('initial weights are those of the seed', () => {
    const net = make();
    assert.equal(net.parameters.length, 6);
    for (const name of net.parameters) near(net.get(name).data, expected.get(`start.${name}`), name, 1e-6, 1e-7);
    net.destroy();
});

test('answers, inner values and gradients by name', () => {
    const net = make();
    near(net.predict(points.xy), expected.get('answer'), 'answer');
    near(net.look(points.xy)[0], expected.get('hidden'), 'hidden');
    const { loss, gradients } = net.differentiate(points.xy, points.labels);
    near([loss], expected.get('loss'), 'loss');
    for (const [name, g] of gradients) near(g.data, expected.get(`gradient.${name}`), name);
    assert.equal(gradients.size, 6);
    net.destroy();
});

const optimizers = [
    { kind: 'sgd', rate: 0.1, l1: 0.001, l2: 0.01 },
    { kind: 'momentum', rate: 0.05 },
    { kind: 'nesterov', rate: 0.05 },
    { kind: 'rmsprop', rate: 0.01 },
    { kind: 'adam', rate: 0.01 },
    { kind: 'adamw', rate: 0.01 },
    { kind: 'adagrad', rate: 0.05 },
];
for (const optimizer of optimizers)
    test(`twenty steps of ${optimizer.kind}`, () => {
        const net = make();
        net.setTraining(60, optimizer);
        const losses = Array.from({ length: 20 }, () => (net.train(1), net.epochLoss));
        near(losses, expected.get(`${optimizer.kind}.losses`), 'losses');
        for (const name of net.parameters) near(net.get(name).data, expected.get(`${optimizer.kind}.${name}`), name);
        net.destroy();
    });
