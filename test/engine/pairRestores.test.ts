import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Harness, openHarness } from '../support/engineHarness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

describe('a folder restored from its window', () => {
  it('comes back into the folder that was chosen, with its progress; one at a time; stopped, it says so', async () => {
    for (let i = 0; i < 60; i++) await harness.write(`dir/file${i}`, `content ${i}`);
    await harness.pass();
    const engine = await harness.open();
    const { api } = engine;
    const folderId = await harness.folder(engine);
    const target = join(harness.root, '..', 'back');
    const how = { folderId, target, include: [], overwrite: false };
    expect(await api.restoreProgress({ folderId })).toBeNull();
    await expect(api.restoreFolder({ ...how, target: 'relative' })).rejects.toMatchObject({ code: 'usage' });

    harness.break({ match: { operation: / GetObject$/ }, fault: { kind: 'latency', ms: 300 } });
    const first = api.restoreFolder(how);
    first.catch(() => undefined);
    while (((await api.restoreProgress({ folderId }))?.filesRestored ?? 0) === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(api.restoreFolder(how)).rejects.toMatchObject({ code: 'conflict' });
    await api.cancelRestore({ folderId });
    await expect(first).rejects.toMatchObject({ code: 'interrupted' });

    harness.mend();
    const report = await api.restoreFolder(how);
    expect(report).toMatchObject({ filesListed: 60, filesFailed: 0, filesNotVerified: 0, failures: [] });
    expect(report.filesSkipped).toBeGreaterThan(0);
    for (let i = 0; i < 60; i++) expect(await readFile(join(target, `dir/file${i}`), 'utf8')).toBe(`content ${i}`);
  });

  it('ends with the engine, which waits for it', async () => {
    for (let i = 0; i < 40; i++) await harness.write(`file${i}`, `content ${i}`);
    await harness.pass();
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    harness.break({ match: { operation: / GetObject$/ }, fault: { kind: 'latency', ms: 60_000 } });
    const restoring = engine.api.restoreFolder({
      folderId,
      target: join(harness.root, '..', 'back'),
      include: [],
      overwrite: false,
    });
    restoring.catch(() => undefined);
    while ((await engine.api.restoreProgress({ folderId })) === null)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await engine.stop();
    await expect(restoring).rejects.toMatchObject({ code: 'interrupted' });
  });
});
