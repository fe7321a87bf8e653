import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon } from '../../main/headless/daemon/startDaemon.ts';
import { MiB } from '../../shared/units.ts';
import { launchBrowser } from '../support/browser.ts';
import { type Harness, openHarness } from '../support/engineHarness.ts';

const rendererDir = join(import.meta.dirname, '../../dist/renderer');

describe('the window of a running Sluice', () => {
  let harness: Harness;
  let browser: Browser;
  beforeAll(async () => {
    harness = await openHarness();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await harness?.close();
  });

  it('shows a folder being uploaded, follows a changed file, and says safe only when it is', async () => {
    await harness.write('film.mov', randomBytes(48 * MiB));
    for (let i = 0; i < 40; i++) await harness.write(`photos/${i}.jpg`, randomBytes(20_000));
    const settings = { partSizeBytes: 5 * MiB, settleMs: 300, maxBandwidthBytesPerSecond: 8 * MiB };
    const engine = await harness.open({ settings, host: 'daemon' });
    await harness.folder(engine, { kind: 'kept' });
    const daemon = await startDaemon({ engine, port: 0, rendererDir });
    const page = await browser.newPage();
    const wrong: string[] = [];
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
    try {
      await page.goto(daemon.url);
      await engine.start();
      const sentence = page.getByRole('status').first();
      await page.getByText('film.mov').first().waitFor();
      await page
        .getByText(/of 10 parts/)
        .first()
        .waitFor();
      expect(await sentence.textContent()).toMatch(/^Uploading /);
      expect(engine.sentence().state).not.toBe('safe');
      await page.getByText('All 41 files are safely in S3').first().waitFor({ timeout: 60_000 });
      expect(await harness.differences()).toEqual([]);

      await harness.write('photos/7.jpg', 'another picture');
      await page.goto(`${new URL(daemon.url).origin}/#/activity`);
      await page.getByText('7.jpg').first().waitFor({ timeout: 30_000 });
      await expect.poll(() => harness.differences(), { timeout: 30_000 }).toEqual([]);
      expect(wrong).toEqual([]);
    } finally {
      await page.close();
      await daemon.close();
    }
  });
});
