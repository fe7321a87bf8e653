import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DesktopRun, findElectron, runDesktop } from '../support/electronApp.ts';

const { electron, missing } = findElectron();
if (!electron) process.stderr.write(`${missing}\n`);
const engineEntry = fileURLToPath(new URL('./support/fixtureEngineProcess.ts', import.meta.url));

// a packaged app runs its own engine
const withFixture = electron !== null && electron.kind !== 'packaged';

// one app for all, in order: the last test ends it
describe.skipIf(!withFixture)('the desktop app in a real Electron', () => {
  let run: DesktopRun;
  let page: Page;

  beforeAll(async () => {
    if (!electron) return;
    run = await runDesktop({ electron, engineEntry });
    page = await run.app.firstWindow();
    await page.waitForLoadState('domcontentloaded');
  });
  afterAll(async () => {
    await run?.dispose();
  });

  const enginePid = () => Number(readFileSync(join(run.dataDir, 'engine.pid'), 'utf8'));
  const visible = () =>
    run.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((w) => w.isVisible()));

  it('opens its window on app://sluice and draws the first screen', async () => {
    expect(page.url()).toMatch(/^app:\/\/sluice\//);
    await expect
      .poll(() => page.evaluate(() => document.getElementById('root')?.childElementCount ?? 0))
      .toBeGreaterThan(0);
    await expect.poll(visible).toEqual([true]);
  });

  it('the bridge answers a snapshot, and is all that the page has of Electron', async () => {
    await expect
      .poll(() => ask(page, 'snapshot', {}))
      .toMatchObject({ sentence: { text: 'All 3 files are safely in S3' } });
    const seen = await page.evaluate(() => ({
      bridge: Object.keys(window.sluiceBridge ?? {}).sort(),
      node: ['require', 'process', 'module', 'Buffer', 'electron', '__dirname'].filter((name) => name in window),
    }));
    expect(seen).toEqual({ bridge: ['onMessage', 'openPath', 'pickFolder', 'platform', 'send'], node: [] });
  });

  it('an injected script can neither leave the app, open windows, reach files, nor evaluate text', async () => {
    const outcome = await page.evaluate(async () => {
      const fails = async (attempt: () => unknown) => {
        try {
          return (await attempt()) === null ? 'refused' : 'allowed';
        } catch {
          return 'refused';
        }
      };
      const status = async (path: string) => (await fetch(path)).status;
      return {
        open: await fails(() => window.open('https://example.invalid/')),
        file: await fails(() => fetch('file:///etc/passwd')),
        remote: await fails(() => fetch('http://127.0.0.1:9/')),
        // not `new Function`: Playwright's own calls are made by the debugger, this one by the page
        text: await fails(
          () =>
            new Promise((resolve) => {
              const script = document.createElement('script');
              script.textContent = 'window.injected = true';
              document.head.append(script);
              resolve((window as { injected?: boolean }).injected ?? null);
            }),
        ),
        traversal: await status('app://sluice/..%2f..%2fpackage.json'),
        otherHost: await fails(() => fetch('app://elsewhere/index.html')),
        camera: await fails(() => navigator.mediaDevices.getUserMedia({ video: true })),
        notifications: Notification.permission,
      };
    });
    expect(outcome).toEqual({
      open: 'refused',
      file: 'refused',
      remote: 'refused',
      text: 'refused',
      traversal: 404,
      otherHost: 'refused',
      camera: 'refused',
      notifications: 'denied',
    });
    await page.evaluate(() => {
      window.location.href = 'https://example.invalid/';
    });
    await expect.poll(() => run.log()).toContain('Refused to leave the app for https://example.invalid');
    expect(page.url()).toMatch(/^app:\/\/sluice\//);
    expect(await run.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  });

  it('going to a screen by its fragment keeps the page', async () => {
    await page.evaluate(() => document.body.setAttribute('data-marker', 'same page'));
    await run.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.loadURL('app://sluice/index.html#/issues'),
    );
    await expect.poll(() => page.evaluate(() => window.location.href)).toBe('app://sluice/index.html#/issues');
    expect(await page.evaluate(() => document.body.getAttribute('data-marker'))).toBe('same page');
  });

  it('closing the window keeps the app in the tray, and starting it again brings the window back', async () => {
    await run.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
    await expect.poll(visible).toEqual([false]);
    expect(run.main.exitCode).toBe(null);
    const { argv, env } = await run.app.evaluate(() => ({ argv: process.argv, env: process.env }));
    const args = argv.slice(1).filter((arg) => !/^--(inspect|remote-debugging)/.test(arg));
    const second = spawn(argv[0] ?? '', args, { env, stdio: 'ignore' });
    const code = await new Promise((resolve) => second.once('exit', resolve));
    expect(code).toBe(0);
    await expect.poll(visible).toEqual([true]);
  });

  it('an engine that is killed is started again, and the window goes on with it', async () => {
    const before = enginePid();
    process.kill(before, 'SIGKILL');
    await expect.poll(enginePid, { timeout: 20_000 }).not.toBe(before);
    await expect
      .poll(() => ask(page, 'snapshot', {}), { timeout: 20_000 })
      .toMatchObject({ sentence: { text: 'All 3 files are safely in S3' } });
    expect(await ask(page, 'activity', { before: null, limit: 10, folderId: null, search: '', actions: [] })).toEqual({
      rows: [],
      hasMore: false,
      total: 0,
    });
  });

  it('quitting waits for the checkpoint and leaves no process behind', async () => {
    const engine = enginePid();
    const ended = new Promise((resolve) => run.main.once('exit', resolve));
    await run.app.evaluate(({ app }) => app.quit()).catch(() => {});
    await ended;
    expect(existsSync(join(run.dataDir, 'checkpoint'))).toBe(true);
    await expect.poll(() => alive(engine)).toBe(false);
    expect(existsSync(join(run.dataDir, 'desktop/desktop.json'))).toBe(true);
  });
});

describe.skipIf(!withFixture || process.platform === 'win32')('the end of a session', () => {
  it('a SIGTERM is a quit with checkpoint, and start in the tray opens no window', async () => {
    if (!electron) return;
    const run = await runDesktop({ electron, engineEntry, args: ['--hidden'] });
    try {
      await expect.poll(() => existsSync(join(run.dataDir, 'engine.pid')), { timeout: 20_000 }).toBe(true);
      expect(await run.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(0);
      const ended = new Promise((resolve) => run.main.once('exit', resolve));
      run.main.kill('SIGTERM');
      await ended;
      expect(existsSync(join(run.dataDir, 'checkpoint'))).toBe(true);
    } finally {
      await run.dispose();
    }
  });
});

describe.skipIf(!electron)('the desktop app with its real engine', () => {
  let run: DesktopRun;

  beforeAll(async () => {
    if (electron) run = await runDesktop({ electron });
  });
  afterAll(async () => {
    await run?.dispose();
  });

  it('opens a fresh ledger in a process of its own, serves the window, and closes both when it quits', async () => {
    const page = await run.app.firstWindow();
    await page.waitForLoadState('domcontentloaded');
    const empty = {
      sentence: { state: 'empty', text: 'No folder is kept in S3 yet' },
      about: { dataDir: run.dataDir },
    };
    await expect.poll(() => ask(page, 'snapshot', {}), { timeout: 30_000 }).toMatchObject(empty);
    expect(await ask(page, 'listLocalDirectory', { path: run.dataDir })).toMatchObject({ path: run.dataDir });
    const ended = new Promise((resolve) => run.main.once('exit', resolve));
    await run.app.evaluate(({ app }) => app.quit()).catch(() => {});
    expect(await ended).toBe(0);
    expect(run.log()).not.toContain('did not stop in time');
    // checkpointed: the write-ahead log is folded in
    expect(readdirSync(run.dataDir).filter((name) => name.endsWith('-wal'))).toEqual([]);
  });
});

let lastId = 1_000_000;

/** A call as the page makes it, past the page's own client. */
function ask(page: Page, method: string, params: unknown): Promise<unknown> {
  return page.evaluate(
    ({ id, method, params }) =>
      new Promise((resolve) => {
        const stop = window.sluiceBridge?.onMessage((message) => {
          const answer = message as { id?: number; result?: unknown; error?: unknown };
          if (answer.id !== id) return;
          stop?.();
          resolve(answer.result ?? answer.error);
        });
        window.sluiceBridge?.send({ type: 'call', id, method, params });
      }),
    { id: ++lastId, method, params },
  );
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
