import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loginItem, startedHidden } from '../../main/desktop/loginItem.ts';
import { windowBounds } from '../../main/desktop/windowBounds.ts';
import { resetElectron, world } from '../support/fakeElectron/world.ts';

vi.mock('electron', () => import('../support/fakeElectron/electron.ts'));

let folder = '';
beforeEach(() => {
  resetElectron();
  world.packaged = true;
  folder = mkdtempSync(join(tmpdir(), 'sluice-login-'));
  world.paths.home = folder;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('start at login', () => {
  it('is not offered by an app that runs from its source', () => {
    world.packaged = false;
    expect(loginItem({})).toBe(null);
  });

  it.runIf(process.platform === 'linux')('is an autostart entry that starts the AppImage itself, hidden', () => {
    const item = loginItem({ APPIMAGE: '/home/ada/My Apps/Slu"ice.AppImage' });
    expect(item?.enabled()).toBe(false);
    item?.set(true);
    expect(item?.enabled()).toBe(true);
    const entry = join(folder, '.config/autostart/sluice.desktop');
    expect(readFileSync(entry, 'utf8')).toContain('Exec="/home/ada/My Apps/Slu\\\\"ice.AppImage" --hidden\n');
    item?.set(false);
    item?.set(false);
    expect(item?.enabled()).toBe(false);
  });

  it.runIf(process.platform === 'linux')('an entry that the desktop switched off counts as off', () => {
    const item = loginItem({});
    item?.set(true);
    const entry = join(folder, '.config/autostart/sluice.desktop');
    writeFileSync(entry, readFileSync(entry, 'utf8').replace('enabled=true', 'enabled=false'));
    expect(item?.enabled()).toBe(false);
  });

  it('a start by the session is told from one by the user', () => {
    expect(startedHidden(['sluice', '--hidden'])).toBe(true);
    expect(startedHidden(['sluice'])).toBe(false);
  });
});

describe('where the window opens', () => {
  const screen = { x: 0, y: 0, width: 1920, height: 1040 };
  const beside = { x: 1920, y: 0, width: 1280, height: 1000 };

  it('where it was, on whichever screen', () => {
    const saved = { x: 2000, y: 50, width: 1000, height: 700 };
    expect(windowBounds(saved, [screen, beside])).toEqual(saved);
  });

  it('in the middle of the first screen when its own is gone, or its title bar could not be grabbed', () => {
    const middle = { x: 400, y: 140, width: 1120, height: 760 };
    for (const saved of [
      null,
      { x: 2000, y: 50, width: 1000, height: 700 },
      { x: 100, y: -300, width: 1000, height: 700 },
    ]) {
      expect(windowBounds(saved, [screen])).toEqual(middle);
    }
  });

  it('never larger than the screen', () => {
    expect(windowBounds({ x: 0, y: 0, width: 5000, height: 5000 }, [screen])).toMatchObject({
      width: 1920,
      height: 1040,
    });
    expect(windowBounds(null, [{ x: 0, y: 0, width: 640, height: 480 }])).toEqual({
      x: 0,
      y: 0,
      width: 640,
      height: 480,
    });
  });
});
