import {
  appendFileSync,
  fstatSync,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSourceHandles } from '../../../main/engine/transfer/sourceHandles.ts';
import { sourceIdentity } from '../../../shared/source.ts';

let place: string;
let path: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'sluice-handles-'));
  path = join(place, 'file');
  writeFileSync(path, 'content');
});
afterEach(() => rmSync(place, { recursive: true }));
const identity = () => sourceIdentity(lstatSync(path, { bigint: true }));
const isOpen = (fd: number) => {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
};

describe('the handle of a source file', () => {
  it('is one for all parts on their way and the next ones, and closed soon after the last', async () => {
    const handles = createSourceHandles();
    const [a, b] = await Promise.all([handles.acquire(path, identity()), handles.acquire(path, identity())]);
    expect(a.fd).toBe(b.fd);
    a.release('soon');
    b.release('soon');
    const c = await handles.acquire(path, identity());
    expect(c.fd).toBe(a.fd);
    await sleep(1_300);
    expect(isOpen(c.fd)).toBe(true);
    c.release('soon');
    await sleep(1_300);
    expect(isOpen(c.fd)).toBe(false);
  });

  it('is never that of a file that changed, grew or was replaced', async () => {
    const changes = [
      () => writeFileSync(path, 'CONTENT'),
      () => appendFileSync(path, 'more'),
      () => utimesSync(path, 1, 1),
      () => {
        writeFileSync(`${path}2`, 'content');
        renameSync(`${path}2`, path);
      },
    ];
    for (const change of changes) {
      const handles = createSourceHandles();
      const seen = identity();
      const first = await handles.acquire(path, seen);
      change();
      await expect(handles.acquire(path, seen)).rejects.toMatchObject({ code: 'source-changed' });
      await expect(first.check()).rejects.toMatchObject({ code: 'source-changed' });
      first.release('at-once');
      await expect(handles.acquire(path, seen)).rejects.toMatchObject({ code: 'source-changed' });
      const anew = await handles.acquire(path, identity());
      anew.release('at-once');
    }
  });

  it('is closed at once when the work was cancelled, but not under those who still read', async () => {
    const handles = createSourceHandles();
    const idle = await handles.acquire(path, identity());
    idle.release('soon');
    handles.closeIdle();
    await sleep(50);
    expect(isOpen(idle.fd)).toBe(false);

    const one = await handles.acquire(path, identity());
    const other = await handles.acquire(path, identity());
    one.release('at-once');
    one.release('at-once');
    handles.closeIdle();
    await sleep(50);
    expect(isOpen(other.fd)).toBe(true);
    other.release('soon');
    await sleep(50);
    expect(isOpen(other.fd)).toBe(false);
  });
});
