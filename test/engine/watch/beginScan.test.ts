import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rootIdentitySync } from '../../../main/engine/watch/rootIdentity.ts';
import { beginScan } from '../../../main/engine/watch/scanFolder.ts';
import { takeScanThread, warmScanThread } from '../../../main/engine/watch/scanThread.ts';

const never = new AbortController().signal;
const rules = { include: [], exclude: [] };
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-begin-'));
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'sub', 'one'), '1');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const begin = (folder = root, signal = never) => beginScan({ root: folder, rules, keyPrefix: '', signal });
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a scan begun before anybody takes it', () => {
  it('has read when it is taken, and says of which root', async () => {
    const begun = begin();
    await later(500);
    writeFileSync(join(root, 'sub', 'late'), '2');
    const names: string[] = [];
    const roots: unknown[] = [];
    await begun.each((batch) => {
      roots.push(batch.root);
      for (const listing of batch.listings) for (const file of listing.files) names.push(file.name);
    });
    expect(names).toEqual(['one']);
    expect(roots).toEqual([rootIdentitySync(root)]);
  });

  it('keeps what went wrong for the one who takes it', async () => {
    const begun = begin(join(root, 'nowhere'));
    await later(300);
    await expect(begun.each(() => {})).rejects.toMatchObject({ code: 'folder-missing' });
  });

  it('ends without a word when nobody takes it, by its signal or by stop', async () => {
    const controller = new AbortController();
    const [one, other] = [begin(root, controller.signal), begin()];
    controller.abort();
    other.stop();
    other.stop();
    await later(100);
    for (const begun of [one, other, begin(root, AbortSignal.abort())]) {
      await expect(begun.each(() => expect.unreachable())).rejects.toMatchObject({ code: 'interrupted' });
    }
  });

  it('stops in the middle', async () => {
    const begun = begin();
    await expect(begun.each(() => begun.stop())).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('takes the warm thread, and a new one when that one died', async () => {
    warmScanThread();
    const names: string[] = [];
    await begin().each(
      ({ listings }) => void names.push(...listings.flatMap(({ files }) => files.map(({ name }) => name))),
    );
    expect(names).toEqual(['one']);
    warmScanThread();
    const warm = takeScanThread();
    expect(takeScanThread()).not.toBe(warm);
    await warm.terminate();
    warmScanThread();
    await later(300);
    await begin().each(() => {});
  });
});
