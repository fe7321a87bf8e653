import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeBrowserWindow } from '../support/fakeElectron/browserWindow.ts';
import { world } from '../support/fakeElectron/world.ts';
import { fixtureFolder } from './support/fixtureSyncApi.ts';
import { type Host, settle, startHost } from './support/host.ts';

vi.mock('electron', () => import('../support/fakeElectron/electron.ts'));

let host: Host | undefined;
const start = async (): Promise<Host> => {
  host = await startHost();
  return host;
};
afterEach(() => host?.dispose());
const pause = { type: 'call', id: 1, method: 'pauseAll', params: { untilMs: null } };
const paused = () => host?.api().calls.filter(({ method }) => method === 'pauseAll').length;

describe('who may talk to the engine', () => {
  it('our own page may', async () => {
    const { window } = await start();
    window().webContents.pageSends('sluice:to-engine', pause);
    await settle();
    expect(paused()).toBe(1);
  });

  it.each([
    [
      'a frame inside the page',
      () => ({ url: 'app://sluice/index.html', parent: { url: 'app://sluice/', parent: null } }),
    ],
    ['a frame that is gone', () => null],
    ['a foreign page', () => ({ url: 'https://sluice/index.html', parent: null })],
    ['another host of the scheme', () => ({ url: 'app://elsewhere/index.html', parent: null })],
    ['a host that only looks like ours', () => ({ url: 'app://sluice.example/index.html', parent: null })],
    ['a URL with our host as its user', () => ({ url: 'app://sluice@elsewhere/', parent: null })],
    ['a local file', () => ({ url: 'file:///app://sluice/index.html', parent: null })],
    ['no page at all', () => ({ url: '', parent: null })],
  ])('%s may not', async (_who, frame) => {
    const { window, lines } = await start();
    const { webContents } = window();
    webContents.pageSends('sluice:to-engine', pause, frame());
    webContents.pageSends('sluice:open-path', '/home/ada/Photos', frame());
    world.folderDialogs = ['/secret'];
    await expect(webContents.pageInvokes('sluice:pick-folder', frame())).rejects.toThrow('Refused');
    await settle();
    expect(paused()).toBe(0);
    expect(world.opened).toEqual([]);
    expect(lines.filter((line) => line.startsWith('Refused a message'))).toHaveLength(3);
  });

  it('another window may not, though it shows our page', async () => {
    await start();
    const other = new FakeBrowserWindow();
    await other.loadURL('app://sluice/index.html');
    other.webContents.pageSends('sluice:to-engine', pause);
    await settle();
    expect(paused()).toBe(0);
  });

  it('nonsense from the page is ignored', async () => {
    const { window, ask } = await start();
    for (const nonsense of [
      null,
      'call',
      { type: 'call', id: 'x' },
      { type: 'call', id: 1, method: 'constructor', params: {} },
    ]) {
      window().webContents.pageSends('sluice:to-engine', nonsense);
    }
    await settle();
    expect(await ask('pauseAll', { untilMs: 'tomorrow' })).toMatchObject({ type: 'error', error: { code: 'usage' } });
    expect(paused()).toBe(0);
  });

  it('the answers to a page do not reach the page that replaced it', async () => {
    const { window } = await start();
    const { webContents } = window();
    webContents.pageSends('sluice:to-engine', { type: 'subscribe' });
    await settle();
    webContents.pageSends('sluice:to-engine', { type: 'call', id: 1, method: 'issues', params: {} });
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    webContents.reload();
    const heard: unknown[] = [];
    webContents.pageListens((_channel, message) => heard.push(message));
    await settle();
    host?.api().tell({ issueCount: 1 });
    await settle();
    expect(heard).toEqual([]);
    webContents.pageSends('sluice:to-engine', { type: 'call', id: 1, method: 'snapshot', params: {} });
    await settle();
    expect(heard).toMatchObject([{ type: 'result', id: 1, result: { issueCount: 1 } }]);
  });

  it('errors of the engine reach the page with code and remedy', async () => {
    const { ask } = await start();
    expect(await ask('verifyFolder', { folderId: 1, deep: false })).toMatchObject({
      type: 'error',
      error: { code: 'no-such-bucket', remedy: expect.stringContaining('Create the bucket') },
    });
  });
});

describe('what the page can not do', () => {
  it('leave the app, open windows, embed others', async () => {
    const { window, lines } = await start();
    const { webContents } = window();
    expect(webContents.pageNavigates('https://example.invalid/phish?token=secret')).toBe(false);
    expect(webContents.pageNavigates('file:///etc/passwd')).toBe(false);
    expect(webContents.pageNavigates('app://elsewhere/')).toBe(false);
    expect(webContents.pageNavigates('app://sluice/index.html#/folders')).toBe(true);
    expect(webContents.pageOpens('https://example.invalid/')).toBe('deny');
    expect(webContents.pageOpens('app://sluice/index.html')).toBe('deny');
    expect(webContents.pageEmbeds()).toBe(false);
    expect(lines.join()).not.toContain('secret');
  });

  it('open what lies in no synced folder, or run a file', async () => {
    const { window, folder } = await start();
    const photos = join(folder, 'photos');
    mkdirSync(join(photos, 'album'), { recursive: true });
    mkdirSync(join(folder, 'photos-private'));
    writeFileSync(join(photos, 'run.sh'), 'true');
    host?.api().tell({ folders: [fixtureFolder({ path: photos })] });
    await settle();
    const open = (path: unknown) => window().webContents.pageSends('sluice:open-path', path);
    for (const path of [
      '/etc',
      join(folder, 'photos-private'),
      `${photos}/../photos-private`,
      'album',
      7,
      join(photos, 'gone'),
    ])
      open(path);
    await vi.waitFor(() => expect(host?.lines.filter((line) => line.includes('was not opened'))).toHaveLength(5));
    open(join(photos, 'album'));
    open(join(photos, 'run.sh'));
    await vi.waitFor(() => expect(world.shown).toEqual([join(photos, 'run.sh')]));
    await vi.waitFor(() => expect(world.opened).toEqual([join(photos, 'album')]));
  });

  it('reload for ever when it crashes', async () => {
    const { window } = await start();
    const { webContents } = window();
    for (let crash = 0; crash < 10; crash++)
      webContents.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 });
    expect(webContents.reloads).toBe(3);
  });
});

describe('the folder dialog', () => {
  it('gives the chosen folder, or null', async () => {
    const { window } = await start();
    world.folderDialogs = ['/home/ada/Music'];
    expect(await window().webContents.pageInvokes('sluice:pick-folder')).toBe('/home/ada/Music');
    expect(await window().webContents.pageInvokes('sluice:pick-folder')).toBe(null);
  });
});

describe("the engine's keys", () => {
  const keys = { accessKeyId: 'AKIA', secretAccessKey: 'hush' };

  it('go through the process boundary into the keychain and back', async () => {
    const { engineOptions } = await start();
    await engineOptions().secrets.set('r1', keys);
    expect(await engineOptions().secrets.get('r1')).toEqual(keys);
    await engineOptions().secrets.delete('r1');
    expect(await engineOptions().secrets.get('r1')).toBe(null);
  });

  it('without a keychain are refused by name, or kept when the user says so, asked once', async () => {
    const { engineOptions } = await start();
    world.keychain.backend = 'basic_text';
    if (process.platform !== 'linux') return;
    await expect(engineOptions().secrets.set('r1', keys)).rejects.toMatchObject({ code: 'keychain-unavailable' });
    world.messageBoxAnswers = [1];
    await engineOptions().secrets.set('r1', keys);
    await engineOptions().secrets.set('r2', keys);
    expect(world.messageBoxes).toHaveLength(2);
    expect(await engineOptions().secrets.get('r2')).toEqual(keys);
  });
});
