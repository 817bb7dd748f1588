// AlexNet: the sizes and counts on the page are the lecture's, and the formulas give what they say.
import assert from 'node:assert/strict';
import { openForTests, press } from './browser.mjs';

const { visit } = await openForTests();
const number = (text) => Number(text.replaceAll(/[,\s]/g, ''));

/** A formula of the page, computed: "⌊(227 + 2·0 − 11)/4⌋ + 1 = 55" -> [55, 55]. */
function both(text) {
    const [left, right] = text.split('=');
    const code = left.replaceAll('⌊', 'Math.floor(').replaceAll('⌋', ')').replaceAll('·', '*').replaceAll('−', '-');
    assert.match(code, /^[\d\s+\-*/().,Mathflor]+$/);
    return [Function(`return ${code}`)(), number(right)];
}

const sizes = [
    '227×227×3',
    '55×55×96',
    '27×27×96',
    '27×27×256',
    '13×13×256',
    '13×13×384',
    '13×13×384',
    '13×13×256',
    '6×6×256',
    '4096',
    '4096',
    '4096',
    '4096',
    '1000',
];
const parameters = [34944, 614656, 885120, 1327488, 884992, 37752832, 16781312, 4097000];

visit('alexnet: sizes, parameters and their sum are the lecture’s', '/?lang=en#/alexnet', async (page) => {
    const rows = page.locator('table.layer-list tbody tr');
    await rows.nth(13).waitFor();
    assert.deepEqual(await rows.locator('td:nth-child(2)').allTextContents(), sizes);
    const counts = await rows.locator('td:nth-child(3)').allTextContents();
    assert.deepEqual(counts.filter(Boolean).map(number), parameters);
    assert.equal(await page.locator('[data-what=sum]').textContent(), '62,378,344');
    assert.equal(
        await page.locator('p.total').textContent(),
        '34,944 + 614,656 + 885,120 + 1,327,488 + 884,992 + 37,752,832 + 16,781,312 + 4,097,000 = 62,378,344',
    );
    assert.equal(await page.locator('[data-what=perceptron]').textContent(), '1024 × 1024 = 1,048,576');
    // In the picture too, dropout left out.
    const drawn = await page.locator('svg.blocks .size').allTextContents();
    assert.deepEqual(
        drawn,
        sizes.filter((_, i) => i !== 10 && i !== 12),
    );
});

visit('alexnet: walked through layer by layer, every formula holds', '/?lang=en#/alexnet?layer=0', async (page) => {
    await page.getByRole('heading', { name: 'input' }).waitFor();
    let formulas = 0,
        filled = '';
    for (let layer = 1; layer <= 13; layer++) {
        await press(page, 'Next layer');
        await page.getByRole('heading', { name: new RegExp(`^${layer}\\. `) }).waitFor();
        assert.equal(await page.locator('[data-what=output]').textContent(), sizes[layer]);
        for (const what of ['size', 'parameters', 'flops']) {
            const box = page.locator(`[data-what=${what}]`);
            if (!(await box.count())) continue;
            const text = await box.textContent();
            if (!text.includes('=')) continue;
            const [left, right] = both(text);
            assert.equal(left, right, text);
            formulas++;
            filled += `${text}\n`;
        }
    }
    assert.equal(formulas, 8 + 8 + 8);
    assert.match(filled, /⌊\(227 \+ 2·0 − 11\)\/4⌋ \+ 1 = 55\n96·\(11·11·3 \+ 1\) = 34,944/);
    assert.match(filled, /4096·\(9216 \+ 1\) = 37,752,832/);
    assert.ok(await page.getByRole('button', { name: 'Next layer' }).isDisabled());
});

visit('alexnet: by keyboard and by a click on the picture', '/?lang=en#/alexnet', async (page) => {
    const first = page.getByRole('button', { name: 'conv 96 11x11 s4 relu' });
    await first.focus();
    assert.equal(await first.getAttribute('aria-pressed'), 'true');
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: '2. maxpool 3 s2' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'maxpool 3 s2');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await page.getByRole('heading', { name: 'input' }).waitFor();
    await page.locator('svg.blocks g.block').nth(3).locator('.front').click();
    await page.getByRole('heading', { name: '3. conv 256 5x5 p2 relu' }).waitFor();
});

visit('alexnet: a layer of one’s own, and the exercises', '/?lang=en#/alexnet', async (page) => {
    const set = async (name, value) => {
        const box = page.getByRole('spinbutton', { name });
        await box.fill(`${value}`);
        await box.blur();
    };
    const own = (size) => page.locator(`[data-own="${size}"]`).waitFor();
    await own('28×28×6');
    await set('F, side of the window', 3);
    await set('p, padding', 1);
    await own('32×32×6');
    await page.getByText('Exercises: 1 / 3').waitFor();
    await set('N, side of the input', 224);
    await set('F, side of the window', 11);
    await set('s, stride', 4);
    await own('54×54×6');
    await set('p, padding', 2);
    await own('55×55×6');
    await press(page, 'conv 256 5x5 p2 relu');
    await page.getByText('Exercises: 3 / 3').waitFor();
    // No such layer: the library's sentence.
    await set('N, side of the input', 3);
    await page.locator('p.failure').waitFor();
    assert.match(await page.locator('p.failure').textContent(), /kernel|window|input/);
});

visit('alexnet: the four tasks are pictured', '/?lang=ru#/alexnet', async (page) => {
    for (const name of ['Классификация', 'Классификация и локализация', 'Обнаружение объектов', 'Сегментация объектов'])
        await page.getByRole('heading', { name, exact: true }).waitFor();
    assert.equal(await page.locator('.tasks svg').count(), 4);
    assert.equal(number(await page.locator('[data-what=sum]').textContent()), 62378344);
});

visit(
    'alexnet: a phone needs no scrolling sideways',
    '/?lang=en#/alexnet',
    async (page) => {
        await page.locator('[data-own]').waitFor();
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    },
    { viewport: { width: 390, height: 844 } },
);
