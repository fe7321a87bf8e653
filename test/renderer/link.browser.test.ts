import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { startRendererHost } from '../support/rendererHost.ts';
import { openPage } from './openPage.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

it('updates arrive without asking for another snapshot', async () => {
  await using open = await openPage(browser, 'busy');
  const asked = open.fixture.snapshotsAsked();
  open.fixture.push({ sentence: { state: 'uploading', text: 'Uploading 119 of 16,718 files' } });
  await open.page.getByText('Uploading 119 of 16,718 files').waitFor();
  expect(open.fixture.snapshotsAsked()).toBe(asked);
});

it('a missed update is noticed: a new snapshot is asked for', async () => {
  await using open = await openPage(browser, 'busy');
  const asked = open.fixture.snapshotsAsked();
  open.fixture.miss({ sentence: { state: 'safe', text: 'All 99 files are safely in S3' } });
  open.fixture.push({ issueCount: 3 });
  await open.page.getByText('All 99 files are safely in S3').waitFor();
  expect(open.fixture.snapshotsAsked()).toBe(asked + 1);
});

it('an engine that goes away is told honestly, and found again when it is back', async () => {
  await using open = await openPage(browser, 'safe');
  await open.host.close();
  await open.page.getByText('The connection to the engine is lost, reconnecting…').waitFor();
  // The last known state stays readable.
  expect(await open.page.locator('.sentence-text').textContent()).toBe('All 16,718 files are safely in S3');
  open.fixture.miss({ sentence: { state: 'safe', text: 'All 7 files are safely in S3' } });
  const again = await startRendererHost(open.fixture.api, open.host.port);
  try {
    await open.page.getByText('All 7 files are safely in S3').waitFor();
    await open.page.getByText('reconnecting…').waitFor({ state: 'detached' });
    open.fixture.push({ sentence: { state: 'safe', text: 'All 8 files are safely in S3' } });
    await open.page.getByText('All 8 files are safely in S3').waitFor();
  } finally {
    await again.close();
  }
});

it('an engine that wants a new sign-in says so instead of pretending to reconnect', async () => {
  await using open = await openPage(browser, 'safe');
  await open.page.route('**/*', (route) =>
    route.request().method() === 'HEAD' ? route.fulfill({ status: 401 }) : route.continue(),
  );
  await open.host.close();
  await open.page.getByText('The engine wants a new sign-in').waitFor();
});

it('a hidden page stops listening and catches up when it is shown again', async () => {
  await using open = await openPage(browser, 'busy');
  expect(open.fixture.subscribers()).toBe(1);
  const hide = (hidden: boolean) =>
    open.page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  await vi.waitUntil(() => open.fixture.subscribers() === 0, 10_000);
  open.fixture.push({ sentence: { state: 'safe', text: 'All 5 files are safely in S3' } });
  await hide(false);
  await open.page.getByText('All 5 files are safely in S3').waitFor();
  expect(open.fixture.subscribers()).toBe(1);
});

it('in Electron the same page talks through the bridge, and says when the engine is away', async () => {
  const { createFixtureApi } = await import('../support/fixtureApi.ts');
  const { serveSyncApi } = await import('../../shared/wire.ts');
  await using open = await openPage(browser, 'empty');
  const fixture = createFixtureApi('safe');
  const context = await browser.newContext();
  const page = await context.newPage();
  const heard: ((message: unknown) => void)[] = [];
  let up = true;
  await page.exposeFunction('toEngine', (message: unknown) => {
    if (up) for (const listener of heard) listener(message);
  });
  await page.addInitScript(() => {
    const listeners = new Set<(message: unknown) => void>();
    Object.assign(window, {
      fromEngine: (message: unknown) => {
        for (const listener of [...listeners]) listener(message);
      },
      sluiceBridge: {
        send: (message: unknown) => (window as unknown as { toEngine(message: unknown): void }).toEngine(message),
        onMessage: (listener: (message: unknown) => void) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        pickFolder: async () => '/home/ada/Picked',
        platform: 'linux',
      },
    });
  });
  const tell = (message: unknown) =>
    page.evaluate((value) => (window as unknown as { fromEngine(message: unknown): void }).fromEngine(value), message);
  serveSyncApi(fixture.api, {
    send: (message) => void tell(message),
    onMessage: (listener) => void heard.push(listener),
    onClose: () => {},
  });
  await page.goto(open.host.url);
  await page.getByText('All 16,718 files are safely in S3').waitFor();
  up = false;
  await tell({ type: 'link', state: 'down' });
  await page.getByText('The connection to the engine is lost').waitFor();
  up = true;
  await tell({ type: 'link', state: 'up' });
  await page.getByText('The connection to the engine is lost').waitFor({ state: 'detached' });
  await context.close();
});
