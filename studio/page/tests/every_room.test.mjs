// What holds for every room that the page leads to: it can be used by everybody and on every screen, loads at once and
// without jumping, works without the network and as one file.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import {
    dist,
    keepsPace,
    longestTasks,
    openForTests,
    roomsOf,
    schemes,
    unfold,
    usable,
    violations,
    waitForStatus,
} from './browser.mjs';

const { site, visit } = await openForTests();
const rooms = await roomsOf(site);
/** A phone, a laptop, a large screen. */
const widths = [390, 1280, 1920];

/** How far the page reaches beyond the screen, and what reaches beyond its section. */
const overflow = (page) =>
    page.evaluate(() => ({
        page: document.documentElement.scrollWidth - innerWidth,
        sections: [...document.querySelectorAll('section')]
            .filter((s) => getComputedStyle(s).overflowX === 'visible' && s.scrollWidth > s.clientWidth + 1)
            .map((s) => `${s.className}: ${s.scrollWidth} in ${s.clientWidth}`),
    }));

/** One training step where the room trains: its status speaks of it. */
async function useRoom(page) {
    const step = page.getByRole('button', { name: 'Step', exact: true });
    if (!(await step.count())) return;
    const before = await page.getByRole('status').textContent();
    await step.click();
    await waitForStatus(page, (s) => s !== before, 20_000);
}

test('the page leads to rooms', () => assert.ok(rooms.length >= 4, JSON.stringify(rooms)));

for (const { name, title } of rooms) {
    visit(
        `${name}: nothing for axe-core to complain about, light or dark`,
        `/?lang=en#/${name}`,
        async (page) => {
            await usable(page, title);
            await page.waitForTimeout(300);
            await unfold(page);
            for (const colorScheme of schemes) {
                await page.emulateMedia({ colorScheme });
                await page.waitForTimeout(100);
                assert.deepEqual(await violations(page), [], colorScheme);
            }
        },
        { colorScheme: schemes[0], reducedMotion: 'reduce' },
    );

    for (const lang of ['en', 'ru'])
        visit(
            `${name}: nothing beyond the edge of any screen (${lang})`,
            `/?lang=${lang}#/${name}`,
            async (page) => {
                await page.getByRole('heading', { level: 1 }).waitFor();
                await page.waitForTimeout(400);
                await unfold(page);
                for (const width of widths) {
                    await page.setViewportSize({ width, height: 900 });
                    await page.waitForTimeout(100);
                    assert.deepEqual(await overflow(page), { page: 0, sections: [] }, `at ${width} pixels`);
                }
            },
            { viewport: { width: widths[0], height: 900 } },
        );

    test(`${name}: can be used in less than a second, and nothing jumps`, async () => {
        // The machine may be busy with something else: the best of three counts.
        const times = [];
        for (const width of [widths[1], widths[0], widths[1]]) {
            if (times.length > 1 && times.some((t) => t < 1000)) break;
            const { page, close } = await site.page('about:blank', { viewport: { width, height: 900 } });
            await page.addInitScript(() => {
                globalThis.shifts = [];
                new PerformanceObserver((list) => {
                    for (const e of list.getEntries())
                        globalThis.shifts.push([
                            e.value,
                            e.sources.map((s) => s.node?.className || s.node?.nodeName || 'text').join(),
                        ]);
                }).observe({ type: 'layout-shift', buffered: true });
            });
            await page.goto(`${site.address}/?lang=en#/${name}`);
            times.push(await usable(page, title));
            await page.waitForTimeout(700);
            const shifts = await page.evaluate(() => globalThis.shifts);
            const sum = shifts.reduce((a, [value]) => a + value, 0);
            await close();
            // What comes later than a room waits for its engine may move what stands there.
            keepsPace(sum < 0.01, `layout shift ${sum.toFixed(4)} at ${width}: ${JSON.stringify(shifts)}`);
        }
        console.log(`# ${name}: usable after ${times.map(Math.round).join(', ')} ms`);
        keepsPace(Math.min(...times) < 1000, `usable after ${times.join()} ms`);
    });

    visit(`${name}: while it trains, no task on the page's thread takes 50 ms`, `/?lang=en#/${name}`, async (page) => {
        await usable(page, title);
        if (!(await page.getByRole('button', { name: 'Train', exact: true }).count())) return;
        await page.waitForTimeout(500);
        const { clock, busy } = await longestTasks(page);
        console.log(`# ${name}: the longest task while training ${busy} ms, ${clock} ms by the clock`);
        keepsPace(busy < 50, `a task of ${busy} ms`);
    });

    visit(`${name}: works from the single file`, pathToFileURL(`${dist}single/soma-studio.html`).href, async (page) => {
        await page.goto(`${page.url()}?lang=en#/${name}`);
        await usable(page, title);
        await useRoom(page);
    });
}

visit('once loaded, every room works without the network', '/?lang=en#/playground', async (page) => {
    await usable(page, 'Playground');
    // What other rooms need comes a second later.
    await page.waitForTimeout(1500);
    await page.waitForLoadState('networkidle');
    await page.waitForTimeout(500);
    await page.context().setOffline(true);
    for (const { name, title } of rooms) {
        await page.getByRole('navigation').getByRole('link', { name: title, exact: true }).click();
        await usable(page, title);
        await useRoom(page);
        assert.match(page.url(), new RegExp(`#/${name}$`));
    }
});
