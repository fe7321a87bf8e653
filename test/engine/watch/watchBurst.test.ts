import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { tempFolder } from './tempFolder.ts';
import { onDisk, watching } from './watching.ts';

const waitFor = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

describe('a watched folder, when much happens at once,', () => {
  it('misses nothing in a burst of 10,000 files, in batches', { timeout: 60_000 }, async () => {
    const root = tempFolder();
    let largest = 0;
    const watched = await watching(root);
    for (let i = 0; i < 10_000; i++) {
      if (i % 1_000 === 0) mkdirSync(join(root, `${i / 1_000}`));
      writeFileSync(join(root, `${Math.floor(i / 1_000)}`, `${i}`), '');
    }
    await watched.quiet(1_500);
    largest = Math.max(...watched.batches);
    expect(watched.model).toEqual(await onDisk(root));
    expect(largest).toBeLessThanOrEqual(2_000);
  });

  it('asks for a rescan when it hears of more than it can remember', async () => {
    const root = tempFolder();
    const watched = await watching(root, { tuning: { maxPending: 100 } });
    for (let i = 0; i < 300; i++) writeFileSync(join(root, `${i}`), '');
    await waitFor(() => expect(watched.rescans).toContain('Too many changes at once.'));
    await watched.quiet(800);
    expect(watched.model).toEqual(await onDisk(root));
  });

  it("loses nothing when more happens than the system's queue holds while nobody listens", {
    timeout: 60_000,
  }, async () => {
    const root = tempFolder();
    const watched = await watching(root, { thread: 'this' });
    // blocks this thread, and with it the watcher: two notifications a file, 16,384 are queued
    for (let i = 0; i < 8_500; i++) writeFileSync(join(root, `${i}`), 'x');
    await watched.quiet(1_500);
    expect(watched.rescans.length).toBeGreaterThan(0);
    expect(watched.model).toEqual(await onDisk(root));
  });
});
