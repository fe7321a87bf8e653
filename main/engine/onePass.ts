import { SluiceError } from '../../shared/errors.ts';
import type { FileEvent } from '../../shared/events.ts';
import type { FolderId } from '../../shared/ids.ts';
import type { EngineSettings, FolderRules } from '../../shared/settings.ts';
import type { CostMeter } from './costMeter.ts';
import { dryRun } from './dryRun.ts';
import type { EndpointBook } from './endpointBook.ts';
import type { RunOnceOptions, SyncEngine } from './engine.ts';
import type { FatalWaits } from './fatalWaits.ts';
import type { FolderKeeper } from './folderKeeper.ts';
import type { RunMetrics } from './insight/runMetrics.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import { mirrorDeletes } from './mirrorDeletes.ts';
import type { Clock } from './ports.ts';
import { meteredAs } from './store/meteredAs.ts';
import type { StoreBook } from './storeBook.ts';
import type { SendPool } from './transfer/sendPool.ts';
import type { Transfer } from './transfer/transfer.ts';
import { rootIdentity } from './watch/rootIdentity.ts';
import { beginScan } from './watch/scanFolder.ts';

/** A pass that must end waits this long for a store that went away. */
const defaultStorePatienceMs = 60_000;

export interface OnePassOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly metrics: RunMetrics;
  readonly costs: CostMeter;
  readonly endpoints: EndpointBook;
  readonly stores: StoreBook;
  readonly pool: SendPool;
  readonly transfer: Transfer;
  readonly keepers: ReadonlyMap<FolderId, FolderKeeper>;
  readonly keeperFor: (folder: FolderRow) => FolderKeeper;
  /** As the administrator has it; throws `policy-refused`. */
  readonly governed: (folder: FolderRow) => FolderRow;
  readonly rules: (folder: FolderRow) => FolderRules;
  readonly settings: () => EngineSettings;
  /** ms; 60,000 unless given. */
  readonly storePatienceMs: number | undefined;
  /** Aborts the uploads that nothing needs any more. */
  readonly sweep: () => Promise<unknown>;
  readonly fatal: FatalWaits;
  readonly onFile: (event: FileEvent) => void;
}

/** One pass over a folder: check the store, scan, upload, delete what the policy allows; or say what it would do. */
export function createOnePass(options: OnePassOptions): SyncEngine['runOnce'] {
  const { ledger, clock, metrics, costs, endpoints, stores, pool, transfer, keepers, keeperFor, governed, rules } =
    options;
  const { sweep, fatal } = options;

  const runOnce: SyncEngine['runOnce'] = async (folderId, run) => {
    const folder = governed(ledger.folder(folderId));
    run.signal.throwIfAborted();
    if (run.dryRun) {
      try {
        await checkPair(folder);
        return await dryPass(folder, run);
      } finally {
        forgetUnused(folder.id);
      }
    }
    const { path: root, prefix: keyPrefix } = folder;
    // Nothing of it is in the bucket yet, as far as we know: there will be something to send.
    if (folder.lastScanAt === null) pool.warm();
    // Read while the store is asked; what is found is taken when it has answered.
    const begun = run.begun ?? beginScan({ root, rules: rules(folder), keyPrefix, signal: run.signal });
    try {
      await checkPair(folder).catch((error: unknown) => {
        forgetUnused(folder.id);
        throw error;
      });
      return await pass(folder, { ...run, begun });
    } finally {
      begun.stop();
    }
  };

  const checkPair = async (folder: FolderRow): Promise<void> => {
    await rootIdentity(folder.path);
    const { provider, region } = await meteredAs(folder.id, () =>
      stores.store(folder.connection, folder.bucket).headBucket(),
    );
    costs.learnRegion(folder.connection, folder.bucket, region);
    endpoints.of(folder.connection).recognised(provider ?? null);
  };

  /** A pair that only a mistyped bucket or a dry run made leaves no trace. */
  const forgetUnused = (folderId: FolderId): void => {
    const { kind, lastScanAt } = ledger.folder(folderId);
    if (kind === 'manual' && lastScanAt === null && !keepers.has(folderId)) ledger.removeFolder(folderId);
  };

  const dryPass = async (folder: FolderRow, { signal, onPlanned }: Parameters<SyncEngine['runOnce']>[1]) => {
    const { filesUnchanged, filesScanned } = await dryRun({
      folder,
      ledger,
      settings: options.settings(),
      rules: rules(folder),
      signal,
      onPlanned: onPlanned ?? (() => undefined),
    });
    metrics.counts.filesScanned += filesScanned;
    metrics.counts.filesUnchanged += filesUnchanged;
    return metrics.summary(0);
  };

  const pass = async (folder: FolderRow, { signal, begun }: RunOnceOptions) => {
    const reason = new SluiceError('interrupted', 'Stopped before it was finished');
    const interrupted = (): void => fatal.end(reason);
    signal.addEventListener('abort', interrupted, { once: true });
    try {
      await fatal.orFatal(sweep());
      if (signal.aborted) throw reason;
      const keeper = keeperFor(folder);
      // Asked for by name, it runs though the folder is paused.
      transfer.resume(folder.id);
      ledger.retryNow(folder.id, null);
      const scan = await fatal.orFatal(keeper.scan(signal, begun));
      await fatal.orFatal(transfer.drained(folder.id, options.storePatienceMs ?? defaultStorePatienceMs));
      const { filesUploaded, filesCopied, filesFailed } = metrics.counts;
      // Before the deletes: a guard that stops the run there leaves true figures.
      metrics.counts.filesUnchanged = Math.max(0, scan.filesScanned - filesUploaded - filesCopied - filesFailed);
      const store = stores.store(folder.connection, folder.bucket);
      const { deleted, failed } = await meteredAs(folder.id, () =>
        mirrorDeletes({
          folder,
          ledger,
          store,
          clock,
          signal,
          scanComplete: scan.complete,
          onFile: options.onFile,
        }),
      );
      metrics.counts.filesDeleted += deleted;
      metrics.counts.filesFailed += failed + scan.problems;
      if (signal.aborted) throw reason;
      await fatal.orFatal(sweep());
      const { filesProven, filesTotal } = ledger.counts(folder.id);
      if (filesProven === filesTotal) ledger.settleIssues(folder.id, null, ['proof-missing']);
      return metrics.summary(needsUser(folder.id) ? 1 : 0);
    } finally {
      signal.removeEventListener('abort', interrupted);
    }
  };

  /** Something that should be in the bucket isn't, or isn't confirmed. */
  const needsUser = (folderId: FolderId): boolean => {
    const { filesTotal, filesProven } = ledger.counts(folderId);
    return filesProven < filesTotal || ledger.issueCount(folderId) > 0;
  };

  return runOnce;
}
