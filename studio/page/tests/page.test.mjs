// What all rooms share: use by the keyboard alone, the choice of controls, the presenter mode, links, saved pictures.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { openForTests, press, schemes, unfold, usable, violations, waitForStatus } from './browser.mjs';

const { visit } = await openForTests();

/** Presses Tab until the element with that name has the focus. */
async function tabTo(page, name, most = 120) {
    for (let i = 0; i < most; i++) {
        await page.keyboard.press('Tab');
        const found = await page.evaluate(() => {
            const e = document.activeElement;
            return e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent;
        });
        if (found.trim().startsWith(name)) return;
    }
    throw new Error(`no way by Tab to "${name}"`);
}

visit('the playground by the keyboard alone', '/?lang=en#/playground?net=4', async (page) => {
    await page.getByText(/^epoch 0/).waitFor();
    await tabTo(page, 'Train');
    await page.keyboard.press('Enter');
    await waitForStatus(page, (s) => Number(/^epoch (\d+)/.exec(s)?.[1]) > 5);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Train', exact: true }).waitFor();
    await tabTo(page, 'Add a layer');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^layer 2, unit 4/ }).waitFor();
    await tabTo(page, 'Batch size');
    await page.keyboard.press('ArrowRight');
    await page.getByText('Batch size: 11').waitFor();
    await tabTo(page, 'layer 2, unit 1');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Which weight');
    await page.keyboard.press('ArrowDown');
    const box = page.getByRole('spinbutton', { name: 'layer 1, unit 1 → unit 1' });
    const before = Number(await box.inputValue());
    await tabTo(page, 'layer 1, unit 1 → unit 1');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    // The change stands in the link.
    await page.waitForFunction(() =>
        [...document.querySelectorAll('details a')].some((a) => /[?&]edits=0\*w\*1\*0\*/.test(a.href)),
    );
    assert.ok(Number(await box.inputValue()) > before);
});

visit('the lecturer chooses what shows, and the link says so', '/?lang=en#/neuron?noise=0.2', async (page) => {
    await usable(page, 'One neuron');
    const slider = page.getByRole('slider', { name: /^w1/ });
    await slider.fill('2');
    await page.getByText(/^w1: 2\.00/).waitFor();
    await press(page, 'Controls');
    const dialog = page.getByRole('dialog', { name: 'Choose controls' });
    assert.deepEqual(await violations(page), []);
    await dialog.getByRole('checkbox', { name: 'Training' }).uncheck();
    await dialog.getByRole('checkbox', { name: 'Data' }).uncheck();
    await dialog.getByRole('button', { name: 'Done' }).click();
    assert.match(page.url(), /#\/neuron\?noise=0\.2&hide=training,data$/);
    assert.equal(await page.getByRole('combobox', { name: 'Optimizer' }).count(), 0);
    assert.equal(await page.getByRole('combobox', { name: 'Set' }).count(), 0);
    // The room goes on as it was, and the link to its state keeps the choice.
    await page.getByText(/^w1: 2\.00/).waitFor();
    await unfold(page);
    const link = await page.getByRole('link', { name: 'Link to this state' }).getAttribute('href');
    assert.match(link, /hide=training,data/);
    await press(page, 'Controls');
    await dialog.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('combobox', { name: 'Optimizer' }).waitFor();
});

visit('show= leaves these groups alone', '/?lang=en&embed=1#/neuron?show=weights', async (page) => {
    await page.getByRole('slider', { name: /^w1/ }).waitFor();
    assert.equal(await page.locator('fieldset').count(), 1);
    assert.equal(await page.locator('details').count(), 0);
    assert.equal(await page.getByRole('button', { name: 'SVG' }).count(), 0);
});

visit('the presenter turns over a list of links of one’s own', '/?lang=en#/playground', async (page) => {
    await usable(page, 'Playground');
    await press(page, 'Present');
    const bar = page.getByRole('contentinfo', { name: 'Presenter' });
    assert.equal(await page.getByRole('navigation').count(), 0);
    assert.ok((await page.locator('html').evaluate((e) => parseFloat(getComputedStyle(e).fontSize))) > 20);
    await page.getByText('θ ← θ − α ∇L(θ)', { exact: true }).waitFor();
    await page.getByRole('combobox', { name: 'Optimizer' }).selectOption('momentum');
    await page.getByText('v ← μ v + g').waitFor();
    assert.deepEqual(await violations(page), []);
    await bar.getByRole('button', { name: 'List' }).click();
    const dialog = page.getByRole('dialog', { name: 'Links to turn over' });
    assert.deepEqual(await violations(page), []);
    await dialog
        .getByRole('textbox')
        .fill(
            '#/graph?f=x*y&in=x:2_y:3  A product\n\nhttps://elsewhere.example/studio/?lang=ru#/neuron?set=moons The moons\n#/neuron?set=circles',
        );
    await dialog.getByRole('button', { name: 'Use this list' }).click();
    await page.keyboard.press('PageDown');
    await page.getByRole('heading', { name: 'Graph', exact: true }).waitFor();
    await waitForStatus(page, (s) => s === 'value 6.00');
    assert.match(await bar.textContent(), /1 \/ 3\s*A product/);
    await page.keyboard.press('PageDown');
    await page.getByRole('heading', { name: 'One neuron' }).waitFor();
    const set = page.getByRole('combobox', { name: 'Set' });
    assert.equal(await set.inputValue(), 'moons');
    // The same room with other settings begins anew; a control with the focus does not swallow the key.
    await set.focus();
    await page.keyboard.press('PageDown');
    await page.waitForFunction(() => document.querySelector('select')?.value === 'circles');
    await page.keyboard.press('PageUp');
    await page.waitForFunction(() => document.querySelector('select')?.value === 'moons');
    await page.keyboard.press('Escape');
    await page.getByRole('navigation').waitFor();
    await page.reload();
    await press(page, 'Present');
    assert.match(await bar.textContent(), /2 \/ 3\s*The moons/);
});

visit('the lecture stands ready as a list', '/?lang=en&present=1', async (page) => {
    await usable(page, 'Playground');
    const total = Number(/\/ (\d+)/.exec(await page.getByRole('contentinfo').textContent())[1]);
    assert.ok(total >= 12, `${total}`);
    for (let i = 1; i <= total; i++) {
        await page.keyboard.press('PageDown');
        await page.getByText(`${i} / ${total}`).waitFor();
        await page.getByRole('heading', { level: 1 }).waitFor();
        assert.notEqual(await page.getByRole('heading', { level: 1 }).textContent(), 'There is no such room');
        await page.waitForTimeout(150);
    }
});

/** What a button saves. */
async function saved(page, group, kind) {
    const [download] = await Promise.all([
        page.waitForEvent('download'),
        page
            .getByRole('group', { name: `Save the picture: ${group}` })
            .getByRole('button', { name: kind })
            .click(),
    ]);
    return readFileSync(await download.path());
}

for (const colorScheme of schemes)
    visit(
        `figures are saved as they are seen (${colorScheme})`,
        '/?lang=en#/descent?step=60',
        async (page) => {
            await waitForStatus(page, (s) => /^epoch 60/.test(s));
            const curves = String(await saved(page, 'descent-curves', 'SVG'));
            assert.equal((curves.match(/<path/g) ?? []).length, 7, 'a line for each racer');
            for (const text of ['Gradient descent', 'Adam', 'step', '20'])
                assert.ok(curves.includes(`>${text}<`), text);
            assert.ok(curves.includes(colorScheme === 'dark' ? 'rgb(24, 28, 33)' : 'rgb(255, 255, 255)'));
            const surface = String(await saved(page, 'descent-surface', 'SVG'));
            assert.match(surface, /<image[^>]*data:image\/png/);
            assert.equal((surface.match(/<polyline/g) ?? []).length, 7);
            const png = await saved(page, 'descent-surface', 'PNG');
            const [width, shown] = [png.readUInt32BE(16), await page.locator('.surface').boundingBox()];
            assert.equal(width, Math.floor(2 * (shown.width + 16)));
        },
        { colorScheme },
    );

visit('a link that is followed twice leads back twice', '/?lang=en#/neuron', async (page) => {
    await usable(page, 'One neuron');
    await unfold(page);
    const back = page.getByRole('link', { name: 'A place to begin' });
    await back.click();
    await page.getByText(/^w1: 0\.00/).waitFor();
    await page.getByRole('slider', { name: /^w1/ }).fill('3');
    await page.getByText(/^w1: 3\.00/).waitFor();
    await unfold(page);
    await back.click();
    await page.getByText(/^w1: 0\.00/).waitFor();
});
