// The playground beyond classes: curves, pictures, a line beside the network, schedules; and links that hold every change.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadSoma } from 'soma-wasm';
import { accuracy, openForTests, press, waitForStatus } from './browser.mjs';

const soma = await loadSoma(readFileSync(new URL(import.meta.resolve('soma-wasm/soma.wasm'))));
const { visit } = await openForTests();
const choose = (page, label, option) => page.getByLabel(label, { exact: true }).selectOption(option);
const epoch = (text) => Number(/^epoch (\d+)/.exec(text)?.[1]);
const answers = (page) => page.getByRole('img', { name: 'The answers over the plane, and the points' });
const linkOf = async (page) => {
    await page.getByText('Link and command').click();
    return page.getByRole('link', { name: 'Link to this state' }).getAttribute('href');
};

/** The playground's usual network and data, made here. */
function network(spec, { set = 'spiral', count = 500, noise = 0.03, batch = 10, kind = 'adam', rate = 0.03 } = {}) {
    const points = soma.points(set, count, noise, 0),
        trained = count - Math.round(0.2 * count);
    const net = soma.network(spec, { sample: [2], task: 'classify', features: ['x1', 'x2'] });
    net.setData('train', points.xy.subarray(0, 2 * trained), points.labels.subarray(0, trained));
    net.setData('test', points.xy.subarray(2 * trained), points.labels.subarray(trained));
    net.setTraining(batch, { kind, rate });
    return net;
}
function stands(text, net) {
    assert.match(text, new RegExp(`loss ${net.measure('train').loss.toFixed(4).replace('.', '\\.')}`));
    assert.equal(accuracy(text), Math.round(1000 * net.measure('test').accuracy) / 10);
}

visit(
    'random points are learnt by heart and nothing else',
    '/?lang=en#/playground?set=random&count=50&net=12-12&step=4000',
    async (page) => {
        const { text } = await waitForStatus(page, (s) => epoch(s) === 1000);
        const net = network('dense 12 tanh, dense 12 tanh', { set: 'random', count: 50 });
        net.train(4000);
        stands(text, net);
        assert.ok(net.measure('train').accuracy > 0.95);
        assert.ok(net.measure('test').accuracy < 0.85);
    },
);

visit('from no points at all, to those that are clicked', '/?lang=en#/playground?set=none', async (page) => {
    await waitForStatus(page, (s) => s === 'epoch 0 · loss –');
    await press(page, 'Train');
    for (let i = 0; i < 8; i++)
        await answers(page).click({ position: { x: 60 + 30 * i, y: 60 + 20 * (i % 2) }, modifiers: [] });
    for (let i = 0; i < 8; i++)
        await answers(page).click({ position: { x: 60 + 30 * i, y: 260 - 20 * (i % 2) }, modifiers: ['Shift'] });
    // Two more by keys: one step above the middle, and one of the other class to the left of it.
    await answers(page).focus();
    for (const key of ['ArrowUp', 'Enter', 'ArrowLeft', 'Shift+Enter']) await page.keyboard.press(key);
    await page.getByRole('button', { name: 'Remove added points (18)' }).waitFor();
    await waitForStatus(page, (s) => accuracy(s) === 100);
    await press(page, 'Pause');
    const link = await linkOf(page);
    assert.match(link, /points=-?\d+_-?\d+_0/);
    assert.match(link, /_0_6_0_-6_6_1(&|$)/);
    assert.ok(!/points=[^&]*\./.test(link), 'hundredths');
});

visit(
    'the learning rate follows its schedule',
    '/?lang=en#/playground?net=8&sched=cosine&span=20&rate=0.1&step=400',
    async (page) => {
        const { text } = await waitForStatus(page, (s) => epoch(s) === 10);
        const net = network('dense 8 tanh', { rate: 0.1 });
        for (let step = 0; step < 400; step++) {
            net.setRate(0.05 * (1 + Math.cos((Math.PI * step) / 800)));
            net.train(1);
        }
        stands(text, net);
        await choose(page, 'Schedule', 'onecycle');
        await page.getByLabel('Epochs of the schedule').waitFor();
        await page.getByText('Link and command').click();
        await page.getByText(/--schedule onecycle --epochs 20/).waitFor();
    },
);

visit(
    'a weight and the rate changed on the way are in the link, which leads to the same state',
    '/?lang=en#/playground?net=4&pace=60',
    async (page) => {
        await page.getByText(/^epoch 0/).waitFor();
        await press(page, 'Step');
        await waitForStatus(page, (s) => epoch(s) === 1);
        await page.getByRole('button', { name: /^layer 1, unit 2/ }).click();
        const box = page.getByRole('spinbutton', { name: 'layer 1, unit 2: bias' });
        await box.fill('1.5');
        await box.blur();
        await page.getByRole('button', { name: 'layer 1, unit 2: bias 1.50' }).waitFor();
        await press(page, 'Step');
        await waitForStatus(page, (s) => epoch(s) === 2);
        await choose(page, 'Learning rate', '0.1');
        await choose(page, 'Optimizer', 'momentum');
        await press(page, 'Step');
        const { text } = await waitForStatus(page, (s) => epoch(s) === 3);
        const net = network('dense 4 tanh');
        net.train(40);
        const bias = net.get('dense1.bias').data;
        bias[1] = 1.5;
        net.set('dense1.bias', bias);
        net.train(40);
        net.setTraining(10, { kind: 'momentum', rate: 0.1 });
        net.train(40);
        stands(text, net);

        const link = await linkOf(page);
        assert.match(link, /edits=40\*b\*0\*1\*1\.5_80\*rate\*0\.1_80\*opt\*momentum/);
        await page.goto('about:blank');
        await page.goto(link);
        assert.equal((await waitForStatus(page, (s) => epoch(s) === 3)).text, text);
        assert.equal(await page.getByLabel('Optimizer', { exact: true }).inputValue(), 'momentum');
        // The link that this page gives is the same one again.
        assert.equal(await linkOf(page), link);
    },
);

visit('more changes than a link can hold are said', '/?lang=en#/playground?net=2', async (page) => {
    await page.getByText(/^epoch 0/).waitFor();
    await page.getByRole('button', { name: /^layer 1, unit 1/ }).click();
    const box = page.getByRole('spinbutton', { name: 'layer 1, unit 1: bias' });
    for (let i = 0; i < 61; i++) {
        await box.fill(`${i + 1}`);
        await box.blur();
    }
    await page.getByText('Link and command').click();
    await page.getByText('This state can’t be shared: a link holds at most 60 changes by hand.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Link to this state' }).count(), 0);
});

visit('a weight is typed while the network trains', '/?lang=en#/playground?net=2&pace=60', async (page) => {
    await page.getByText(/^epoch 0/).waitFor();
    await page.getByRole('button', { name: /^layer 1, unit 1/ }).click();
    await press(page, 'Train');
    const box = page.getByRole('spinbutton', { name: 'layer 1, unit 1: bias' });
    const start = await box.inputValue();
    await page.waitForFunction(([input, value]) => input.value !== value, [await box.elementHandle(), start]);
    await box.fill('123.5');
    const { text } = await waitForStatus(page, () => true);
    await waitForStatus(page, (s) => s !== text);
    assert.equal(await box.inputValue(), '123.5');
    await press(page, 'Pause');
    const [, changed] = /[?&]edits=\d+\*b\*0\*0\*([^&_]+)/.exec(await linkOf(page));
    assert.equal(changed, '123.5');
});

visit(
    'a linear classifier learns beside the network, on the same points',
    '/?lang=en#/playground?set=circles&net=8&beside=1',
    async (page) => {
        await page.getByText(/^epoch 0/).waitFor();
        await press(page, 'Train');
        await waitForStatus(page, (s) => accuracy(s) >= 98);
        await press(page, 'Pause');
        await press(page, 'Step');
        await page.waitForTimeout(1500); // the status changes once a second
        const text = await page.getByRole('status').textContent();
        const shown = await page.locator('dt:text-is("linear, test") + dd').textContent();
        const steps = Number(new URL(await linkOf(page)).hash.match(/step=(\d+)/)[1]);
        const line = network('identity', { set: 'circles' });
        line.train(steps);
        const m = line.measure('test');
        assert.equal(shown, `${(100 * m.accuracy).toFixed(1)} % · ${m.loss.toFixed(4)}`);
        assert.ok(m.accuracy < 0.75, `a line can't: ${m.accuracy}`);
        assert.ok(accuracy(text) >= 98);
        // Switched off and on it takes the steps that it has missed.
        await page.getByLabel('A linear classifier beside it').uncheck();
        await page.getByRole('heading', { name: 'A linear classifier' }).waitFor({ state: 'detached' });
        await page.getByLabel('A linear classifier beside it').check();
        await page.locator('dt:text-is("linear, test") + dd').filter({ hasText: shown }).waitFor();
    },
);

visit('the overfitting preset is a link; the gap is marked', '/?lang=en#/playground', async (page) => {
    const preset = page.getByRole('link', { name: 'Overfitting' });
    assert.match(await preset.getAttribute('href'), /set=moons&count=60&noise=0.3&test=0.5&net=12-12/);
    await preset.click();
    await page.getByText(/^epoch 0/).waitFor();
    await press(page, 'Train');
    const gap = () => page.locator('dt:text-is("gap") + dd').textContent().then(Number);
    const begun = Date.now();
    while ((await gap()) < 0.6 && Date.now() - begun < 20000) await page.waitForTimeout(100);
    await press(page, 'Pause');
    assert.ok((await gap()) >= 0.6, `${await gap()}`);
    const lowest = await page.locator('dt:text-is("lowest test loss") + dd').textContent();
    assert.match(lowest, /^0\.\d{4} \(epoch \d+\)$/);
    await page.getByText('Exercises: 1 / 3').waitFor();
});

visit(
    'a curve is learnt through points, clicked ones too',
    '/?lang=en#/playground?task=regress&step=1000',
    async (page) => {
        const plot = page.getByRole('img', { name: 'The curve of the answers, and the points' });
        const { text } = await waitForStatus(page, (s) => epoch(s) === 200);
        assert.ok(Number.isNaN(accuracy(text)), 'a curve has no accuracy');
        // The same rows by the library's generators: 0.7 sin(4x) with the noise that moves the points.
        const base = soma.points('random', 60, 0, 0).xy,
            moved = soma.points('random', 60, 0.05, 0).xy;
        const x = Float32Array.from({ length: 60 }, (_, i) => base[2 * i]);
        const y = x.map((v, i) => 0.7 * Math.sin(4 * v) + moved[2 * i + 1] - base[2 * i + 1]);
        const net = soma.network('dense 8 tanh, dense 8 tanh', { sample: [1], task: 'regress', outputs: 1 });
        net.setData('train', x.subarray(0, 48), y.subarray(0, 48));
        net.setData('test', x.subarray(48), y.subarray(48));
        net.setTraining(10, { kind: 'adam', rate: 0.01 });
        net.train(1000);
        const shown = Number(/loss ([\d.]+)/.exec(text)[1]),
            expected = net.measure('train').loss;
        assert.ok(Math.abs(shown - expected) <= 1e-4 * expected + 6e-5, `${shown}, expected ${expected}`);
        const line = await plot.locator('.answer').getAttribute('d');
        const drawn = line.match(/[\d.]+ ([\d.]+)/g).map((p) => Number(p.split(' ')[1]));
        const at = Float32Array.from({ length: 100 }, (_, i) => 1.2 * ((2 * i) / 99 - 1));
        [...net.predict(at)].forEach((v, i) => assert.ok(Math.abs(drawn[i] - 600 * (0.5 - v / 2.4)) < 0.2, `${i}`));
        assert.equal(await plot.locator('circle').count(), 48);
        await plot.click({ position: { x: 100, y: 50 } });
        await page.getByRole('button', { name: 'Remove added points (1)' }).waitFor();
        await plot.locator('circle').nth(48).waitFor(); // comes with the next picture
        assert.equal(await plot.locator('circle').count(), 49);
    },
);

visit('a picture is painted from the places of its pixels', '/?lang=en#/playground?task=paint', async (page) => {
    const read = (name, side) =>
        page.getByRole('img', { name }).evaluate((c, n) => [...c.getContext('2d').getImageData(0, 0, n, n).data], side);
    const wanted = page.getByRole('img', { name: 'The picture to be painted' });
    await wanted.waitFor();
    await page.getByText(/^epoch 0/).waitFor();
    const pixels = await read('The picture to be painted', 48);
    assert.ok(new Set(pixels).size > 50, 'a picture');
    await press(page, 'Step');
    const { text } = await waitForStatus(page, (s) => epoch(s) === 1);
    const count = 48 * 48;
    const x = Float32Array.from({ length: 2 * count }, (_, k) => {
        const i = k >> 1;
        return k & 1 ? 1 - (2 * (Math.floor(i / 48) + 0.5)) / 48 : (2 * ((i % 48) + 0.5)) / 48 - 1;
    });
    const targets = Float32Array.from({ length: 3 * count }, (_, k) => pixels[4 * Math.floor(k / 3) + (k % 3)] / 255);
    const net = soma.network('dense 20 relu, dense 20 relu, dense 20 relu, dense 3 sigmoid', {
        sample: [2],
        features: ['x1', 'x2'],
    });
    net.setData('train', x, targets);
    net.setTraining(32, { kind: 'adam', rate: 0.003 });
    net.train(count / 32);
    const shown = Number(/loss ([\d.]+)/.exec(text)[1]),
        expected = net.measure('train').loss;
    assert.ok(Math.abs(shown - expected) <= 1e-4 * expected + 6e-5, `${shown}, expected ${expected}`);
    await press(page, 'Train');
    await waitForStatus(page, (s) => Number(/loss ([\d.]+)/.exec(s)?.[1]) < 0.593);
    await press(page, 'Pause');
    // The canvas has the colours of the answers: the middle of the sky is as in the picture.
    const painted = await read('The picture as the network paints it', 100);
    const middle = (data, side) => [0, 1, 2].map((k) => data[4 * (Math.floor(side / 4) * side + side / 2) + k]);
    middle(painted, 100).forEach((v, k) => assert.ok(Math.abs(v - middle(pixels, 48)[k]) < 60, `${v}`));
});

visit('a picture of one’s own, which a link can’t hold', '/?lang=en#/playground?task=paint', async (page) => {
    await page.getByText(/^epoch 0/).waitFor();
    await choose(page, 'Set', 'opened');
    const file = new URL('../src/examples/seven.png', import.meta.url);
    await page
        .getByLabel('Open a picture')
        .setInputFiles({ name: 'seven.png', mimeType: 'image/png', buffer: readFileSync(file) });
    await page.waitForFunction(() => {
        const c = [...document.querySelectorAll('canvas.painting')].at(-1);
        return c?.getContext('2d').getImageData(0, 0, 1, 1).data[0] === 0;
    });
    await page.getByText('Link and command').click();
    await page.getByText('This state can’t be shared: the picture is on your computer alone.').waitFor();
});

visit('the spiral exercise can be done from its beginning', '/?lang=en#/playground', async (page) => {
    await page.getByText('Exercises: 0 / 3').click();
    await page.getByRole('link', { name: 'A place to begin' }).click();
    await page.getByRole('group', { name: 'Layer 2' }).waitFor({ state: 'detached' });
    for (let i = 0; i < 4; i++) await page.getByRole('button', { name: 'One unit more' }).click();
    await choose(page, 'Pace', '0');
    await press(page, 'Train');
    await page
        .locator('li[data-done="true"]')
        .filter({ hasText: 'Spiral' })
        .waitFor({ state: 'attached', timeout: 20000 });
});

visit('all seven inputs', '/?lang=en#/playground?see=0123456&net=4&step=40', async (page) => {
    const { text } = await waitForStatus(page, (s) => epoch(s) === 1);
    for (const name of ['x1', 'x2', 'x1^2', 'x2^2', 'x1 x2', 'sin(pi x1)', 'sin(pi x2)'])
        assert.ok(await page.getByRole('checkbox', { name, exact: true }).isChecked(), name);
    const points = soma.points('spiral', 500, 0.03, 0);
    const net = soma.network('dense 4 tanh', {
        sample: [2],
        task: 'classify',
        features: ['x1', 'x2', 'x1^2', 'x2^2', 'x1 x2', 'sin(pi x1)', 'sin(pi x2)'],
    });
    net.setData('train', points.xy.subarray(0, 800), points.labels.subarray(0, 400));
    net.setData('test', points.xy.subarray(800), points.labels.subarray(400));
    net.setTraining(10, { kind: 'adam', rate: 0.03 });
    net.train(40);
    stands(text, net);
});

for (const task of ['regress', 'paint'])
    visit(
        `on a phone, in Russian: ${task}`,
        `/?lang=ru#/playground?task=${task}`,
        async (page) => {
            await page.getByText(/^эпоха 0/).waitFor();
            await press(page, 'Шаг');
            await waitForStatus(page, (s) => /^эпоха 1/.test(s));
            const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
            assert.ok(over <= 0, `${over} px too wide`);
        },
        { viewport: { width: 390, height: 800 } },
    );
