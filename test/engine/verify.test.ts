import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import { isScannedBy } from '../../main/engine/plan/scanOrder.ts';
import { observeFile } from '../../main/engine/watch/observeFile.ts';
import { asFolderId, asRelativePath } from '../../shared/ids.ts';
import type { ObservedFile } from '../../shared/source.ts';
import { type Harness, openHarness } from '../support/engineHarness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

describe('a verification', () => {
  it('that was interrupted goes on: what agreed is not asked again, what was wrong is looked at again', async () => {
    for (let i = 0; i < 60; i++)
      for (let j = 0; j < 30; j++) await harness.write(`dir${String(i).padStart(2, '0')}/file${j}`, `${i} ${j}`);
    await harness.pass();
    await harness.write('dir00/new', 'not uploaded');
    harness.break({ match: { operation: / HeadObject$/ }, fault: { kind: 'latency', ms: 150 } });
    const first = await harness.open();
    const folderId = await harness.folder(first);
    const broken = first.api.verifyFolder({ folderId, deep: false }).catch((error: unknown) => error);
    const checked = async () => (await first.api.verifyProgress({ folderId }))?.filesChecked ?? 0;
    while ((await checked()) < 1_250) await new Promise((resolve) => setTimeout(resolve, 20));
    await first.stop();
    expect(await broken).toMatchObject({ code: 'interrupted' });

    harness.mend();
    harness.server.clearLog();
    const second = await harness.open();
    const report = await second.api.verifyFolder({ folderId, deep: false });
    expect(report).toMatchObject({
      ok: false,
      filesChecked: 1_801,
      problems: [{ path: 'dir00/new', problem: 'not-uploaded' }],
    });
    expect(report.filesFromBefore).toBeGreaterThan(500);
    expect(harness.server.counts().HeadObject).toBeLessThanOrEqual(1_801 - report.filesFromBefore!);
    expect(await second.api.verifyProgress({ folderId })).toBeNull();

    harness.server.clearLog();
    const third = await second.api.verifyFolder({ folderId, deep: false });
    expect(third.filesFromBefore, 'one that ended is not gone on with').toBeUndefined();
    expect(harness.server.counts().HeadObject).toBe(1_800);
  });

  it('finds an edit whose size and time were set back', async () => {
    await harness.write('file', 'before');
    await utimes(join(harness.root, 'file'), 1_600_000_000, 1_600_000_000);
    await harness.pass();
    await writeFile(join(harness.root, 'file'), 'BEFORE');
    await utimes(join(harness.root, 'file'), 1_600_000_000, 1_600_000_000);
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    const { problems } = await engine.api.verifyFolder({ folderId, deep: false });
    expect(problems).toMatchObject([{ path: 'file', problem: 'changed-since' }]);
  });

  it('finds by --deep what even the file system does not tell: other bytes in a file that nothing says was touched', async () => {
    await harness.write('file', 'before');
    await harness.pass();
    await writeFile(join(harness.root, 'file'), 'BEFORE');
    // As if the disk had changed the bytes by itself: the ledger's proof is of the file as it looks now.
    const ledger = openLedger({ dataDir: harness.dataDir, smallFileLimitBytes: 8 * 2 ** 20, holder: 'a test' });
    const [folder] = ledger.folders();
    const path = asRelativePath('file');
    const now = (await observeFile(harness.root, path)) as ObservedFile;
    ledger.observePaths(folder?.id ?? asFolderId(1), [{ kind: 'file', path, file: now }]);
    const known = ledger.file(folder?.id ?? asFolderId(1), path)!;
    ledger.recordProofs([{ fileId: known.id, proof: { ...known.proof!, identity: now.identity } }]);
    ledger.close();
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    expect(await engine.api.verifyFolder({ folderId, deep: false })).toMatchObject({ ok: true });
    expect(await engine.api.verifyFolder({ folderId, deep: true })).toMatchObject({
      ok: false,
      problems: [{ path: 'file', problem: 'local-differs' }],
    });
  });
});

describe('the order of a scan', () => {
  it('is total, and the one in which directories are listed', () => {
    const name = fc.stringMatching(/^[a-c\-.]{1,3}$/);
    const paths = fc.uniqueArray(fc.array(name, { maxLength: 4 }).map((names) => asRelativePath(names.join('/'))));
    fc.assert(
      fc.property(paths, (found) => {
        const order = found.toSorted((a, b) => (a === b ? 0 : isScannedBy(a, b) ? -1 : 1));
        for (const [at, a] of order.entries())
          for (const b of order.slice(at + 1)) {
            expect(isScannedBy(a, b)).toBe(true);
            expect(isScannedBy(b, a)).toBe(false);
          }
      }),
    );
  });
});
