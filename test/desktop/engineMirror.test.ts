import { describe, expect, it, vi } from 'vitest';
import { createEngineMirror } from '../../main/desktop/engineMirror.ts';
import { followSnapshots } from '../../main/desktop/snapshotFeed.ts';
import { applyUpdate, type Snapshot } from '../../shared/syncApi.ts';
import { fixtureSnapshot, fixtureTransfer } from './support/fixtureSyncApi.ts';

const { about } = fixtureSnapshot();

describe('the mirror of the engine', () => {
  it('a window that follows it always ends with what the mirror shows', () => {
    const mirror = createEngineMirror();
    let window: Snapshot | null = null;
    mirror.subscribe((update) => {
      window = (window && applyUpdate(window, update)) ?? mirror.current();
    });
    mirror.load(fixtureSnapshot({ seq: 40 }));
    expect(window).toEqual(mirror.current());
    expect(mirror.apply({ seq: 41, at: 1, issueCount: 2 })).toBe(true);
    expect(window).toMatchObject({ issueCount: 2 });
    mirror.halt({ state: 'error', text: 'down' }, about);
    expect(window).toMatchObject({ sentence: { text: 'down' }, issueCount: 2 });
    // the next engine counts from the beginning
    mirror.load(fixtureSnapshot({ seq: 0, issueCount: 5 }));
    expect(window).toMatchObject({ issueCount: 5, sentence: { state: 'safe' } });
    expect(mirror.apply({ seq: 1, at: 2, issueCount: 6 })).toBe(true);
    expect(window).toMatchObject({ issueCount: 6 });
    expect(window).toEqual(mirror.current());
  });

  it('says when it missed something, and takes nothing twice', () => {
    const mirror = createEngineMirror();
    expect(mirror.apply({ seq: 1, at: 0 })).toBe(false);
    mirror.load(fixtureSnapshot({ seq: 5 }));
    const seen = vi.fn();
    mirror.subscribe(seen);
    expect(mirror.apply({ seq: 5, at: 1, issueCount: 9 })).toBe(true);
    expect(seen).not.toHaveBeenCalled();
    expect(mirror.apply({ seq: 7, at: 1, issueCount: 9 })).toBe(false);
    expect(mirror.current()?.issueCount).toBe(0);
  });

  it('while the engine is down nothing seems to move', () => {
    const mirror = createEngineMirror();
    mirror.load(fixtureSnapshot({ transfers: [fixtureTransfer()] }));
    mirror.halt({ state: 'error', text: 'down' }, about);
    expect(mirror.current()).toMatchObject({
      transfers: [],
      totals: { bytesPerSecond: 0, etaMs: null },
      folders: [{ id: 1 }],
    });
  });

  it('an engine that never ran leaves an honest, empty snapshot', () => {
    const mirror = createEngineMirror();
    mirror.halt({ state: 'error', text: 'Sluice has stopped: no' }, about);
    expect(mirror.current()).toMatchObject({ folders: [], sentence: { state: 'error' }, about });
  });
});

describe('following snapshots', () => {
  it('gives each state with the one before, and asks anew after a gap', async () => {
    const mirror = createEngineMirror();
    mirror.load(fixtureSnapshot({ seq: 1 }));
    const api = { subscribe: mirror.subscribe, snapshot: async () => mirror.current() as Snapshot };
    const seen: [number, number | null][] = [];
    const stop = followSnapshots(api, (next, previous) => seen.push([next.issueCount, previous?.issueCount ?? null]));
    await Promise.resolve();
    await Promise.resolve();
    mirror.apply({ seq: 2, at: 0, issueCount: 1 });
    mirror.load(fixtureSnapshot({ seq: 9, issueCount: 4 }));
    await Promise.resolve();
    await Promise.resolve();
    stop();
    mirror.apply({ seq: 10, at: 0, issueCount: 5 });
    expect(seen).toEqual([
      [0, null],
      [1, 0],
      [4, 1],
    ]);
  });
});
