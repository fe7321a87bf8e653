import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ErrorCode, SluiceError } from '../../shared/errors.ts';
import { app } from '../support/fakeElectron/app.ts';
import { powerMonitor, session } from '../support/fakeElectron/electron.ts';
import { world } from '../support/fakeElectron/world.ts';
import { fixtureTransfer } from './support/fixtureSyncApi.ts';
import { type Host, type HostOptions, settle, startHost } from './support/host.ts';

vi.mock('electron', () => import('../support/fakeElectron/electron.ts'));

let host: Host | undefined;
const started: Host[] = [];
const start = async (options?: HostOptions): Promise<Host> => {
  host = await startHost(options);
  started.push(host);
  return host;
};
afterEach(() => {
  vi.useRealTimers();
  for (const each of started.splice(0)) each.dispose();
});
const fakeTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });

describe('starting', () => {
  it('shows the window and serves it', async () => {
    fakeTime();
    const { window, tray, ask } = await start();
    expect(window().isVisible()).toBe(true);
    expect(tray().tooltip).toBe('Sluice: Sluice is starting');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(window().webContents.mainFrame.url).toBe('app://sluice/index.html');
    expect(tray().tooltip).toBe('Sluice: All 3 files are safely in S3');
    expect(tray().image.isEmpty()).toBe(false);
    expect(await ask('snapshot')).toMatchObject({ type: 'result', result: { sentence: { state: 'safe' } } });
  });

  it('by the session it stays in the tray, without a window, and syncs', async () => {
    const { tray, engine } = await start({ argv: ['sluice', '--hidden'] });
    expect(world.windows).toEqual([]);
    expect(engine().alive).toBe(true);
    tray().choose('Open Sluice');
    await settle();
    expect(world.windows).toHaveLength(1);
  });

  it('a second time starts no second engine, and brings the first window to the front', async () => {
    await start({
      prepare: () => {
        world.firstInstance = false;
      },
    });
    expect(world.utilityProcesses).toEqual([]);
    expect(world.exitCode).toBe(0);

    const first = await start();
    first.window().close();
    await settle();
    expect(first.window().isVisible()).toBe(false);
    app.emit('second-instance', {}, ['sluice', '--hidden']);
    expect(first.window().isVisible()).toBe(false);
    app.emit('second-instance', {}, ['sluice']);
    expect(first.window().isVisible()).toBe(true);
    expect(first.window().focused).toBe(1);
  });

  it('every page is sandboxed, isolated and refused all permissions', async () => {
    const { window } = await start();
    expect(app.sandboxed).toBe(true);
    expect(window().options.webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      webSecurity: true,
    });
    const { requestHandler, checkHandler, deviceHandler } = session.defaultSession;
    const granted = vi.fn();
    requestHandler?.(null, 'media', granted);
    expect(granted).toHaveBeenCalledExactlyOnceWith(false);
    expect([checkHandler?.(), deviceHandler?.()]).toEqual([false, false]);
  });

  it('the window comes back where it was, unless that screen is gone', async () => {
    const first = await start();
    first.window().moveTo({ x: 300, y: 200, width: 900, height: 600 });
    first.window().close();
    const again = await start({ folder: first.folder });
    expect(again.window().options).toMatchObject({ x: 300, y: 200, width: 900, height: 600 });
    again.window().moveTo({ x: 4000, y: 200, width: 900, height: 600 });
    again.window().close();
    const third = await start({ folder: first.folder });
    expect(third.window().options.x).toBeLessThan(1920);
  });
});

describe('closing the window', () => {
  it('hides it in the tray; the engine goes on', async () => {
    const { window, engine } = await start();
    window().close();
    await settle();
    expect(window().isVisible()).toBe(false);
    expect(window().isMinimized()).toBe(false);
    expect(engine().alive).toBe(true);
    expect(world.notifications).toEqual([]);
  });

  it('where there is no tray it is minimised, and that is said once', async () => {
    const { window } = await start({ env: { SLUICE_TRAY: 'off' } });
    for (let times = 0; times < 2; times++) {
      window().close();
      await settle();
      expect(window().isMinimized()).toBe(true);
      window().restore();
    }
    expect(world.notifications.map((note) => note.options.title)).toEqual(['Sluice keeps running']);
  });
});

describe('quitting', () => {
  it('waits for the checkpoint of the engine, then ends everything', async () => {
    const { engine, tray } = await start();
    const running = engine();
    tray().choose('Quit');
    expect(world.exitCode).toBe(null);
    await settle();
    expect(host?.stops).toBe(1);
    expect(running.alive).toBe(false);
    expect(tray().destroyed).toBe(true);
    expect(world.exitCode).toBe(0);
  });

  it('an impatient second quit does not cut the checkpoint short', async () => {
    await start({ hang: true });
    app.quit();
    app.quit();
    await settle();
    expect(world.exitCode).toBe(null);
    expect(host?.stops).toBe(1);
  });

  it('an engine that hangs is ended after its time', async () => {
    fakeTime();
    const { engine, lines } = await start({ hang: true });
    const running = engine();
    app.quit();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(running.alive).toBe(true);
    await vi.advanceTimersByTimeAsync(2_000);
    await settle();
    expect(running.alive).toBe(false);
    expect(world.exitCode).toBe(0);
    expect(lines.join()).toContain('did not stop in time');
  });

  it('a shutdown of the machine is a quit with checkpoint', async () => {
    await start();
    const preventDefault = vi.fn();
    powerMonitor.emit('shutdown', { preventDefault });
    await settle();
    expect(preventDefault).toHaveBeenCalled();
    expect([host?.stops, world.exitCode]).toEqual([1, 0]);
  });
});

describe('the tray menu', () => {
  it('pauses for an hour, resumes, opens folders and issues', async () => {
    fakeTime();
    const { tray, api, window } = await start();
    await vi.advanceTimersByTimeAsync(1_000);
    tray().choose('Pause for 1 hour');
    await settle();
    expect(api().calls.at(-1)).toEqual({ method: 'pauseAll', params: { untilMs: Date.now() + 3_600_000 } });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tray().labels()).toContain('Resume');
    expect(tray().image.path).toContain('paused');
    tray().choose('Resume');
    await settle();
    expect(api().calls.at(-1)?.method).toBe('resumeAll');
    tray().choose('/home/ada/Photos');
    await settle();
    expect(world.opened).toEqual(['/home/ada/Photos']);
    api().tell({ issueCount: 2 });
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
    window().close();
    await settle();
    tray().choose('Issues (2)');
    expect(window().webContents.mainFrame.url).toBe('app://sluice/index.html#/issues');
    expect(window().isVisible()).toBe(true);
  });

  it('is drawn at most once a second, and not at all when nothing it shows has changed', async () => {
    fakeTime();
    const { tray, api } = await start();
    await vi.advanceTimersByTimeAsync(2_000);
    const before = { ...tray().drawn };
    for (let i = 0; i < 8; i++) {
      api().tell({ transfers: [fixtureTransfer({ bytesDone: 100 + i })] });
      await settle();
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(tray().labels()).toContain('beach.raw · 10 %');
    expect(tray().drawn.menu - before.menu).toBeLessThanOrEqual(2);
    const after = { ...tray().drawn };
    await vi.advanceTimersByTimeAsync(1_000);
    api().tell({ sample: { at: 1, bytesPerSecond: 5 } });
    await settle();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(tray().drawn).toEqual(after);
  });

  it('start at login is a check mark that the system remembers', async () => {
    const { tray, folder } = await start({
      prepare: () => {
        world.packaged = true;
      },
      env: { XDG_CONFIG_HOME: '' },
    });
    tray().choose('Start at login');
    const { loginItem } = await import('../../main/desktop/loginItem.ts');
    expect(loginItem({ XDG_CONFIG_HOME: join(folder, '.config') })?.enabled()).toBe(true);
  });
});

describe('an engine that crashes', () => {
  it('is started again; the page hears it, and calls in flight are not answered by the next one', async () => {
    fakeTime();
    const { engine, window, ask, tray } = await start();
    const crashed = engine();
    const heard: unknown[] = [];
    window().webContents.pageListens((_channel, message) => heard.push(message));
    window().webContents.pageSends('sluice:to-engine', { type: 'subscribe' });
    await settle();
    window().webContents.pageSends('sluice:to-engine', { type: 'call', id: 1, method: 'issues', params: {} });
    crashed.exit(11);
    await settle();
    expect(heard.at(-1)).toEqual({ type: 'link', state: 'down' });
    expect(heard).not.toContainEqual(expect.objectContaining({ id: 1 }));
    expect(await ask('snapshot')).toMatchObject({
      result: { sentence: { state: 'error', text: expect.stringContaining('ended unexpectedly (exit code 11)') } },
    });
    expect(await ask('issues')).toMatchObject({ type: 'error', error: { message: 'The engine is not running' } });
    await vi.advanceTimersByTimeAsync(1_000);
    await settle();
    expect(engine()).not.toBe(crashed);
    expect(heard.at(-1)).toEqual({ type: 'link', state: 'up' });
    expect(await ask('snapshot')).toMatchObject({ result: { sentence: { state: 'safe' } } });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tray().image.path).toContain('safe');
  });

  it('five times in a row is left alone, said in tray and window, and started again when asked', async () => {
    fakeTime();
    const { engine, tray, ask } = await start();
    for (const delay of [1_000, 2_000, 4_000, 8_000]) {
      const before = engine();
      before.exit(1);
      await settle();
      await vi.advanceTimersByTimeAsync(delay - 1);
      await settle();
      expect(engine()).toBe(before);
      await vi.advanceTimersByTimeAsync(1);
      await settle();
      expect(engine()).not.toBe(before);
    }
    const last = engine();
    last.exit(1);
    await settle();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(engine()).toBe(last);
    expect(tray().tooltip).toContain(
      'Sluice has stopped: its engine ended unexpectedly (exit code 1), 5 times in a row',
    );
    expect(tray().image.path).toContain('error');
    expect(await ask('snapshot')).toMatchObject({ result: { sentence: { state: 'error' }, folders: [{ id: 1 }] } });
    tray().choose('Start again');
    await settle();
    expect(engine()).not.toBe(last);
    expect(await ask('snapshot')).toMatchObject({ result: { sentence: { state: 'safe' } } });
  });

  it('quitting while a restart is due starts nothing any more', async () => {
    fakeTime();
    const { engine } = await start();
    const crashed = engine();
    crashed.exit(1);
    await settle();
    app.quit();
    await settle();
    expect(world.exitCode).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(engine()).toBe(crashed);
  });

  it('an engine that sends nonsense is replaced instead of taking the app down', async () => {
    fakeTime();
    const { engine, ask } = await start();
    const mad = engine();
    mad.parentPort.postMessage({ kind: 'api', message: { type: 'update', update: 'nonsense' } });
    await settle();
    expect(mad.alive).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await settle();
    expect(await ask('snapshot')).toMatchObject({ result: { sentence: { state: 'safe' } } });
  });
});

describe('an engine that says why it can not run', () => {
  const refuse = (code: ErrorCode) => async () => {
    throw new SluiceError(code, 'The ledger is in use by sluice sync');
  };

  it('is not tried again in vain: window and tray name cause and remedy', async () => {
    fakeTime();
    const { ask, tray, engine } = await start({ createEngine: refuse('ledger-newer') });
    const only = engine();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(engine()).toBe(only);
    const text = 'Sluice has stopped: The ledger is in use by sluice sync. Update Sluice, or use another --data-dir';
    expect(await ask('snapshot')).toMatchObject({ result: { sentence: { state: 'error', text }, folders: [] } });
    expect(tray().tooltip).toBe(`Sluice: ${text}`);
    app.emit('second-instance', {}, ['sluice']);
    await settle();
    expect(engine()).not.toBe(only);
  });

  it('a ledger that is in use is waited for', async () => {
    fakeTime();
    const { engine } = await start({ createEngine: refuse('ledger-locked') });
    const first = engine();
    await vi.advanceTimersByTimeAsync(1_000);
    await settle();
    expect(engine()).not.toBe(first);
  });
});

describe('after sleep', () => {
  it('what changed meanwhile is looked for, once', async () => {
    fakeTime();
    const { api } = await start();
    powerMonitor.emit('resume');
    powerMonitor.emit('resume');
    await vi.advanceTimersByTimeAsync(5_000);
    await settle();
    expect(api().calls.filter(({ method }) => method === 'rescanFolder')).toEqual([
      { method: 'rescanFolder', params: { folderId: 1 } },
    ]);
  });
});
