import type { FolderId } from '../../shared/ids.ts';
import type { FolderKeeper } from './folderKeeper.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import type { PolicyInForce } from './policyFile.ts';
import type { StoreBook } from './storeBook.ts';
import type { Transfer } from './transfer/transfer.ts';

export interface PolicyReloadOptions {
  readonly ledger: Ledger;
  readonly keepers: Map<FolderId, FolderKeeper>;
  readonly transfer: Transfer;
  readonly keptDeletes: { stop(folder: FolderId): void };
  readonly stores: StoreBook;
  /** It is in force from here on, with the settings that it leaves. */
  readonly take: (next: PolicyInForce) => void;
  readonly keep: (folder: FolderRow) => Promise<void>;
  readonly stopped: () => boolean;
  readonly onState: () => void;
}

/** Nothing that an earlier policy allowed goes on: every folder is taken up again under the new one. */
export function createPolicyReload(options: PolicyReloadOptions): (next: PolicyInForce) => Promise<void> {
  const { ledger, keepers, transfer, keptDeletes, stores } = options;
  return async (next) => {
    options.take(next);
    const running = new Set(keepers.keys());
    for (const [id, keeper] of keepers) {
      keepers.delete(id);
      keptDeletes.stop(id);
      await keeper.close();
      await transfer.leave(id);
    }
    stores.renew();
    if (options.stopped()) return;
    for (const folder of ledger.folders())
      if (folder.kind === 'kept' || running.has(folder.id)) await options.keep(folder);
    options.onState();
  };
}
