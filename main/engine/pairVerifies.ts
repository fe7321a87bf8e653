import type { FolderId } from '../../shared/ids.ts';
import type { FolderRules } from '../../shared/settings.ts';
import type { VerifyProgress, VerifyReport } from '../../shared/syncApi.ts';
import type { CostMeter } from './costMeter.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import type { Clock, Random } from './ports.ts';
import { meteredAs } from './store/meteredAs.ts';
import type { StoreBook } from './storeBook.ts';
import type { SendPool } from './transfer/sendPool.ts';
import { storeKeyOf } from './transfer/sendProtocol.ts';
import { verifyCheckpoints } from './verifyCheckpoint.ts';
import { verifyFolder, verifySubject } from './verifyFolder.ts';

/** Verifies of folders, over the sending threads, and how far each is. */
export interface PairVerifies {
  verify(folderId: FolderId, how: { readonly deep: boolean; readonly fresh: boolean }): Promise<VerifyReport>;
  progress(folderId: FolderId): VerifyProgress | null;
}

export interface PairVerifiesOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Random;
  readonly stores: Pick<StoreBook, 'store' | 'credentials'>;
  readonly pool: SendPool;
  readonly costs: Pick<CostMeter, 'learnRegion'>;
  readonly rules: (folder: FolderRow) => FolderRules;
  readonly dataDir: string;
  readonly signal: AbortSignal;
}

export function createPairVerifies(options: PairVerifiesOptions): PairVerifies {
  const { ledger, clock, random, stores, pool, costs, rules, dataDir, signal } = options;
  const running = new Map<FolderId, () => VerifyProgress>();
  return {
    verify: async (folderId, { deep, fresh }) => {
      const folder = ledger.folder(folderId);
      const store = stores.store(folder.connection, folder.bucket);
      const { region } = await meteredAs(folderId, () => store.headBucket());
      costs.learnRegion(folder.connection, folder.bucket, region);
      const storeKey = storeKeyOf(folder.connection, folder.bucket);
      pool.addStore(storeKey, store.target, stores.credentials(folder.connection));
      const subject = verifySubject(folder);
      const checkpoints = verifyCheckpoints({ dataDir, folderId, deep, subject, now: clock.now });
      return meteredAs(folderId, () =>
        verifyFolder({
          ...{ checkpoints, fresh, deep, folder, ledger, pool, storeKey, clock, random, signal },
          onStarted: (figures) => running.set(folderId, figures),
          rules: rules(folder),
        }),
      ).finally(() => running.delete(folderId));
    },
    progress: (folderId) => running.get(folderId)?.() ?? null,
  };
}
