import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type Scenario, scenarios } from '../support/fixtureApi.ts';
import { openPage } from './openPage.ts';

const screens = ['Overview', 'Folders', 'Activity', 'Issues', 'Cost', 'Settings'] as const;
const pictures = join(import.meta.dirname, '../../test-results/screens');

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
  await mkdir(pictures, { recursive: true });
});
afterAll(() => browser?.close());

/** What must be readable on each screen in each state. */
const says: Readonly<Record<Scenario, readonly [string | RegExp, string | RegExp, string | RegExp, string | RegExp]>> =
  {
    empty: ['No folder is kept in S3 yet', 'No folder yet', 'Nothing has happened yet', 'Nothing needs you'],
    busy: ['Uploading 120 of 16,718 files, about 4 min left', /at least .* left/, '2,400 entries', 'Nothing needs you'],
    paused: ['Paused, 120 files waiting', '77%', '2,400 entries', 'Nothing needs you'],
    offline: [/^Offline: the name/, 'Offline: no network', '2,400 entries', 'Nothing needs you'],
    attention: [
      /^4 files need you/,
      '4 files need you',
      '2,400 entries',
      'sudo sysctl fs.inotify.max_user_watches=1048576',
    ],
    safe: ['All 16,718 files are safely in S3', '100%', '2,400 entries', 'Nothing needs you'],
    locked: ['All 16,718 files are safely in S3', '100%', '2,400 entries', 'Nothing needs you'],
    million: ['All 16,718 files are safely in S3', '100%', '1,000,000 entries', 'Nothing needs you'],
  };

describe.each(scenarios)('when the engine is %s', (scenario) => {
  it.each(['light', 'dark'] as const)(
    'every screen shows it, in %s, without an accessibility or CSP violation',
    async (colorScheme) => {
      await using open = await openPage(browser, scenario, { colorScheme });
      for (const [index, screen] of screens.entries()) {
        if (screen !== 'Overview') await open.goTo(screen);
        const text = says[scenario][index as 0];
        const expected =
          screen === 'Settings' ? 'Upload speed' : screen === 'Cost' ? /for requests \(94,658 writes/ : text;
        await open.page.locator('main').getByText(expected).first().waitFor();
        if (screen === 'Folders') await unfold(open.page);
        if (screen === 'Cost') await lookAtCosts(open.page, scenario !== 'empty');
        if (screen === 'Overview' && scenario === 'busy') await open.page.locator('.plot canvas').waitFor();
        await open.page.screenshot({ path: join(pictures, `${scenario}-${screen.toLowerCase()}-${colorScheme}.png`) });
        expect(await violations(open.page), `${scenario} ${screen}`).toEqual([]);
      }
      expect(open.complaints).toEqual([]);
    },
  );
});

it('the dialogs, menus and open details have no accessibility violation either', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await using open = await openPage(browser, 'attention', { colorScheme });
    const { page } = open;
    await page.getByRole('button', { name: 'As a table' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('menuitem').first().waitFor();
    expect(await violations(page), 'menu').toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await open.goTo('Folders');
    await unfold(page);
    await page.getByRole('button', { name: 'Add a folder' }).click();
    for (const step of [1, 2]) {
      expect(await violations(page), `add folder, step ${step}`).toEqual([]);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByLabel('Bucket', { exact: true }).waitFor();
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Verify' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Verify' }).click();
    await page.getByText('2 differences').waitFor();
    expect(await violations(page), 'verify').toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Restore…' }).first().click();
    await page.getByLabel('Into this folder').fill('/home/me/back');
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
    await page.getByText('2 files not restored.').waitFor();
    expect(await violations(page), 'restore').toEqual([]);
    await page.screenshot({ path: join(pictures, `restore-${colorScheme}.png`) });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    for (const [button, shown] of [
      ['Compare with the bucket…', '1 missing, 1 changed by others'],
      ['Deletes…', 'wait for your approval'],
    ] as const) {
      await page.getByRole('button', { name: 'More' }).first().click();
      await page.getByRole('menuitem', { name: button }).click();
      if (button !== 'Deletes…') await page.getByRole('dialog').getByRole('button', { name: 'Compare' }).click();
      await page.getByText(shown).first().waitFor();
      expect(await violations(page), button).toEqual([]);
      await page.screenshot({
        path: join(pictures, `${button === 'Deletes…' ? 'deletes' : 'reconcile'}-${colorScheme}.png`),
      });
      if (button === 'Deletes…') {
        await page.getByRole('dialog').getByRole('button', { name: 'Keep them all' }).click();
        await page.getByText('Nothing is waiting to be deleted.').waitFor();
        expect(open.fixture.calls.map(({ method }) => method)).toContain('keepDeletes');
      }
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    await open.goTo('Activity');
    await page.locator('.activity-row').first().click();
    expect(await violations(page), 'activity details').toEqual([]);
    expect(open.complaints).toEqual([]);
  }
});

it('a narrow window keeps everything reachable', async () => {
  await using open = await openPage(browser, 'busy', { viewport: { width: 420, height: 760 } });
  for (const screen of screens) {
    if (screen !== 'Overview') await open.goTo(screen);
    const overflow = await open.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow, screen).toBeLessThanOrEqual(0);
    await open.page.screenshot({ path: join(pictures, `narrow-${screen.toLowerCase()}.png`) });
  }
  expect(await violations(open.page)).toEqual([]);
});

/** All that the screen shows only when it is asked for. */
async function lookAtCosts(page: Page, hasFolder: boolean): Promise<void> {
  await page.locator('.plot canvas').waitFor();
  await page.getByRole('button', { name: 'By folder and by day' }).click();
  if (!hasFolder) return;
  await page.getByRole('button', { name: 'Look at the bucket' }).click();
  await page.getByText('12,408 objects, 61.0 GiB').waitFor();
  await page.getByRole('button', { name: 'Compare with the recommended rules' }).click();
  await page.getByText('Not ours, kept').waitFor();
  await page.getByRole('button', { name: 'Apply…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

async function unfold(page: Page): Promise<void> {
  const folded = page.locator('.folder-trigger[aria-expanded="false"]');
  while ((await folded.count()) > 0) await folded.first().click();
}

async function violations(page: Page): Promise<string[]> {
  const popup = (await page.locator('[role="menu"], [role="dialog"]').count()) > 0;
  const axe = new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'])
    // Base UI's guards hand the focus on the moment they get it.
    .exclude('[data-base-ui-focus-guard]');
  // A menu lies outside every landmark, at the end of the body, as the pattern asks.
  const { violations } = await (popup ? axe.disableRules(['region']) : axe).analyze();
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`,
  );
}
