// The rooms of digits and of features: what the page shows of a network that it trained is compared with what the package
// computes under Node of the same network, which the page saved as ONNX.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { loadSoma } from 'soma-wasm';
import { accuracy, dist, drop, openForTests, press, waitForStatus } from './browser.mjs';

const soma = await loadSoma(readFileSync(new URL(import.meta.resolve('soma-wasm/soma.wasm'))));
const idx = (name, head) =>
    gunzipSync(readFileSync(new URL(`../../../data/mnist/${name}`, import.meta.url))).subarray(head);
const part = (name) => ({
    x: Float32Array.from(idx(`${name}-images-idx3-ubyte.gz`, 16), (v) => v / 255),
    labels: Float32Array.from(idx(`${name}-labels-idx1-ubyte.gz`, 8)),
});
const test_ = part('t10k');
const bytes = (x) => x.map((v) => 255 * v);
const digit = (i) => test_.x.subarray(784 * i, 784 * (i + 1));
const LIMIT = 180_000;

const { visit } = await openForTests();
const near = (a, b, what, rtol = 1e-4, atol = 1e-5) =>
    assert.ok(Math.abs(a - b) <= atol + rtol * Math.abs(b), `${what}: ${a}, expected ${b}`);
const pad = (page) => page.getByRole('img', { name: 'Draw a digit' });

/** Strokes on the pad: lists of x, y in parts of its side. The mouse moves once a frame, so that each move costs its time. */
async function draw(page, strokes) {
    await pad(page).evaluate((canvas) => canvas.scrollIntoView({ block: 'center' }));
    const box = await pad(page).boundingBox();
    for (const points of strokes) {
        for (const [i, [x, y]] of points.entries()) {
            await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
            if (!i) await page.mouse.down();
        }
        await page.mouse.up();
    }
}

/** A digit of the set, row by row: the pen is as wide as two of its pixels, so that runs of ink lose one at each end. */
function traced(picture) {
    const strokes = [];
    for (let y = 0; y < 28; y++)
        for (let x = 0; x < 28; x++) {
            if (!(picture[28 * y + x] > 0.5)) continue;
            let end = x;
            while (end < 27 && picture[28 * y + end + 1] > 0.5) end++;
            const middle = (x + end + 1) / 2,
                half = Math.max(0.05, (end + 1 - x) / 2 - 1);
            strokes.push([
                [(middle - half) / 28, (y + 0.5) / 28],
                [(middle + half) / 28, (y + 0.5) / 28],
            ]);
            x = end;
        }
    return strokes;
}

/** The model that the page saved: it takes bytes, as a picture's file holds them. */
async function saved(page) {
    const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Save as ONNX')]);
    assert.match(download.suggestedFilename(), /^\w+\.onnx$/);
    return soma.load(readFileSync(await download.path()));
}

const numbers = async (locator) => (await locator.allTextContents()).map((s) => Number(s.replace('−', '-')));

visit(
    'digits: LeNet learns to 95 %, and all that is shown of a digit is what the package computes',
    '/?lang=en#/digits?digit=3',
    async (page) => {
        const begun = performance.now();
        await press(page, 'Train');
        const { text } = await waitForStatus(page, (s) => accuracy(s) >= 95, LIMIT);
        const took = performance.now() - begun;
        await press(page, 'Pause');
        const speed = /([\d,]+) examples a second/.exec(await page.locator('section.side').innerText())?.[1];
        console.log(`# LeNet: ${(took / 1000).toFixed(1)} s until "${text}", ${speed} examples a second`);
        // What was computed before the pause arrives, and the exact standing with the next step.
        await page.waitForTimeout(1500);
        await press(page, 'Step');
        await page.waitForTimeout(2500);
        const status = await page.getByRole('status').textContent();
        const model = await saved(page),
            inside = soma.inside(model);

        // The accuracy of the status, on the whole test part.
        const { probabilities } = model.run({ x: bytes(test_.x) });
        const answerOf = (i) => {
            const p = probabilities.data.subarray(10 * i, 10 * i + 10);
            return p.indexOf(Math.max(...p));
        };
        const right = test_.labels.filter((l, i) => answerOf(i) === l).length;
        assert.equal(accuracy(status), Math.round((1000 * right) / test_.labels.length) / 10, status);

        // The status's answer; scores, exponents and softmax.
        const top = answerOf(3);
        assert.match(status, new RegExp(`answer ${top} \\(`));
        inside.look(bytes(digit(3)));
        const { scores, answers } = inside.scores();
        const cells = page.locator('table.softmax tbody td');
        const shown = await numbers(cells);
        const sum = [...scores].reduce((a, z) => a + Math.exp(z), 0);
        for (let k = 0; k < 10; k++) {
            near(shown[3 * k], scores[k], `score ${k}`, 1e-3, 1e-4);
            near(shown[3 * k + 1], Math.exp(shown[3 * k]), `exponent ${k}`, 1e-3, 1e-5);
            near(shown[3 * k + 2], Math.exp(scores[k]) / sum, `softmax ${k}`, 1e-3, 1e-5);
            near(shown[3 * k + 2], answers[k], `answer ${k}`, 1e-3, 1e-5);
        }
        await press(page, 'class 5');
        await page.locator('p.formula[data-class="5"]').waitFor();

        // Saliency of the class that was chosen.
        const slope = inside.saliency(bytes(digit(3)), [5]).map((v) => 255 * v);
        const at = slope.reduce((best, v, i) => (Math.abs(v) > Math.abs(slope[best]) ? i : best), 0);
        const strongest = await page.locator('p.strongest').textContent();
        const [, value, row, column] = /(-?[\d.]+), row (\d+), column (\d+)/.exec(strongest);
        assert.deepEqual([Number(row), Number(column)], [Math.floor(at / 28), at % 28]);
        near(Number(value), slope[at], 'saliency', 1e-3, 1e-5);

        // A number of a map, by a click and by the boxes.
        const map = page.getByRole('img', { name: 'Outputs of the layer conv 20 5x5 relu' });
        await map.scrollIntoViewIfNeeded();
        const box = await map.boundingBox();
        await map.click({ position: { x: 0.1 * 0.5 * box.width, y: box.height * 0.25 } });
        const field = (name) => page.getByRole('spinbutton', { name, exact: true });
        assert.equal(await field('Map').inputValue(), '0');
        const pixel = async (layer) => {
            const place = [];
            for (const name of ['Map', 'Row', 'Column']) place.push(Number(await field(name).inputValue()));
            const expected = inside.pixel(layer, ...place);
            const shape = inside.layers[layer].shape;
            near(
                expected.output,
                inside.values(layer, 'output')[(place[0] * shape[1] + place[1]) * shape[2] + place[2]],
                'the map',
            );
            await page.waitForFunction(
                ([text]) => document.querySelector('dd[data-part=sum]')?.textContent === text,
                [expected.sum.toFixed(5)],
                { timeout: 5000 },
            );
            const [s, b, v, o] = await numbers(page.locator('dl.sums dd'));
            near(s + b, v, 'sum + bias', 1e-4, 2e-5);
            near(v, expected.value, 'value', 1e-4, 1e-5);
            near(o, Math.max(0, v), 'ReLU', 1e-4, 1e-5);
            const products = await page.locator('svg.pixel g[data-grid=products] g text').allTextContents();
            products.forEach((text, i) => near(Number(text), expected.products[i], `product ${i}`, 0, 0.0051));
        };
        await pixel(0);
        await page.getByRole('combobox', { name: 'Layer', exact: true }).selectOption({ label: 'conv 50 5x5 relu' });
        await field('Map').fill('17');
        await field('Map').blur();
        await pixel(1);

        // The confusion of the table is that of the model.
        const confusion = (await page.locator('table.confusion tbody td').allTextContents()).map((s) => Number(s) || 0);
        const expected = new Array(100).fill(0);
        test_.labels.forEach((l, i) => expected[10 * l + answerOf(i)]++);
        assert.deepEqual(confusion, expected);

        // Drawn by the mouse: real digits of the set traced, and by hand.
        let good = 0;
        const traces = [...test_.labels.keys()].filter((i) => answerOf(i) === test_.labels[i]).slice(0, 3);
        for (const i of traces) {
            await press(page, 'Clear');
            await draw(page, traced(digit(i)));
            await page.waitForTimeout(1500);
            const now = await page.getByRole('status').textContent();
            if (now.includes(`answer ${test_.labels[i]} (`)) good++;
        }
        assert.ok(good >= 2, `${good} of ${traces.length} traced digits were read`);
        const byHand = {
            1: [
                [
                    [0.5, 0.15],
                    [0.5, 0.85],
                ],
            ],
            7: [
                [
                    [0.25, 0.2],
                    [0.75, 0.2],
                    [0.45, 0.85],
                ],
            ],
            0: [Array.from({ length: 25 }, (_, k) => [0.5 - 0.2 * Math.sin(k / 3.8), 0.5 - 0.32 * Math.cos(k / 3.8)])],
        };
        for (const [d, strokes] of Object.entries(byHand)) {
            await press(page, 'Clear');
            await draw(page, strokes);
            await waitForStatus(page, (s) => s.includes(`answer ${d} (`), 8000);
        }

        // The network just trained goes on to the features.
        await page.evaluate(() => (location.hash = '#/features?layer=1&channel=4&seed=2'));
        await waitForStatus(page, (s) => /^step 0 · activation/.test(s), LIMIT);
        const start = Number(/activation (-?[\d.]+)/.exec(await page.getByRole('status').textContent())[1]);
        const options = {
            low: 0,
            high: 255,
            rate: 0.02 * 255,
            decay: 0.002,
            jitter: 1,
            blur: 0.5,
            blurEvery: 4,
            seed: 2,
        };
        const feature = inside.feature(1, 4, options);
        near(feature.step(0), start, 'start', 1e-3, 1e-4);
        // A step by hand is the package's; of many, roundings grow apart.
        await press(page, 'Step');
        const { text: stepped } = await waitForStatus(page, (s) => !/^step 0 /.test(s), LIMIT);
        const [, steps, activation] = /^step (\d+) · activation (-?[\d.]+)/.exec(stepped);
        near(feature.step(Number(steps)), Number(activation), stepped, 1e-3, 1e-4);
        await press(page, 'Begin');
        await waitForStatus(page, (s) => Number(/^step (\d+)/.exec(s)?.[1]) >= 40, LIMIT);
        await press(page, 'Pause');
        await page.waitForTimeout(1500);
        const grown = await page.getByRole('status').textContent();
        assert.ok(Number(/activation (-?[\d.]+)/.exec(grown)[1]) > start, `from ${start} to ${grown}`);
        await press(page, 'Draw all of this layer');
        await page.locator('[data-sheet="50"]').waitFor({ timeout: LIMIT });
    },
);

visit(
    'digits: a link leads to the same state',
    '/?lang=en#/digits?net=perceptron&batch=50&rate=0.002&seed=4&step=120',
    async (page) => {
        await page.getByText(/^step 120$|^step 120 ·/).waitFor({ timeout: LIMIT });
        const train = part('train');
        const net = soma.network('dense 100 relu', { sample: [1, 28, 28], task: 'classify', outputs: 10, seed: 4 });
        net.setData('train', train.x, train.labels);
        net.setData('test', test_.x, test_.labels);
        net.setTraining(50, { kind: 'adam', rate: 0.002 });
        net.train(120);
        const expected = Math.round(1000 * net.measure('test').accuracy) / 10;
        await waitForStatus(page, (s) => accuracy(s) === expected, 5000);
        await press(page, 'Reset');
        await waitForStatus(page, (s) => /^epoch 0 /.test(s) && accuracy(s) < 40, 8000);
    },
);

visit(
    'digits: the keyboard draws too, and picks a digit of the test',
    '/?lang=en#/digits?net=perceptron',
    async (page) => {
        await waitForStatus(page, (s) => /answer/.test(s), LIMIT);
        await page.getByText('Test digit 0: it is a').waitFor();
        await pad(page).focus();
        await page.keyboard.press('Space');
        for (let i = 0; i < 15; i++) await page.keyboard.press('ArrowDown');
        await page.getByText(/^Scaled into 20 × 20/).waitFor();
        await press(page, 'Next digit');
        await page.getByText(`Test digit 1: it is a ${test_.labels[1]}`).waitFor();
    },
);

visit(
    'digits: the single file brings its digits',
    `${pathToFileURL(`${dist}single/soma-studio.html`).href}?lang=en#/digits?net=perceptron`,
    async (page) => {
        await press(page, 'Step');
        await waitForStatus(page, (s) => /^epoch 0 .* accuracy .* answer \d/.test(s), LIMIT);
    },
);

visit('features: without a network one is offered, and a file is opened', '/?lang=en#/features', async (page) => {
    await waitForStatus(page, (s) => s === 'no network yet', LIMIT);
    const net = soma.network('conv 4 3x3 relu, maxpool 2, dense 3', {
        sample: [3, 12, 12],
        task: 'classify',
        outputs: 3,
    });
    await drop(page, 'main', 'rgb.onnx', net.save());
    await page.getByText('rgb.onnx').waitFor();
    await waitForStatus(page, (s) => /^step 0 · activation/.test(s), LIMIT);
    await press(page, 'Step');
    await waitForStatus(page, (s) => /^step 1 · activation/.test(s), LIMIT);
    await page.getByLabel(/^Open an ONNX file/).setInputFiles({
        name: 'no.onnx',
        mimeType: 'application/octet-stream',
        buffer: Buffer.from('no'),
    });
    await waitForStatus(page, (s) => !/^step/.test(s) && s.length > 10, LIMIT);
    await press(page, 'Back to the trained network');
    await press(page, 'Train LeNet for some seconds');
    await waitForStatus(page, (s) => /LeNet is learning: step \d+/.test(s), LIMIT);
    await waitForStatus(page, (s) => /^step 0 · activation/.test(s), LIMIT);
});
