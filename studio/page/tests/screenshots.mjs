// Pictures of every room for eyes to look at: node tests/screenshots.mjs DIR [ROOM…] writes ROOM-WIDTH-light.png and
// -dark.png at the widths of a phone, a laptop and a large screen.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, roomsOf, usable } from './browser.mjs';

const [dir, ...wanted] = process.argv.slice(2);
if (!dir) {
    console.error('usage: node tests/screenshots.mjs DIR [ROOM…]');
    process.exit(2);
}
mkdirSync(dir, { recursive: true });
const site = await open();
const lang = process.env.STUDIO_LANG ?? 'en';
try {
    for (const { name, title } of await roomsOf(site)) {
        if (wanted.length && !wanted.includes(name)) continue;
        for (const width of [390, 1280, 1920])
            for (const colorScheme of ['light', 'dark']) {
                const { page, close } = await site.page(`/?lang=${lang}#/${name}`, {
                    viewport: { width, height: width === 390 ? 844 : 900 },
                    colorScheme,
                });
                if (lang === 'en') await usable(page, title);
                await page.waitForTimeout(600);
                const train = page.locator('.transport .main');
                if (await train.count()) {
                    await train.click();
                    await page.waitForTimeout(1500);
                    await train.click();
                    await page.waitForTimeout(300);
                }
                await page.screenshot({ path: join(dir, `${name}-${width}-${colorScheme}.png`), fullPage: true });
                await close();
            }
    }
} finally {
    await site.close();
}
