import type { IssueView } from '../../shared/syncApi.ts';
import type { FolderCounts } from '../engine/ledger/ledger.ts';
import { formatS3Uri } from './s3Uri.ts';

export interface LedgerFolder extends FolderCounts {
  readonly id: number;
  readonly kind: 'kept' | 'manual';
  readonly path: string;
  readonly uri: string;
  readonly endpointUrl: string | null;
  readonly paused: boolean;
  readonly lastScanAt: number | null;
  readonly lastUploadAt: number | null;
}

export interface LedgerStatus {
  /** The process that has the ledger open; null: none. */
  readonly owner: { readonly pid: number; readonly holder: string; readonly startedAt: number } | null;
  readonly folders: readonly LedgerFolder[];
  readonly issues: readonly IssueView[];
}

/** What the ledger knows, without owning it. Throws `not-found` when there is none yet, and the `ledger-*` errors. */
export async function readLedgerStatus(dataDir: string): Promise<LedgerStatus> {
  const { openLedgerReadOnly } = await import('../engine/ledger/openLedgerReadOnly.ts');
  const ledger = openLedgerReadOnly(dataDir);
  try {
    const owner = ledger.owner();
    return {
      owner: owner && { pid: owner.pid, holder: owner.holder, startedAt: owner.startedAt },
      folders: ledger.folders().map((folder) => ({
        id: folder.id,
        kind: folder.kind,
        path: folder.path,
        uri: formatS3Uri(folder),
        endpointUrl: folder.connection.endpointUrl,
        paused: folder.paused,
        lastScanAt: folder.lastScanAt,
        lastUploadAt: ledger.lastUploadAt(folder.id),
        ...ledger.counts(folder.id),
      })),
      issues: ledger.issues(),
    };
  } finally {
    ledger.close();
  }
}
