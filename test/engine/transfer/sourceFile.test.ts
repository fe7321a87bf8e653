import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSource } from '../../../main/engine/transfer/sourceFile.ts';
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
});
