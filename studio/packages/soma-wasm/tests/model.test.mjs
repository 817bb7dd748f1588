// Models looked into, tables and pictures read as the command reads them.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { near, project, soma } from './helpers.mjs';

function saved() {
    const net = soma.network('conv 2 3x3 relu, maxpool 2, dense 3', { sample: [1, 6, 6], seed: 3 });
    const x = Float32Array.from({ length: 72 }, (_, i) => Math.sin(i));
    return { net, x, model: soma.load(net.save()) };
}

test('nodes, weights and what lies between them', () => {
    const { net, x, model } = saved();
    assert.equal(model.producer, 'soma');
    assert.equal(model.opset, 17);
    const conv = model.nodes.findIndex((n) => n.op === 'Conv');
    assert.match(model.nodes[conv].attributes, /^kernel_shape 3 3, strides 1 1, pads 0 0 0 0/);
    assert.deepEqual(model.nodes[conv].outputs, [{ name: 'conv2d1', shape: [-1, 2, 4, 4] }]);
    assert.deepEqual(
        model.weights.map((w) => w.name),
        ['conv2d1.weight', 'conv2d1.bias', 'dense1.weight', 'dense1.bias'],
    );
    near(model.weight(0).data, net.get('conv2d1.weight').data, 'weight', 0, 0);
    const relu = model.nodes.findIndex((n) => n.op === 'Relu');
    const looked = model.look({ x }, { node: relu, output: 0 });
    assert.deepEqual(looked.shape, [2, 2, 4, 4]);
    near(looked.data, net.look(x)[0], 'after the ReLU');
    const plain = model.look({ x }, { node: conv, output: 0 });
    near(
        looked.data,
        plain.data.map((v) => Math.max(0, v)),
        'the ReLU of the convolution',
    );
    near(Object.values(model.run({ x }))[0].data, net.predict(x), 'answers');
    assert.throws(() => model.look({ x }, { node: 999, output: 0 }), /nothing to look at/);
    assert.equal(JSON.parse(model.metadata('soma.model')).version, 1);
    assert.equal(model.metadata('none'), '');
    model.destroy();
    net.destroy();
});

test('a table is read by its columns’ names, in any order, with texts and missing cells', () => {
    const bytes = (text) => new TextEncoder().encode(text);
    const columns = [
        { name: 'length', position: 0 },
        { name: 'colour', position: 1, categories: ['blue', 'red'] },
        { name: 'seen', position: 2, date: 'year-month-day' },
    ];
    const schema = { header: true, columns, target: 'kind', targetPosition: 3, fileColumns: 4 };
    const file = 'seen,more,colour,length\n1970-01-03,1,red,2.5\n1970-01-01,2,"blue",\n1970-01-01,3,blue,many\n';
    const table = soma.table('t.csv', bytes(file), schema);
    assert.equal(table.rows, 3);
    near(table.features.slice(0, 3), [2.5, 1, 2], 'row 1');
    assert.ok(Number.isNaN(table.features[3]));
    near(table.features.slice(4, 6), [0, 0], 'row 2');
    assert.deepEqual([...table.errors.keys()], [2]);
    assert.match(table.errors.get(2), /^t\.csv: line 4, column length: 'many' is not a number/);
    assert.match(table.note, /left out: 'more'/);
    assert.throws(() => soma.table('t.csv', bytes('a,b\nx,y\n'), schema), /there is no column 'length'/);
});

test('all rows of a set', () => {
    const text = readFileSync(`${project}data/tables/iris.csv`);
    const columns = text
        .toString()
        .split('\n')[0]
        .split(',')
        .slice(0, 4)
        .map((name, position) => ({ name, position }));
    const table = soma.table('iris.csv', text, { header: true, columns, target: 'species' });
    assert.equal(table.rows, 150);
    assert.equal(table.errors.size, 0);
    near(table.features.slice(596), [5.9, 3, 5.1, 1.8], 'the last', 1e-6);
});

test('a picture is fitted: averaged, made grey, laid over white, scaled', () => {
    const pixel = (r, g, b, a = 255) => [r, g, b, a];
    const two = { width: 2, height: 1, data: [...pixel(100, 200, 50), ...pixel(0, 0, 0, 0)] };
    near(soma.fit(two, { channels: 3, height: 1, width: 2 }), [100, 255, 200, 255, 50, 255], 'planes');
    near(soma.fit(two, { channels: 3, height: 1, width: 2, last: true }), [100, 200, 50, 255, 255, 255], 'last');
    near(soma.fit(two, { channels: 1, height: 1, width: 2 }), [153, 255], 'grey');
    const mean = [0.5, 0.5, 0.5],
        deviation = [0.5, 0.25, 0.5];
    const scaled = soma.fit(two, { channels: 3, height: 1, width: 2, scale: 1 / 255, mean, deviation });
    near(scaled.slice(2, 4), [(200 / 255 - 0.5) / 0.25, 2], 'scaled');
    const even = { width: 4, height: 4, data: Array.from({ length: 16 }, () => pixel(9, 9, 9)).flat() };
    near(soma.fit(even, { channels: 1, height: 2, width: 2 }), [9, 9, 9, 9], 'smaller');
    assert.throws(() => soma.fit(even, { channels: 2, height: 2, width: 2 }), /1 or 3 channels/);
});

test('statistics', () => {
    const s = soma.summary([0, 2, -2, 4, NaN, 0]);
    assert.equal(s.count, 6);
    assert.equal(s.notFinite, 1);
    near([s.min, s.max, s.mean, s.zeros], [-2, 4, 0.8, 0.4], 'statistics');
    near([s.deviation, s.norm], [Math.sqrt(24 / 5 - 0.64), Math.sqrt(24)], 'spread');
    assert.equal(s.histogram.length, 32);
    assert.equal(
        s.histogram.reduce((a, b) => a + b),
        5,
    );
});
