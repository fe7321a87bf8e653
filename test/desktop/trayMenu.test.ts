import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { trayIconFile } from '../../main/desktop/trayIcon.ts';
import { type MenuEntry, pauseEnd, type TrayFacts, trayMenu } from '../../main/desktop/trayMenu.ts';
import { SentenceState } from '../../shared/sentence.ts';
import { fixtureFolder, fixtureSnapshot, fixtureTransfer } from './support/fixtureSyncApi.ts';

vi.mock('electron', () => import('../support/fakeElectron/electron.ts'));

const facts = (change: Parameters<typeof fixtureSnapshot>[0] = {}, more: Partial<TrayFacts> = {}): TrayFacts => ({
  snapshot: fixtureSnapshot(change),
  engine: 'running',
  startAtLogin: false,
  ...more,
});
const labels = (entries: readonly MenuEntry[]) =>
  entries.map((entry) => (entry.kind === 'separator' ? '—' : entry.label));

describe('the tray menu', () => {
  it('says the sentence first and has everything in its place', () => {
    expect(labels(trayMenu(facts()))).toEqual([
      'All 3 files are safely in S3',
      '—',
      'Pause for 1 hour',
      'Pause until tomorrow',
      'Open folder',
      'Open Sluice',
      '—',
      'Start at login',
      'Quit',
    ]);
  });

  it('shows three transfers at most, and says that there are more', () => {
    const transfers = Array.from({ length: 5 }, (_, i) =>
      fixtureTransfer({ id: `t${i}`, path: `a/f${i}`, bytesDone: i * 99 }),
    );
    const { totals } = fixtureSnapshot();
    const menu = labels(trayMenu(facts({ transfers, totals: { ...totals, filesInFlight: 5 } })));
    expect(menu.slice(1, 6)).toEqual(['f0 · 0 %', 'f1 · 0 %', 'f2 · 10 %', 'and others', '—']);
  });

  it('an empty file is no division by zero, and a phase other than sending is named', () => {
    const transfers = [fixtureTransfer({ bytesTotal: 0, bytesDone: 0 }), fixtureTransfer({ phase: 'verifying' })];
    expect(labels(trayMenu(facts({ transfers }))).slice(1, 3)).toEqual(['beach.raw · 0 %', 'beach.raw · verifying']);
  });

  it('offers resume instead of pause when paused, and neither while the engine is down', () => {
    expect(labels(trayMenu(facts({ pause: { kind: 'paused', untilMs: null } })))).toContain('Resume');
    const down = labels(trayMenu(facts({}, { engine: 'restarting' })));
    expect(down.filter((label) => /Pause|Resume/.test(label))).toEqual([]);
    expect(labels(trayMenu(facts({}, { engine: 'given-up' })))).toContain('Start again');
  });

  it('before anything is known it can still be opened and quit', () => {
    expect(labels(trayMenu(facts({}, { snapshot: null, engine: 'starting', startAtLogin: null })))).toEqual([
      'Sluice is starting',
      '—',
      'Open Sluice',
      '—',
      'Quit',
    ]);
  });

  it('a hundred folders do not make a menu taller than the screen', () => {
    const folders = Array.from({ length: 100 }, (_, i) => fixtureFolder({ path: `/f${i}` }));
    const submenu = trayMenu(facts({ folders })).find((entry) => entry.kind === 'submenu');
    expect(submenu?.kind === 'submenu' && labels(submenu.entries).length).toBe(16);
  });

  it('a pause until tomorrow ends in the morning of the next day', () => {
    expect(new Date(pauseEnd('tomorrow', new Date(2026, 11, 31, 23, 59)))).toEqual(new Date(2027, 0, 1, 8));
    expect(new Date(pauseEnd('tomorrow', new Date(2026, 10, 22, 0, 1)))).toEqual(new Date(2026, 10, 23, 8));
  });
});

describe('the tray icons', () => {
  const folder = fileURLToPath(new URL('../../build/tray/', import.meta.url));

  it.each(['linux', 'win32', 'darwin'] as const)('exist for every state on %s, as PNGs', (platform) => {
    for (const state of SentenceState.options) {
      const file = readFileSync(folder + trayIconFile(state, platform));
      expect(file.subarray(1, 4).toString()).toBe('PNG');
      expect(file.readUInt32BE(16)).toBe(platform === 'linux' ? 32 : 16);
      if (platform !== 'linux')
        expect(existsSync(folder + trayIconFile(state, platform).replace('.png', '@2x.png'))).toBe(true);
    }
  });

  it('differ in shape, not only in colour: the one-coloured templates are all different', () => {
    const states = ['empty', 'safe', 'uploading', 'paused', 'offline', 'attention', 'error'] as const;
    const drawings = states.map((state) => readFileSync(folder + trayIconFile(state, 'darwin')).toString('base64'));
    expect(new Set(drawings).size).toBe(states.length);
  });
});
