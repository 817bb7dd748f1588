// The lines for the command that rooms show beside their links: the native command takes them as they stand.
import { after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openForTests, press, unfold, waitForStatus } from './browser.mjs';

const project = fileURLToPath(new URL('../../../', import.meta.url));
const command = `${process.env.SOMA_BUILD ?? join(project, 'build')}/soma`;
const folder = mkdtempSync(join(tmpdir(), 'soma-'));
const { visit } = await openForTests();
after(() => rmSync(folder, { recursive: true }));

/** What the command says of one epoch of a line, the last thing first. */
function trained(line) {
    const out = execFileSync(
        'sh',
        ['-c', `${line.replace(/^soma /, '"$SOMA" ')} --epochs 1 --json --overwrite --out "$OUT"`],
        {
            cwd: project,
            env: { ...process.env, SOMA: command, OUT: join(folder, 'run') },
            encoding: 'utf8',
            stdio: 'pipe',
        },
    );
    return out.trim().split('\n').map(JSON.parse).reverse();
}

for (const [room, place, lines] of [
    ['playground', 'playground', 1],
    [
        'playground with more of everything',
        'playground?set=moons&net=6,5&act=relu&opt=momentum&l2=0.001&dropout=0.1',
        1,
    ],
    ['neuron', 'neuron?set=moons', 1],
    ['descent', 'descent?on=network', 1],
    ['flow', 'flow', 1],
    ['flow without residual connections', 'flow?nets=plain', 1],
    ['digits', 'digits?net=perceptron', 1],
])
    visit(`the command takes the line of ${room}`, `/?lang=en#/${place}`, async (page) => {
        if (!existsSync(command)) return console.log('# soma is not built: skipped');
        await press(page, 'Step');
        await waitForStatus(page, (s) => /^epoch .* loss \d/.test(s), 60_000);
        await unfold(page);
        const shown = (await page.locator('pre').allTextContents()).filter((text) => text.startsWith('soma train '));
        assert.equal(shown.length, lines, JSON.stringify(shown));
        for (const line of shown) {
            const [, epoch] = trained(line);
            assert.ok(epoch.loss > 0 && epoch.loss < 10, `${line}: ${JSON.stringify(epoch)}`);
        }
    });
