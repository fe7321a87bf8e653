import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSource, readWholeBlocking } from '../../../main/engine/transfer/sourceFile.ts';
import { sourceIdentity } from '../../../shared/source.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'sluice-source-'));
});
afterEach(() => rmSync(place, { recursive: true }));

describe('a source file', () => {
  it('is not read in the tick it was written in: a second write could leave the same times', async () => {
    const path = join(place, 'fresh');
    for (let i = 0; i < 5; i++) {
      writeFileSync(path, `content ${i}`);
      const stat = lstatSync(path, { bigint: true });
      const source = await openSource(path, sourceIdentity(stat));
      expect(Date.now() - Number(stat.ctimeMs)).toBeGreaterThanOrEqual(20);
      writeFileSync(path, `CONTENT ${i}`);
      await expect(source.check()).rejects.toMatchObject({ code: 'source-changed' });
      await source.close();
    }
  });

  it('that is small is read whole once its tick is over, and only as what was observed', async () => {
    const path = join(place, 'small');
    writeFileSync(path, 'content');
    const stat = lstatSync(path, { bigint: true });
    const identity = sourceIdentity(stat);
    const buffer = Buffer.alloc(7);
    for (let waitMs = readWholeBlocking(path, identity, buffer); waitMs > 0; ) {
      expect(buffer.toString()).toBe('\0'.repeat(7));
      await sleep(waitMs);
      waitMs = readWholeBlocking(path, identity, buffer);
    }
    expect(Date.now() - Number(stat.ctimeMs)).toBeGreaterThanOrEqual(20);
    expect(buffer.toString()).toBe('content');

    expect(() => readWholeBlocking(path, identity, Buffer.alloc(8))).toThrow('shorter');
    truncateSync(path, 3);
    expect(() => readWholeBlocking(path, identity, buffer)).toThrow('changed');
    rmSync(path);
    expect(() => readWholeBlocking(path, identity, buffer)).toThrow('gone');
    writeFileSync(join(place, 'other'), 'content');
    symlinkSync(join(place, 'other'), path);
    expect(() => readWholeBlocking(path, identity, buffer)).toThrow('symbolic link');
  });

  it.skipIf(process.platform === 'win32')('that became a pipe is not waited for', async () => {
    const path = join(place, 'pipe');
    writeFileSync(path, '');
    const identity = sourceIdentity(lstatSync(path, { bigint: true }));
    rmSync(path);
    execFileSync('mkfifo', [path]);
    await expect(openSource(path, identity)).rejects.toMatchObject({ code: 'source-changed' });
    expect(() => readWholeBlocking(path, identity, Buffer.alloc(0))).toThrow('changed');
  });
});
