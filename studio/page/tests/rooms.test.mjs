// Each room as a visitor uses it: real clicks, then what the engine computed; and no error in the console.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { loadSoma } from 'soma-wasm';
import { accuracy, dist, longestTasks, openForTests, press, waitForStatus, keepsPace } from './browser.mjs';

const soma = await loadSoma(readFileSync(new URL(import.meta.resolve('soma-wasm/soma.wasm'))));
const { visit } = await openForTests();

visit('playground: the spiral is learnt in less than three seconds', '/?lang=en#/playground', async (page) => {
    await page.getByText(/^epoch 0/).waitFor();
    const begun = performance.now();
    await press(page, 'Train');
    const { text } = await waitForStatus(page, (s) => accuracy(s) >= 98);
    const took = performance.now() - begun;
    keepsPace(took < 3000, `${Math.round(took)} ms until "${text}"`);
    await press(page, 'Pause');
    console.log(`# spiral: ${Math.round(took)} ms, ${text}`);
});

visit('playground: a step is an epoch, a reset the beginning', '/?lang=en#/playground', async (page) => {
    await page.getByText(/^epoch 0/).waitFor();
    const start = await page.getByRole('status').textContent();
    await press(page, 'Step');
    await waitForStatus(page, (s) => /^epoch 1 /.test(s));
    await press(page, 'Step');
    await waitForStatus(page, (s) => /^epoch 2 /.test(s));
    await press(page, 'Reset');
    assert.equal((await waitForStatus(page, (s) => /^epoch 0 /.test(s))).text, start);
});

visit('playground: a link leads to the same state', '/?lang=en#/playground?set=moons&net=4&step=400', async (page) => {
    const { text } = await waitForStatus(page, (s) => /^epoch 10 /.test(s));
    const points = soma.points('moons', 500, 0.03, 0);
    const net = soma.network('dense 4 tanh', { sample: [2], task: 'classify', features: ['x1', 'x2'] });
    net.setData('train', points.xy.subarray(0, 800), points.labels.subarray(0, 400));
    net.setData('test', points.xy.subarray(800), points.labels.subarray(400));
    net.setTraining(10, { kind: 'adam', rate: 0.03 });
    net.train(400);
    assert.equal(accuracy(text), Math.round(1000 * net.measure('test').accuracy) / 10);
    assert.match(text, new RegExp(`loss ${net.measure('train').loss.toFixed(4).replace('.', '\\.')}`));
});

visit('playground: layers, weights and points are changed by hand', '/?lang=en#/playground', async (page) => {
    await press(page, 'Remove a layer');
    await page.getByRole('button', { name: 'layer 2, unit 1' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'One unit more' }).click();
    await page.getByRole('button', { name: /^layer 1, unit 9/ }).click();
    const box = page.getByRole('spinbutton', { name: 'layer 1, unit 9: bias' });
    await box.fill('1.25');
    await box.blur();
    await page.getByRole('button', { name: 'layer 1, unit 9: bias 1.25' }).waitFor();
    await page
        .getByRole('img', { name: 'The answers over the plane, and the points' })
        .click({ position: { x: 40, y: 40 } });
    await page.getByRole('button', { name: 'Remove added points (1)' }).waitFor();
});

visit(
    'playground: what the command line shows is a network of the library',
    '/?lang=en#/playground?set=xor&net=4-4&act=relu',
    async (page) => {
        await page.getByText('Link and command').click();
        await page
            .getByText('soma train xor:points=500,noise=0.03,seed=0 --net "dense 4 relu, dense 4 relu" --opt adam')
            .waitFor();
    },
);

visit('graph: the lecture’s golden graph', '/?lang=en#/graph', async (page) => {
    await page.getByRole('textbox', { name: 'Formula' }).fill('1 / (1 + exp(-(w0*x0 + w1*x1 + w2)))');
    await waitForStatus(page, (s) => s === 'value 0.73');
    const texts = await page.locator('svg.graph text').allTextContents();
    for (const value of ['-2.00', '6.00', '4.00', '1.00', '-1.00', '0.37', '1.37', '0.73'])
        assert.ok(texts.includes(value), value);
    for (const gradient of ['1.00', '-0.53', '-0.20', '0.20', '-0.39', '-0.59', '0.39'])
        assert.ok(texts.includes(gradient), gradient);
    assert.deepEqual(
        await graphOf(page),
        expectedGraph('1 / (1 + exp(-(w0*x0 + w1*x1 + w2)))', { w0: 2, x0: -1, w1: -3, x1: -2, w2: -3 }),
    );
});

/** Inputs' values and gradients in the picture. */
async function graphOf(page) {
    const nodes = await page.locator('svg.graph g[data-node]').evaluateAll((all) => all.map((g) => ({ ...g.dataset })));
    return Object.fromEntries(
        nodes.filter((n) => /^[a-z]\d?$/.test(n.node)).map((n) => [n.node, [Number(n.value), Number(n.gradient)]]),
    );
}
function expectedGraph(text, inputs) {
    const f = soma.formula(text),
        { values, gradients } = f.run(inputs);
    return Object.fromEntries(
        f.nodes.flatMap((n, i) => (n.op === 'input' ? [[n.name, [values[i], gradients[i]]]] : [])),
    );
}

visit('graph: a formula of one’s own, its inputs moved, step by step', '/?lang=en#/graph', async (page) => {
    await page.getByRole('textbox', { name: 'Formula' }).fill('tanh(a*b) + a^2');
    await page.getByRole('spinbutton', { name: 'Value of a' }).fill('0.5');
    await page.getByRole('spinbutton', { name: 'Value of a' }).blur();
    await page.getByRole('spinbutton', { name: 'Value of b' }).fill('-2');
    await page.getByRole('spinbutton', { name: 'Value of b' }).blur();
    await waitForStatus(page, (s) => s === `value ${(Math.tanh(-1) + 0.25).toFixed(2)}`);
    assert.deepEqual(await graphOf(page), expectedGraph('tanh(a*b) + a^2', { a: 0.5, b: -2 }));
    const shown = () => page.locator('svg.graph text.value, svg.graph text.gradient').count();
    const all = await shown();
    assert.equal(all, 12);
    await press(page, 'Start');
    assert.equal(await shown(), 0);
    await press(page, 'Next value');
    assert.equal(await shown(), 1);
    await press(page, 'Show all');
    assert.equal(await shown(), all);
});

visit('graph: a mistake is said and the last graph stays', '/?lang=en#/graph', async (page) => {
    await page.getByRole('textbox', { name: 'Formula' }).fill('1 + frob(x)');
    await waitForStatus(page, (s) => /there is no function 'frob'/.test(s));
    assert.ok((await page.locator('svg.graph text').count()) > 10);
});

visit('neuron: training finds the bottom of the bowl', '/?lang=en#/neuron', async (page) => {
    const before = await waitForStatus(page, (s) => accuracy(s) >= 0);
    await press(page, 'Train');
    await waitForStatus(page, (s) => accuracy(s) > Math.max(85, accuracy(before.text)));
    await press(page, 'Pause');
    await press(page, 'Step');
    await press(page, 'Reset');
    assert.equal((await waitForStatus(page, (s) => /^epoch 0 /.test(s))).text, before.text);
});

visit('neuron: a slider moves the weight and its gradient', '/?lang=en#/neuron', async (page) => {
    await waitForStatus(page, (s) => accuracy(s) >= 0);
    const slider = page.getByRole('slider', { name: /^w1/ });
    await slider.fill('2');
    await page.getByText(/2\.00, ∂L\/∂w1 -?\d\.\d{3}/).waitFor();
});

visit('descent: all seven race on a line’s loss, and adam trains the network', '/?lang=en#/descent', async (page) => {
    const rows = page.getByRole('table', { name: 'Standing' }).locator('tbody tr');
    await rows.nth(6).waitFor();
    await press(page, 'Train');
    await waitForStatus(page, (s) => Number(/^epoch (\d+)/.exec(s)?.[1]) >= 40);
    await press(page, 'Pause');
    const losses = (await rows.locator('td').allTextContents()).map(Number);
    assert.ok(
        losses.every((l) => l < 1),
        losses.join(),
    );
    await page.getByRole('combobox', { name: 'Where' }).selectOption('network');
    await press(page, 'Train');
    await waitForStatus(page, (s) => accuracy(s) >= 98);
});

visit('descent: on a surface the first step is the formula’s', '/?lang=en#/descent?on=ravine', async (page) => {
    await page.getByText('f = 0.05*x^2 + y^2').waitFor();
    const rows = page.getByRole('table', { name: 'Standing' }).locator('tbody tr');
    await rows.nth(4).waitFor();
    assert.equal(await rows.count(), 5);
    await press(page, 'Step');
    await waitForStatus(page, (s) => /^epoch 1 /.test(s));
    assert.equal(await rows.first().locator('td').textContent(), (0.05 * 81 + 9).toFixed(4));
});

visit('Russian: buttons and status', '/?lang=ru#/playground', async (page) => {
    await press(page, 'Шаг');
    await waitForStatus(page, (s) => /^эпоха 1 · потери \d,\d{4} · точность \d+,\d %$/.test(s));
    for (const name of ['Обучать', 'Сброс'])
        assert.ok(await page.getByRole('button', { name, exact: true }).isVisible());
    await press(page, 'Обучать');
    await press(page, 'Пауза');
    assert.equal(await page.locator('html').getAttribute('lang'), 'ru');
});

for (const lang of ['en', 'ru'])
    visit(`the status changes at most once a second (${lang})`, `/?lang=${lang}#/playground`, async (page) => {
        await page.getByText(/^(epoch|эпоха) 0/).waitFor();
        await page.evaluate(() => {
            window.changes = [];
            new MutationObserver(() => window.changes.push(performance.now())).observe(
                document.querySelector('[role=status]'),
                {
                    childList: true,
                    characterData: true,
                    subtree: true,
                },
            );
        });
        await press(page, lang === 'en' ? 'Train' : 'Обучать');
        await page.waitForTimeout(3500);
        const changes = await page.evaluate(() => window.changes);
        assert.ok(changes.length >= 2 && changes.length <= 5, `${changes.length} changes`);
        changes.slice(1).forEach((at, i) => assert.ok(at - changes[i] > 950, `${at - changes[i]} ms`));
    });

visit('embedded: the room alone', '/?embed=1&lang=en#/neuron', async (page) => {
    await page.getByRole('heading', { name: 'One neuron' }).waitFor();
    assert.equal(await page.getByRole('navigation').count(), 0);
});

visit('a room that is not there is said to be missing', '/?lang=en#/nowhere', async (page) => {
    await page.getByRole('heading', { name: 'There is no such room' }).waitFor();
    assert.equal(await page.getByRole('link', { name: /nowhere/i }).count(), 0);
});

visit('the single file works by double click', pathToFileURL(`${dist}single/soma-studio.html`).href, async (page) => {
    await press(page, 'Step');
    await waitForStatus(page, (s) => /^epoch 1 /.test(s));
});

visit('training leaves the page free: no task longer than 50 ms', '/?lang=en#/playground?pace=0', async (page) => {
    await page.getByText(/^epoch 0/).waitFor();
    const { clock, busy } = await longestTasks(page, 3000);
    const numbers = await page.locator('dl.numbers dd').last().textContent();
    console.log(`# full speed: ${numbers}; the longest task ${busy} ms, ${clock} ms by the clock`);
    keepsPace(Number(/picture ([\d.]+) ms/.exec(numbers)[1]) < 4, numbers);
    assert.ok(busy > 0);
    keepsPace(busy < 50, `a task of ${busy} ms`);
});
