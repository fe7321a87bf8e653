import { describe, expect, it } from 'vitest';
import { createRunMetrics } from '../../../main/engine/insight/runMetrics.ts';
import { systemClock } from '../../../main/engine/ports.ts';
import { ActiveTransfer } from '../../../main/engine/transfer/activeTransfer.ts';
import { createSettler, type SettlerOptions } from '../../../main/engine/transfer/settleFailure.ts';
import type { UploadContext } from '../../../main/engine/transfer/uploadContext.ts';
import { SluiceError } from '../../../shared/errors.ts';
import type { FolderId, RelativePath } from '../../../shared/ids.ts';
import { defaultEngineSettings } from '../../../shared/settings.ts';
import { addFolder, open, sees } from '../ledger/ledgerFixture.ts';

function world(observed: Awaited<ReturnType<SettlerOptions['observe']>> = 'gone') {
  const ledger = open();
  const folder = addFolder(ledger);
  const rootsGone: FolderId[] = [];
  const settler = createSettler({
    ledger,
    metrics: createRunMetrics(() => 0, Math.random),
    clock: systemClock,
    random: Math.random,
    settings: () => defaultEngineSettings,
    patience: () => 'forever',
    observe: async () => observed,
    onFile: () => undefined,
    onIssue: () => undefined,
    scheduleDue: () => undefined,
    onRootGone: (id) => rootsGone.push(id),
  });
  const fail = async (error: SluiceError): Promise<void> => {
    ledger.wakeDue(Number.MAX_SAFE_INTEGER);
    for (const file of ledger.claimNext(folder.id, 'small', 100)) {
      const active = new ActiveTransfer(file, 'small', file.path, 0);
      await settler.failed({ folder } as UploadContext, active, error.view());
    }
  };
  const issues = () => ledger.issues().map(({ code, path }) => `${code} ${path}`);
  return { ledger, folder, settler, fail, issues, rootsGone };
}

const paths = (count: number) => Array.from({ length: count }, (_, i) => sees(`f${i}`));

describe('a file whose upload fails', () => {
  it('again and again for itself alone is named, and no longer once it is through', async () => {
    const { ledger, folder, settler, fail, issues } = world();
    ledger.observePaths(folder.id, paths(1));
    await fail(new SluiceError('checksum-mismatch', 'other bytes'));
    await fail(new SluiceError('checksum-mismatch', 'other bytes'));
    expect(issues()).toEqual([]);
    await fail(new SluiceError('checksum-mismatch', 'other bytes'));
    expect(issues()).toEqual(['checksum-mismatch f0']);
    ledger.wakeDue(Number.MAX_SAFE_INTEGER);
    settler.succeeded(ledger.claimNext(folder.id, 'small', 1)[0]!);
    expect(issues()).toEqual([]);
  });

  it('because it never keeps still waits longer each time, and is named at the third', async () => {
    const seen = sees('f0');
    if (seen.kind !== 'file') throw new Error('not a file');
    const { ledger, folder, fail, issues } = world(seen.file);
    ledger.observePaths(folder.id, [seen]);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      await fail(new SluiceError('source-changed', 'It changed'));
      waits.push((ledger.nextDueAt() ?? 0) - Date.now());
      expect(issues()).toEqual(i < 2 ? [] : ['source-keeps-changing f0']);
    }
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThan(2_000 * 2 ** i - 1_000);
      expect(wait).toBeLessThanOrEqual(2_000 * 2 ** i);
    }
  });

  it('with a thousand others makes no thousand issues, and none at all when the store is away', async () => {
    const { ledger, folder, fail, issues } = world();
    ledger.observePaths(folder.id, paths(60));
    for (let i = 0; i < 4; i++) await fail(new SluiceError('store-unreachable', 'no answer'));
    expect(issues()).toEqual([]);
    for (let i = 0; i < 4; i++) await fail(new SluiceError('store-server-error', '500'));
    expect(issues()).toHaveLength(20);
  });

  it('because it can no longer be looked at is given up with its reason, not in silence', async () => {
    const { ledger, folder, fail, issues } = world({
      path: 'f0' as RelativePath,
      code: 'unreadable',
      detail: 'It can’t be looked at (EACCES).',
    });
    ledger.observePaths(folder.id, paths(1));
    await fail(new SluiceError('source-changed', 'changed'));
    expect(issues()).toEqual(['source-unreadable f0']);
    expect(ledger.counts(folder.id)).toMatchObject({ filesFailed: 1, filesQueued: 0 });
  });

  it('because the whole folder is away is neither gone nor given up', async () => {
    const { ledger, folder, fail, issues, rootsGone } = world('root-gone');
    ledger.observePaths(folder.id, paths(3));
    await fail(new SluiceError('source-missing', 'gone'));
    expect(ledger.counts(folder.id)).toMatchObject({ filesTotal: 3, filesQueued: 3 });
    expect(rootsGone).toContain(folder.id);
    expect(issues()).toEqual([]);
  });
});
