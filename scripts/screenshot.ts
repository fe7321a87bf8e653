// `node scripts/screenshot.ts URL FOLDER`: pictures of every screen of a running Sluice (the URL that `npm run demo` prints), light and dark.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launchBrowser } from '../test/support/browser.ts';

const [url, folder] = process.argv.slice(2);
if (!url || !folder) throw new Error('usage: node scripts/screenshot.ts URL FOLDER');
await mkdir(folder, { recursive: true });
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1180, height: 760 }, deviceScaleFactor: 2 });
await page.goto(url);
for (const screen of ['overview', 'folders', 'activity', 'issues', 'cost', 'settings']) {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${screen}`);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(1200);
    await page.screenshot({ path: join(folder, `${screen}-${colorScheme}.png`) });
  }
}
await browser.close();
