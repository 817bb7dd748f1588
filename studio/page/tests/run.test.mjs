// The room of a training run, with a real `soma studio` and real trainings: what it shows is what the run wrote, and its
// buttons do what they say.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accuracy, open, waitForStatus } from './browser.mjs';

const soma = fileURLToPath(new URL('../../../build/soma', import.meta.url));
const skip = !existsSync(soma) ? 'the command was not built' : false;
let site, folder;
const running = new Set();
before(async () => {
    site = await open();
    folder = mkdtempSync(join(tmpdir(), 'soma-run-'));
});
after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await site?.close();
    rmSync(folder, { recursive: true, force: true });
});

function start(...args) {
    const child = spawn(soma, args.map(String), { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    running.add(child);
    child.ended = new Promise((done) => child.on('exit', (status) => (running.delete(child), done(status))));
    return child;
}
const lines = (file) =>
    existsSync(join(folder, file))
        ? readFileSync(join(folder, file), 'utf8')
              .trim()
              .split('\n')
              .filter(Boolean)
              .map((line) => JSON.parse(line))
        : [];
async function until(condition, what, limit = 20000) {
    for (
        const begun = performance.now();
        performance.now() - begun < limit;
        await new Promise((d) => setTimeout(d, 50))
    ) {
        const found = condition();
        if (found) return found;
    }
    throw new Error(`${what}: it did not come`);
}
async function studio(...args) {
    const child = start('studio', '--json', ...args);
    child.stdout.setEncoding('utf8');
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    return { child, ...JSON.parse(value) };
}
const train = (out, ...more) =>
    start(
        'train',
        'moons',
        '--net',
        'dense 8 tanh, dense 8 tanh',
        '--epochs',
        1e6,
        '--patience',
        1e6,
        '--out',
        out,
        ...more,
    );
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
/** A page in one language, whose address keeps no token. */
async function visit(address, language = 'en', options = {}) {
    const opened = await site.page(address.replace('/#', `/?lang=${language}#`), options);
    await opened.page.getByRole('heading', { level: 1 }).waitFor();
    return opened;
}

test('run: it is shown live, paused, resumed, stopped and started again', { skip }, async () => {
    const training = train('live');
    await until(() => lines('live/events.jsonl').some((e) => e.event === 'look'), 'a look');
    const s = await studio('live');
    const { page, mistakes, close } = await visit(s.address);
    assert.ok(!page.url().includes(s.token), page.url());
    await waitForStatus(page, (text) =>
        /^in training · epoch \d+ of 1000000 · loss .* · accuracy \d+\.\d %$/.test(text),
    );
    for (const name of ['dense1', 'dense2', 'dense3'])
        assert.ok((await page.locator('.layer-bars').getAttribute('aria-label')).includes(`${name}: `), name);
    await page.getByRole('img', { name: 'The answers over the plane, and the points' }).waitFor();

    await press(page, 'Pause');
    const { text } = await waitForStatus(page, (t) => t.startsWith('paused'));
    const last = lines('live/metrics.jsonl').at(-1);
    assert.ok(
        text.includes(`epoch ${last.epoch} of`) ||
            (await waitForStatus(page, (t) => t.includes(`epoch ${last.epoch} of`))),
    );
    assert.equal(accuracy(await page.getByRole('status').textContent()), Math.round(1000 * last.val_accuracy) / 10);
    const looks = lines('live/events.jsonl').filter((e) => e.event === 'look');
    const shown = await page.locator('.layer-bars').getAttribute('aria-label');
    for (const layer of looks.at(-1).layers)
        assert.ok(shown.includes(`${layer.name}: ${layer.gradient_rms.toExponential(1)}`), `${layer.name} in ${shown}`);
    assert.equal(lines('live/metrics.jsonl').at(-1).epoch, last.epoch);

    await press(page, 'Start');
    await waitForStatus(page, (t) => t.startsWith('in training'));
    await until(() => lines('live/metrics.jsonl').at(-1).epoch > last.epoch, 'another epoch');
    await press(page, 'Stop');
    assert.equal(await training.ended, 143);
    await waitForStatus(page, (t) => t.startsWith('not running (stopped)'));
    const stopped = lines('live/metrics.jsonl').at(-1).epoch;

    await page.getByLabel('Epochs in all, at the next start').fill(`${stopped + 5}`);
    await page.getByLabel('Epochs in all, at the next start').press('Tab');
    await press(page, 'Start');
    await waitForStatus(page, (t) =>
        t.startsWith(`not running (all epochs done) · epoch ${stopped + 5} of ${stopped + 5}`),
    );
    assert.equal(lines('live/metrics.jsonl').at(-1).epoch, stopped + 5);
    await page.getByText('Exercises: ').click();
    assert.equal(await page.locator('.exercises li').nth(0).getAttribute('data-done'), 'true');

    await page.reload(); // the tab keeps the token
    await waitForStatus(page, (t) => t.startsWith('not running'));
    await page.getByRole('link', { name: 'One neuron' }).click(); // the engine works under the server's policy
    await press(page, 'Step');
    await waitForStatus(page, (t) => /^epoch 1 /.test(t));
    await page.getByRole('link', { name: 'Training run' }).click();
    await waitForStatus(page, (t) => t.startsWith('not running'));
    assert.deepEqual(mistakes, []);
    s.child.kill('SIGTERM');
    assert.equal(await s.child.ended, 0);
    await waitForStatus(page, (t) => t.includes('soma studio starts it again'));
    await close();
});

test('run: a page of another origin gets nothing and stops no run', { skip }, async () => {
    const training = train('guarded');
    await until(() => lines('guarded/metrics.jsonl').length > 1, 'an epoch');
    const s = await studio('guarded');
    const { page, close } = await site.page('/?lang=en#/neuron'); // a server at another port is another origin
    for (const headers of [{}, { 'X-Soma-Token': s.token }])
        for (const [method, name] of [
            ['GET', 'run'],
            ['GET', 'events'],
            ['POST', 'stop'],
            ['POST', 'pause'],
        ]) {
            const got = await page.evaluate(
                ([url, method, headers]) =>
                    fetch(url, { method, headers }).then(
                        (r) => r.text(),
                        () => 'nothing',
                    ),
                [`http://127.0.0.1:${s.port}/api/${name}`, method, headers],
            );
            assert.equal(got, 'nothing', `${method} ${name}`);
        }
    // sent without asking, its answer unseen
    await page.evaluate(
        (url) => fetch(url, { method: 'POST', mode: 'no-cors' }).catch(() => {}),
        `http://127.0.0.1:${s.port}/api/stop`,
    );
    await page.evaluate((port) => {
        const form = Object.assign(document.createElement('form'), {
            method: 'post',
            target: 'f',
            action: `http://127.0.0.1:${port}/api/stop`,
        });
        document.body.append(Object.assign(document.createElement('iframe'), { name: 'f' }), form);
        form.submit();
    }, s.port);
    await page.waitForTimeout(300);
    const epoch = lines('guarded/metrics.jsonl').at(-1).epoch;
    await until(() => lines('guarded/metrics.jsonl').at(-1).epoch > epoch, 'another epoch');
    assert.ok(!lines('guarded/events.jsonl').some((e) => e.event === 'state' || e.event === 'end'));
    assert.equal(await page.getByRole('link', { name: 'Training run' }).count(), 0);
    await close();
    s.child.kill('SIGTERM');
    training.kill('SIGTERM');
    assert.equal(await training.ended, 143);
});

test('run: filters of a convolution, and what a run says that fails', { skip }, async () => {
    const made = spawnSync('python3', ['-c', PICTURES], { cwd: folder });
    assert.equal(made.status, 0, String(made.stderr));
    const done = start(
        'train',
        'p-images-idx3-ubyte.gz',
        '--net',
        'conv 6 5x5 relu, dense 2',
        '--epochs',
        3,
        '--out',
        'runs/pictures',
    );
    assert.equal(await done.ended, 0);
    assert.equal(await start('train', 'iris', '--epochs', 2, '--out', 'runs/table').ended, 0);
    rmSync(join(folder, 'p-images-idx3-ubyte.gz'));
    const s = await studio();
    const { page, mistakes, close } = await visit(s.address.replace('run?', 'run?run=pictures&'), 'ru');
    await waitForStatus(page, (t) => /^не идёт \(.*\) · эпоха 3 из 3 · потери .* · точность \d+,\d %$/.test(t));
    await page.getByRole('img', { name: /^Фильтры слоя conv2d1: 6, 5 × 5/ }).waitFor();
    await press(page, 'Запустить');
    await page.getByText(/p-images-idx3-ubyte\.gz: /).waitFor();
    await page.getByLabel('Запуск', { exact: true }).selectOption('table');
    await waitForStatus(page, (t) => t.includes('эпоха 2 из 2'));
    // the refused start is the browser's only complaint, if it is one at all
    assert.deepEqual(
        mistakes.filter((m) => !m.includes('409')),
        [],
    );
    await close();
    s.child.kill('SIGTERM');
});

const PICTURES = `
import gzip, struct
body = bytes((200 if (x >= 8) == bool(i % 2) else 10) + (i * 7 + x * 3 + y) % 40 for i in range(40) for y in range(16) for x in range(16))
gzip.open("p-images-idx3-ubyte.gz", "wb").write(struct.pack(">IIII", 0x803, 40, 16, 16) + body)
gzip.open("p-labels-idx1-ubyte.gz", "wb").write(struct.pack(">II", 0x801, 40) + bytes(i % 2 for i in range(40)))
`;
