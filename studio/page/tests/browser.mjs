// What the tests of the rooms share: the built site on a local server, and Chromium.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const executablePath =
    process.env.CHROMIUM ??
    ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };

export async function open() {
    const site = join(dist, 'site');
    const server = createServer((request, response) => {
        const path = normalize(new URL(request.url, 'http://localhost').pathname).replace(/\/$/, '/index.html');
        const file = join(site, path);
        if (!file.startsWith(site) || !existsSync(file)) return response.writeHead(404).end();
        response
            .writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
            .end(readFileSync(file));
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const browser = await chromium.launch({
        executablePath,
        args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
        ],
    });
    const address = `http://127.0.0.1:${server.address().port}`;
    return {
        browser,
        address,
        /** A page of its own; `mistakes` gathers errors of the console and requests that leave the server. */
        async page(path, options = {}) {
            const context = await browser.newContext({
                viewport: { width: 1280, height: 900 },
                locale: 'en-GB',
                ...options,
            });
            const page = await context.newPage();
            const mistakes = [];
            page.on('console', (m) => m.type() === 'error' && mistakes.push(m.text()));
            page.on('pageerror', (e) => mistakes.push(e.message));
            page.on(
                'request',
                (r) =>
                    /^(http:\/\/127\.0\.0\.1|data:|blob:|file:)/.test(r.url()) ||
                    mistakes.push(`request to ${r.url()}`),
            );
            await page.goto(/^[a-z]+:/.test(path) ? path : address + path);
            return { page, mistakes, close: () => context.close() };
        },
        async close() {
            await browser.close();
            server.close();
        },
    };
}

/** The site for a file of tests, closed after them, and `visit`: a test of a page, which must leave no mistakes. */
export async function openForTests() {
    const site = await open();
    after(() => site.close());
    const visit = (name, path, body, options) =>
        test(name, async () => {
            const { page, mistakes, close } = await site.page(path, options);
            try {
                await body(page);
                assert.deepEqual(mistakes, []);
            } finally {
                await close();
            }
        });
    return { site, visit };
}

/** Presses the button of exactly that name. */
export const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

/** The rooms that the page leads to: names and titles. */
export async function roomsOf(site) {
    const { page, close } = await site.page('/?lang=en');
    const links = page.getByRole('navigation').getByRole('link');
    const rooms = await links.evaluateAll((all) =>
        all.map((a) => ({ name: a.getAttribute('href').replace('#/', ''), title: a.textContent })),
    );
    await close();
    return rooms;
}

/** Until a room can be used: it is drawn, and the engine has answered it. Returns the milliseconds since navigation. */
export async function usable(page, title) {
    await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    return page.evaluate(async () => {
        const answered = () => performance.getEntriesByName('engine answers')[0];
        const uses = () => performance.getEntriesByName('engine asked').length > 0;
        while (uses() && !answered()) await new Promise((done) => setTimeout(done, 5));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        return performance.now();
    });
}

/**
 * Trains for some milliseconds and returns the longest tasks of the page's thread, in milliseconds: by the clock, and by
 * the time that the thread itself was busy. On a machine with other work the clock also counts what others did.
 */
export async function longestTasks(page, milliseconds = 2500) {
    const browser = page.context().browser();
    await browser.startTracing(page, { categories: ['toplevel'] });
    await press(page, 'Train');
    await page.waitForTimeout(milliseconds);
    await press(page, 'Pause');
    const { traceEvents } = JSON.parse(String(await browser.stopTracing()));
    const place = (e) => `${e.pid} ${e.tid}`;
    const threads = traceEvents.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map(place);
    const tasks = traceEvents.filter((e) => /RunTask$/.test(e.name) && threads.includes(place(e)));
    const longest = (key) => Math.round(Math.max(...tasks.map((e) => e[key] ?? 0)) / 1000);
    return { clock: longest('dur'), busy: longest('tdur') };
}

/** The accuracy in a room's status, in percent; NaN before there is one. */
export function accuracy(text) {
    const found = /(?:accuracy|точность) (\d+[.,]\d) %/.exec(text ?? '');
    return found ? Number(found[1].replace(',', '.')) : NaN;
}

/** Waits until the status satisfies; returns it and the milliseconds that it took. */
export async function waitForStatus(page, satisfied, limit = 15000) {
    const begun = performance.now();
    for (;;) {
        const text = await page.getByRole('status').textContent();
        const took = performance.now() - begun;
        if (satisfied(text)) return { text, took };
        if (took > limit) throw new Error(`the status stays "${text}"`);
        await page.waitForTimeout(20);
    }
}

/**
 * A bar of speed. By hand it must be kept; in make check and CI, where other tests run beside, it is said when it isn't.
 */
export function keepsPace(kept, message) {
    if (kept) return;
    if (!process.env.CI) throw new Error(`too slow: ${message}`);
    console.log(`# too slow, on this machine at this time: ${message}`);
}

export const schemes = ['light', 'dark'];

/** What axe-core finds, a line each. */
export async function violations(page) {
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await globalThis.axe.run(document)).violations);
    return found.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
}

/** Everything that can be unfolded is. */
export const unfold = (page) =>
    page.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)));

/** Drops a file on an element. */
export async function drop(page, on, name, bytes) {
    const file = await page.evaluateHandle(
        ([fileName, content]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(content)], fileName));
            return transfer;
        },
        [name, [...bytes]],
    );
    await page.locator(on).dispatchEvent('drop', { dataTransfer: file });
}
