// Links of the rooms lead to the state that they were taken from, and the exercises notice when they are done.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadSoma } from 'soma-wasm';
import { accuracy, openForTests, press, usable, waitForStatus } from './browser.mjs';

const soma = await loadSoma(readFileSync(new URL(import.meta.resolve('soma-wasm/soma.wasm'))));
const { site, visit } = await openForTests();

const unfold = (page) => page.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)));
const epoch = (text) => Number(/^epoch (\d+)/.exec(text)?.[1]);

/** What the room shows in the page that its own link leads to. */
async function elsewhere(page, read) {
    await page.waitForTimeout(1100); // the status may be a second behind
    await unfold(page);
    const link = await page.getByRole('link', { name: 'Link to this state' }).getAttribute('href');
    const other = await site.page(link);
    try {
        const here = await read(page);
        await waitForStatus(other.page, (s) => s === here[0]);
        assert.deepEqual(await read(other.page), here);
        assert.deepEqual(other.mistakes, []);
    } finally {
        await other.close();
    }
    return link;
}

/** Does an exercise, and waits until the room has noticed. */
async function exercise(page, number, body) {
    const item = page.locator('.exercises li').nth(number - 1);
    assert.equal(await item.getAttribute('data-done'), 'false');
    await body();
    await page
        .locator(`.exercises li:nth-child(${number})[data-done=true]`)
        .waitFor({ state: 'attached', timeout: 20_000 });
}

visit(
    'neuron: a link leads to the weights that the library computes',
    '/?lang=en#/neuron?set=moons&noise=0.1&seed=3&opt=momentum&rate=0.1&batch=10&w=1_-2_0.5&step=57',
    async (page) => {
        const { text } = await waitForStatus(page, (s) => accuracy(s) >= 0);
        const points = soma.points('moons', 200, 0.1, 3);
        const net = soma.network('dense 1 sigmoid', { sample: [2], seed: 3 });
        net.setData('train', points.xy, points.labels);
        net.set('dense1.weight', [1, -2]);
        net.set('dense1.bias', [0.5]);
        net.setTraining(10, { kind: 'momentum', rate: 0.1 });
        net.train(57);
        const { loss, accuracy: share } = net.measure('train');
        assert.equal(text, `epoch 2 · loss ${loss.toFixed(4)} · accuracy ${(100 * share).toFixed(1)} %`);
        const [w1] = net.get('dense1.weight').data;
        await page.getByText(new RegExp(`^w1: ${w1.toFixed(2).replace('.', '\\.')},`)).waitFor();
    },
);

const neuron = async (page) => [
    await page.getByRole('status').textContent(),
    ...(await page.locator('fieldset').first().locator('label').allTextContents()),
];

visit('neuron: the link holds weights by hand, another optimizer, and steps', '/?lang=en#/neuron', async (page) => {
    await usable(page, 'One neuron');
    await page.getByRole('slider', { name: /^w2/ }).fill('-2.5');
    await press(page, 'Train');
    await waitForStatus(page, (s) => epoch(s) > 20);
    await page.getByRole('combobox', { name: 'Optimizer' }).selectOption('adam');
    await page.getByRole('combobox', { name: 'Batch' }).selectOption('10');
    await waitForStatus(page, (s) => epoch(s) > 1);
    await press(page, 'Pause');
    const link = await elsewhere(page, neuron);
    assert.match(link, /opt=adam&batch=10&w=[-\d._]+&step=\d+$/);
});

visit('neuron: exercises', '/?lang=en#/neuron?noise=0.15', async (page) => {
    await usable(page, 'One neuron');
    await unfold(page);
    await exercise(page, 1, async () => {
        for (const [name, value] of [
            ['w1', '-4'],
            ['w2', '-4'],
            ['b', '0'],
        ])
            await page.getByRole('slider', { name: new RegExp(`^${name}:`) }).fill(value);
    });
    await exercise(page, 2, async () => {
        await page.getByRole('slider', { name: /^Learning rate/ }).fill('0.7');
        await page.getByRole('slider', { name: /^Noise/ }).fill('0.5');
        await press(page, 'Train');
    });
    await exercise(page, 3, () => page.getByRole('combobox', { name: 'Set' }).selectOption('circles'));
    await page.getByText('Exercises: 3 / 3').waitFor();
});

const race = async (page) => [
    await page.getByRole('status').textContent(),
    ...(await page.getByRole('table', { name: 'Standing' }).locator('tbody tr').allTextContents()),
];

for (const stage of ['line', 'rosenbrock', 'network'])
    visit(`descent: the link holds the race (${stage})`, `/?lang=en#/descent?on=${stage}`, async (page) => {
        await usable(page, 'Descent race');
        await page.getByRole('spinbutton', { name: 'Rate of Adam' }).fill('0.05');
        await page.getByRole('spinbutton', { name: 'Rate of Adam' }).blur();
        await page.getByRole('checkbox', { name: 'Nesterov' }).uncheck();
        if (stage !== 'network') {
            await page
                .getByRole('spinbutton', { name: /^Start, / })
                .first()
                .fill('0.5');
            await page
                .getByRole('spinbutton', { name: /^Start, / })
                .first()
                .blur();
        }
        await press(page, 'Train');
        await waitForStatus(page, (s) => epoch(s) > 25);
        await press(page, 'Pause');
        const link = await elsewhere(page, race);
        assert.match(link, /out=N&rates=A:0\.05/);
    });

visit('descent: exercises', '/?lang=en#/descent?on=ravine', async (page) => {
    await usable(page, 'Descent race');
    await unfold(page);
    const rate = async (value) => {
        const box = page.getByRole('spinbutton', { name: 'Rate of Gradient descent' });
        await box.fill(value);
        await box.blur();
    };
    const where = page.getByRole('combobox', { name: 'Where' });
    await exercise(page, 1, async () => {
        await rate('1.1');
        await press(page, 'Train');
    });
    await exercise(page, 2, async () => {
        await where.selectOption('saddle');
        await rate('0.2');
        await press(page, 'Train');
    });
    await exercise(page, 3, async () => {
        await where.selectOption('hills');
        for (const [i, value] of ['0.5', '-0.5'].entries()) {
            await page
                .getByRole('spinbutton', { name: /^Start, / })
                .nth(i)
                .fill(value);
            await page
                .getByRole('spinbutton', { name: /^Start, / })
                .nth(i)
                .blur();
        }
        await press(page, 'Train');
    });
});

const graph = async (page) => [
    await page.getByRole('status').textContent(),
    ...(await page.locator('svg.graph text').allTextContents()),
];

visit('graph: the link holds the formula, the inputs and how far it was stepped', '/?lang=en#/graph', async (page) => {
    await usable(page, 'Graph');
    await page.getByRole('textbox', { name: 'Formula' }).fill('(a + b)^2 / a');
    await page.getByRole('spinbutton', { name: 'Value of b' }).fill('-0.25');
    await page.getByRole('spinbutton', { name: 'Value of b' }).blur();
    await page.getByRole('combobox', { name: 'Digits' }).selectOption('4');
    await waitForStatus(page, (s) => s === 'value 0.5625');
    await press(page, 'Start');
    await press(page, 'Next value');
    await press(page, 'Next value');
    await elsewhere(page, graph);
});

visit('graph: exercises', '/?lang=en#/graph', async (page) => {
    await usable(page, 'Graph');
    await unfold(page);
    const value = async (name, text) => {
        const box = page.getByRole('spinbutton', { name: `Value of ${name}`, exact: true });
        await box.fill(text);
        await box.blur();
    };
    const formula = page.getByRole('textbox', { name: 'Formula' });
    await exercise(page, 1, () => value('w0', '0'));
    await exercise(page, 2, async () => {
        await formula.fill('x^3');
        await value('x', '2');
    });
    await exercise(page, 3, () => formula.fill('sigmoid(sigmoid(sigmoid(sigmoid(x))))'));
    await page.getByText('Exercises: 3 / 3').waitFor();
});
