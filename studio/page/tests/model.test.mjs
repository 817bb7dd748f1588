// The room "Your model": files are opened, asked and looked into; the answers are those of the native command.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSoma } from 'soma-wasm';
import { drop, openForTests, press, waitForStatus } from './browser.mjs';

const project = fileURLToPath(new URL('../../../', import.meta.url));
const example = (name) => join(project, 'studio/page/src/examples', name);
const iris = join(project, 'data/tables/iris.csv');
const command = `${process.env.SOMA_BUILD ?? join(project, 'build')}/soma`;
const soma = await loadSoma(readFileSync(new URL(import.meta.resolve('soma-wasm/soma.wasm'))));
const folder = mkdtempSync(join(tmpdir(), 'soma-'));

const { site, visit } = await openForTests();
after(() => rmSync(folder, { recursive: true }));
const give = (page, name, file) => page.getByLabel(name, { exact: true }).setInputFiles(file);

function near(actual, expected, what) {
    assert.equal(actual.length, expected.length, `${what}: how many`);
    expected.forEach((e, i) =>
        assert.ok(Math.abs(actual[i] - e) <= 1e-5 + 1e-4 * Math.abs(e), `${what} ${i}: ${actual[i]}, expected ${e}`),
    );
}

/** What `soma predict` answers: rows of probabilities or numbers. */
function predicted(...args) {
    const out = execFileSync(command, ['predict', ...args, '--json'], { encoding: 'utf8', stdio: 'pipe' });
    const rows = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    return rows.map((r) => (r.probabilities ? Object.values(r.probabilities) : [r.prediction]));
}
/** The numbers of a table in the page, row by row. */
const numbersOf = (page, name) =>
    page
        .getByRole('table', { name })
        .locator('tbody tr')
        .evaluateAll((rows) =>
            rows.map((row) => [...row.querySelectorAll('[data-value]')].map((cell) => Number(cell.dataset.value))),
        );
const native = { skip: existsSync(command) ? false : 'soma is not built' };

test('a table model answers as the command does, its columns by name in any order', native, async () => {
    const { page, mistakes, close } = await site.page('/?lang=en#/model');
    const lines = readFileSync(iris, 'utf8').trim().split('\n').slice(0, 91);
    // Another order, an extra column, and one cell that is no number.
    const mixed = lines.map((line, i) => {
        const [a, b, c, d] = line.split(',');
        return [d, i ? `n${i}` : 'note', i === 5 ? 'wide' : b, c, a].join(',');
    });
    const file = join(folder, 'mixed.csv');
    writeFileSync(file, mixed.join('\n') + '\n');
    await give(page, 'Open a model', example('iris.onnx'));
    await waitForStatus(page, (s) => /^iris\.onnx: \d+ nodes, 67 parameters$/.test(s));
    await give(page, 'A CSV file', iris);
    await waitForStatus(page, (s) => s.startsWith('150 rows'));
    near(
        (await numbersOf(page, 'Answers probabilities')).flat(),
        predicted(example('iris.onnx'), iris).slice(0, 100).flat(),
        'rows of iris',
    );
    await give(page, 'A CSV file', file);
    await waitForStatus(page, (s) => s.startsWith('90 rows'));
    const expected = predicted(example('iris.onnx'), iris).slice(0, 90);
    const shown = await numbersOf(page, 'Answers probabilities');
    assert.deepEqual(shown[4], []);
    near(shown.flat(), expected.filter((_, i) => i !== 4).flat(), 'rows in another order');
    await page
        .getByRole('cell', { name: /mixed\.csv: line 6, column sepal_width_cm: 'wide' is not a number/ })
        .waitFor();
    await page.getByText("columns that the model does not know are left out: 'note'").waitFor();
    assert.deepEqual(mistakes, []);
    await close();
});

test('a picture model answers as the command does', native, async () => {
    const { page, mistakes, close } = await site.page('/?lang=en#/model');
    await drop(page, 'main', 'digits.onnx', readFileSync(example('digits.onnx')));
    await waitForStatus(page, (s) => s.startsWith('digits.onnx'));
    await give(page, 'A picture, or a CSV of numbers', example('seven.png'));
    await waitForStatus(page, (s) => s.startsWith('prediction 7 97.2 %'));
    const expected = predicted(example('digits.onnx'), example('seven.png'))[0].sort((a, b) => b - a);
    near((await numbersOf(page, 'Answer probabilities')).flat(), expected, 'probabilities');
    assert.deepEqual(mistakes, []);
    await close();
});

visit(
    'inner values are those of the network, chosen in the graph or in the list',
    '/?lang=en#/model?open=digits',
    async (page) => {
        await waitForStatus(page, (s) => s.startsWith('prediction 7'));
        // The first layer, computed here by its definition from the file's weights and the picture in the page.
        const pixels = await page
            .getByRole('img', { name: /The picture as the model gets it/ })
            .evaluate((c) => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0));
        const model = soma.load(readFileSync(example('digits.onnx')));
        const expected = model.look({ x: pixels }, { node: model.nodes.findIndex((n) => n.op === 'Conv'), output: 0 });
        await page.getByRole('button', { name: /^Conv → conv2d1 \[6×24×24\]; kernel_shape 5 5/ }).click();
        await page.getByText('1 × 6 × 24 × 24').waitFor();
        near((await numbersOf(page, 'Numbers')).flat(), [...expected.data.slice(0, 576)], 'map 1');
        const box = page.getByRole('spinbutton', { name: /^Map/ });
        await box.fill('3');
        await box.blur();
        near((await numbersOf(page, 'Numbers')).flat(), [...expected.data.slice(2 * 576, 3 * 576)], 'map 3');
        const s = soma.summary(expected.data);
        assert.equal(
            await page.locator('dt:text-is("mean ± deviation") + dd').textContent(),
            `${Number(s.mean.toPrecision(4))} ± ${Number(s.deviation.toPrecision(4))}`,
        );
        // With the keyboard to the next node, a ReLU: no value is below zero.
        await page.getByRole('button', { pressed: true, name: /^Conv/ }).focus();
        await page.keyboard.press('ArrowDown');
        await page.getByText(/^0 … 6\.\d+$/).waitFor();
        const relu = [...expected.data.slice(0, 576)].map((v) => Math.max(0, v));
        near((await numbersOf(page, 'Numbers')).flat(), relu, 'ReLU');
        await page.getByLabel('Value', { exact: true }).selectOption({ label: 'conv2d1.weight [6×1×5×5]' });
        await page.getByText('6 × 1 × 5 × 5').waitFor();
        const weights = model.weight(model.weights.findIndex((w) => w.name === 'conv2d1.weight')).data;
        near((await numbersOf(page, 'Numbers')).flat(), [...weights.slice(0, 25)], 'filter 1');
        model.destroy();
    },
);

visit('numbers by hand, and the exercises notice', '/?lang=en#/model?open=iris', async (page) => {
    await waitForStatus(page, (s) => s.startsWith('150 rows'));
    await press(page, 'One row by hand');
    await waitForStatus(page, (s) => s.startsWith('prediction setosa'));
    for (const [name, value] of [
        ['sepal_length_cm', '6'],
        ['sepal_width_cm', '2.7'],
        ['petal_length_cm', '5.0'],
        ['petal_width_cm', '1.6'],
    ]) {
        const box = page.getByRole('spinbutton', { name });
        await box.fill(value);
        await box.blur();
    }
    const model = soma.load(readFileSync(example('iris.onnx')));
    const [answer] = Object.values(model.run({ x: [6, 2.7, 5, 1.6] }));
    const expected = [...answer.data].sort((a, b) => b - a);
    const shown = async () => (await numbersOf(page, 'Answer probabilities')).flat();
    await page.waitForFunction(
        (best) => Math.abs(Number(document.querySelector('.answer-bars [data-value]')?.dataset.value) - best) < 1e-4,
        expected[0],
    );
    near(await shown(), expected, 'by hand');
    assert.ok(expected[0] < 0.6, 'the flower is one that the model is not sure of');
    await page.getByText('Exercises: 1 / 3').waitFor();
});

visit('a file that is cut off gives one line, and nothing is lost', '/?lang=en#/model?open=digits', async (page) => {
    await waitForStatus(page, (s) => s.startsWith('prediction 7'));
    const whole = readFileSync(example('iris.onnx'));
    await give(page, 'Open a model', { name: 'cut.onnx', mimeType: '', buffer: whole.subarray(0, 700) });
    const { text } = await waitForStatus(page, (s) => /damaged or no ONNX file/.test(s));
    assert.doesNotMatch(text, /\n/);
    await page.getByRole('heading', { name: 'digits.onnx' }).waitFor();
    assert.equal((await numbersOf(page, 'Answer probabilities')).length, 10);
    await press(page, 'Run the model');
    await waitForStatus(page, (s) => s.startsWith('prediction 7'));
    await give(page, 'A picture, or a CSV of numbers', { name: 'no.png', mimeType: 'image/png', buffer: whole });
    await waitForStatus(page, (s) => s === 'no.png: is no picture that the browser can read');
});

/** An ONNX file of one node, written by hand: field numbers are those of src/format/onnx.proto. */
function tiny(op, inputs, outputs) {
    const field = (number, bytes) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
    const whole = (number, value) => Buffer.from([number << 3, value]);
    const text = (number, value) => field(number, Buffer.from(value));
    const value = (name, dims) =>
        Buffer.concat([
            text(1, name),
            field(
                2,
                field(
                    1,
                    Buffer.concat([
                        whole(1, 1),
                        field(
                            2,
                            Buffer.concat(dims.map((d) => field(1, typeof d === 'string' ? text(2, d) : whole(1, d)))),
                        ),
                    ]),
                ),
            ),
        ]);
    const node = Buffer.concat([
        ...inputs.map(([n]) => text(1, n)),
        ...outputs.map(([n]) => text(2, n)),
        text(3, 'only'),
        text(4, op),
    ]);
    const graph = Buffer.concat([
        field(1, node),
        text(2, 'g'),
        ...inputs.map(([n, d]) => field(11, value(n, d))),
        ...outputs.map(([n, d]) => field(12, value(n, d))),
    ]);
    return Buffer.concat([whole(1, 8), field(7, graph), field(8, Buffer.concat([text(1, ''), whole(2, 17)]))]);
}

visit('a foreign model: two inputs, no names; and an operator that is not there', '/?lang=en#/model', async (page) => {
    const add = tiny(
        'Add',
        [
            ['a', ['N', 3]],
            ['b', ['N', 3]],
        ],
        [['c', ['N', 3]]],
    );
    await give(page, 'Open a model', { name: 'add.onnx', mimeType: '', buffer: add });
    await waitForStatus(page, (s) => s === 'add.onnx: 1 nodes, 0 parameters');
    const csv = (name, text) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
    await page
        .getByRole('group', { name: 'Input a' })
        .getByLabel('A CSV file')
        .setInputFiles(csv('a.csv', '1,2,3\n4,5,6\n'));
    await waitForStatus(page, (s) => s.startsWith('2 rows'));
    await page.getByRole('group', { name: 'Input b' }).getByRole('spinbutton', { name: 'x2' }).fill('0.5');
    await page.getByRole('group', { name: 'Input b' }).getByRole('spinbutton', { name: 'x2' }).blur();
    await page.getByRole('cell', { name: '5.5000' }).waitFor();
    near((await numbersOf(page, 'Answers c')).flat(), [1, 2.5, 3, 4, 5.5, 6], 'sum');
    const other = tiny('Mystery', [['a', ['N', 3]]], [['c', ['N', 3]]]);
    await give(page, 'Open a model', { name: 'other.onnx', mimeType: '', buffer: other });
    await waitForStatus(page, (s) => /node 1 'only' \(Mystery\): the operator is not supported/.test(s));
    await page.getByRole('heading', { name: 'add.onnx' }).waitFor();
});

visit(
    'what the playground trained is saved as ONNX and opened here',
    '/?lang=en#/playground?set=moons&net=4&step=400',
    async (page) => {
        await waitForStatus(page, (s) => /^epoch 10 /.test(s));
        await page.getByRole('link', { name: 'Your model' }).click();
        await page.getByText('--net "dense 4 tanh, dense 1 sigmoid"').waitFor();
        const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Save as ONNX')]);
        assert.equal(download.suggestedFilename(), 'playground.onnx');
        const file = join(folder, 'playground.onnx');
        await download.saveAs(file);
        await press(page, 'Open it here');
        await waitForStatus(page, (s) => s.startsWith('playground.onnx: '));
        await page.getByRole('spinbutton', { name: 'x1' }).fill('0.5');
        await page.getByRole('spinbutton', { name: 'x1' }).blur();
        await waitForStatus(page, (s) => s.startsWith('prediction '));
        const net = soma.network('dense 4 tanh', { sample: [2], task: 'classify', features: ['x1', 'x2'] });
        const points = soma.points('moons', 500, 0.03, 0);
        net.setData('train', points.xy.subarray(0, 800), points.labels.subarray(0, 400));
        net.setTraining(10, { kind: 'adam', rate: 0.03 });
        net.train(400);
        const [p] = net.predict([0.5, 0]);
        const expected = [p, 1 - p].sort((a, b) => b - a);
        near((await numbersOf(page, 'Answer probabilities')).flat(), expected, 'in the page');
        if (!native.skip) {
            writeFileSync(join(folder, 'x.csv'), 'x1,x2\n0.5,0\n');
            near(
                predicted(file, join(folder, 'x.csv'))[0].sort((a, b) => b - a),
                expected,
                'in the command',
            );
        }
    },
);

visit('the answers as a CSV file', '/?lang=en#/model?open=iris', async (page) => {
    await waitForStatus(page, (s) => s.startsWith('150 rows'));
    const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Save the answers as CSV')]);
    const lines = readFileSync(await download.path(), 'utf8')
        .trim()
        .split('\n');
    assert.equal(lines[0], 'prediction,p(setosa),p(versicolor),p(virginica)');
    assert.equal(lines.length, 151);
    assert.match(lines[1], /^setosa,0\.96\d+,/);
});

visit(
    'in Russian, on a phone',
    '/?lang=ru#/model?open=iris',
    async (page) => {
        await waitForStatus(page, (s) => s.startsWith('150 строк'));
        assert.ok(await page.getByLabel('Открыть модель').isVisible());
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${over} px too wide`);
    },
    { viewport: { width: 390, height: 800 } },
);
