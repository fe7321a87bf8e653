import { mkdirSync, watch as setWatch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { DirectoryWatches } from '../../../main/engine/watch/directoryWatches.ts';
import { networkDrive } from '../../../main/engine/watch/networkDrive.ts';
import { startRecursiveWatch } from '../../../main/engine/watch/recursiveWatch.ts';
import { createSleepCheck } from '../../../main/engine/watch/sleepCheck.ts';
import type { StartWatcher } from '../../../main/engine/watch/watcher.ts';
import { tempFolder } from './tempFolder.ts';
import { onDisk, watching } from './watching.ts';

const waitFor = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

/** A system that has `left.watches` watches. */
function limited(left: { watches: number }): StartWatcher {
  const take = ((...args: Parameters<typeof setWatch>) => {
    if (left.watches <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    left.watches--;
    return setWatch(...args);
  }) as typeof setWatch;
  return (root, events) => new DirectoryWatches(root, events, take);
}

describe.runIf(process.platform === 'linux')('where watches run out', () => {
  it('what has none is looked through, the rest is watched, and no change is lost', { timeout: 60_000 }, async () => {
    const root = tempFolder();
    for (let at = 0; at < 12; at++) {
      mkdirSync(join(root, `d${at}/below`), { recursive: true });
      writeFileSync(join(root, `d${at}/below/file`), 'before');
    }
    const left = { watches: 9 };
    const watched = await watching(root, { startWatcher: limited(left), tuning: { pollMs: 100 } });
    expect(watched.states).toEqual([
      ['polling', expect.stringMatching(/\d+ folders? in it.*fs\.inotify\.max_user_watches/)],
    ]);
    for (let at = 0; at < 12; at++) {
      writeFileSync(join(root, `d${at}/below/file`), `after ${at}`);
      mkdirSync(join(root, `d${at}/new/deep`), { recursive: true });
      writeFileSync(join(root, `d${at}/new/deep/file`), 'new');
    }
    await waitFor(async () => expect(watched.model).toEqual(await onDisk(root)));
    expect(new Set(watched.rescans)).toEqual(
      new Set(['Some folders are not watched, but looked through now and then.']),
    );
    await waitFor(() => expect(watched.observations.length).toBeGreaterThan(0));
    // the limit is raised
    left.watches = 1_000;
    await waitFor(() => expect(watched.states.at(-1)).toEqual(['watching', null]));
    const rescans = watched.rescans.length;
    writeFileSync(join(root, 'd11/below/file'), 'watched now');
    writeFileSync(join(root, 'd0/below/file'), 'watched now');
    await watched.quiet(600);
    expect(watched.rescans.length).toBe(rescans);
    expect(watched.model).toEqual(await onDisk(root));
  });
});

describe('one watch for a whole tree', () => {
  it('sees what is made, moved and removed in it', { timeout: 60_000 }, async () => {
    const root = tempFolder();
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(join(root, 'a/b/file'), 'before');
    const watched = await watching(root, { startWatcher: startRecursiveWatch });
    writeFileSync(join(root, 'a/b/file'), 'after');
    writeFileSync(join(root, 'a/made'), 'made');
    await watched.quiet(800);
    expect(watched.model).toEqual(await onDisk(root));
  });
});

describe('what a watch can not tell', () => {
  it('a network drive is told by its file system', () => {
    const onLinux = process.platform === 'linux';
    expect(networkDrive('/mnt', () => 0x6969)).toBe(onLinux ? 'NFS' : null);
    expect(networkDrive('/mnt', () => -0x1acb2be)).toBe(onLinux ? 'SMB' : null);
    expect(networkDrive('/mnt', () => 0xef53)).toBeNull();
    expect(
      networkDrive('/mnt', () => {
        throw new Error('not there');
      }),
    ).toBeNull();
  });

  it('a computer that slept is told from one that is busy', () => {
    const look = (...times: [wall: number, running: number][]) => {
      const slept = createSleepCheck(5_000);
      return times.map(([wall, running]) => slept(wall, running));
    };
    expect(look([0, 0], [5_000, 5_000], [25_000, 25_000])).toEqual([false, false, false]);
    // the clock that stands still while it sleeps, and the one that doesn't
    expect(look([0, 0], [3_600_000, 5_000])).toEqual([false, true]);
    expect(look([0, 0], [3_600_000, 3_600_000])).toEqual([false, true]);
    // set back by an hour: nothing was missed
    expect(look([0, 0], [-3_600_000, 5_000])).toEqual([false, false]);
  });
});
