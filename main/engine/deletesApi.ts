import { SluiceError } from '../../shared/errors.ts';
import type { FolderId, RelativePath } from '../../shared/ids.ts';
import { type AdminPolicy, deletesUnder, refuseDeletes } from '../../shared/policy.ts';
import type { PendingDeletes, SyncApi } from '../../shared/syncApi.ts';
import type { FolderRow, Ledger, PendingDelete } from './ledger/ledger.ts';
import { keptDeletes } from './plan/keptDeletes.ts';
import { objectKey } from './plan/objectKey.ts';
import type { Clock } from './ports.ts';
import { reconcileFolder } from './reconcileFolder.ts';
import { meteredAs } from './store/meteredAs.ts';
import type { Store } from './store/store.ts';

const shownRows = 500;
/** 50 million objects. */
const mostRequests = 50_000;

export interface DeletesApiOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly store: (folder: FolderRow) => Store;
  /** The administrator's, as it is now. */
  readonly policy: () => AdminPolicy;
  readonly rescan: (folder: FolderId) => void;
  /** Files may have been queued, or issues raised. */
  readonly onChanged: (folder: FolderId) => void;
  readonly signal: AbortSignal;
}

export type DeletesApi = Pick<
  SyncApi,
  'pendingDeletes' | 'approveDeletes' | 'keepDeletes' | 'setDeletePolicy' | 'reconcileFolder' | 'resolveConflict'
>;

/** What screens and commands may know and decide of deletes and conflicts. */
export function createDeletesApi(options: DeletesApiOptions): DeletesApi {
  const { ledger, clock, store } = options;
  return {
    pendingDeletes: async ({ folderId }) => {
      const folder = ledger.folder(folderId);
      const versioning = await meteredAs(folderId, () => store(folder).bucketVersioning());
      return { ...pending(ledger, folder, clock.now()), versioning };
    },
    approveDeletes: async ({ folderId, asOf }) => {
      if (ledger.folder(folderId).deletes.kind === 'never')
        throw new SluiceError('bad-settings', 'This folder never deletes', { remedy: 'Turn deletes on first.' });
      const { held, approved } = ledger.pendingTotals(folderId);
      const known = ledger.counts(folderId).filesTotal + held.files + approved.files;
      refuseDeletes(options.policy(), held.files + approved.files, known);
      const files = ledger.decideDeletes(folderId, 'approved', { noticedBefore: asOf });
      ledger.settleIssues(folderId, null, ['mass-delete']);
      options.onChanged(folderId);
      options.rescan(folderId);
      return { files };
    },
    keepDeletes: async ({ folderId, asOf }) => {
      const files = ledger.decideDeletes(folderId, 'kept', { noticedBefore: asOf });
      ledger.settleIssues(folderId, null, ['mass-delete']);
      options.onChanged(folderId);
      return { files };
    },
    setDeletePolicy: async ({ folderId, deletes: wanted }) => {
      const deletes = deletesUnder(options.policy(), wanted);
      ledger.updateFolder(folderId, { deletes });
      if (deletes.kind === 'never') {
        ledger.clearPendingDeletes(folderId);
        ledger.settleIssues(folderId, null, ['mass-delete']);
      }
      options.onChanged(folderId);
      return {};
    },
    reconcileFolder: async ({ folderId }) => {
      const folder = ledger.folder(folderId);
      const { signal } = options;
      const report = await meteredAs(folderId, () =>
        reconcileFolder({
          ...{ folder, ledger, clock, signal },
          store: store(folder),
          maxRequests: mostRequests,
        }),
      );
      ledger.setSetting(reconciledKey(folderId), clock.now());
      options.onChanged(folderId);
      return { ...report, problems: [...report.problems] };
    },
    resolveConflict: async ({ issueId, keep }) => {
      const issue = ledger.issue(issueId);
      if (!issue || issue.folderId === null || issue.path === null)
        throw new SluiceError('not-found', 'This conflict is already settled');
      if (issue.code !== 'foreign-object') throw new SluiceError('usage', 'This issue is not a conflict');
      const folder = ledger.folder(issue.folderId);
      const path = issue.path as RelativePath;
      const head = await meteredAs(folder.id, () => store(folder).headObject(objectKey(folder.prefix, path)));
      const file = ledger.file(folder.id, path);
      if (file && head === null) ledger.forgetFile(file.id);
      else if (file && head)
        ledger.disputeObject(file.id, keep === 'ours' ? { kind: 'overwrite', etag: head.etag } : { kind: 'leave' });
      if (keep === 'ours') ledger.retryNow(folder.id, path);
      ledger.settleIssues(folder.id, path, ['foreign-object']);
      options.onChanged(folder.id);
      return {};
    },
  };
}

/** When a folder's bucket was last held against the ledger, ms since the epoch. */
export const reconciledKey = (folderId: FolderId): string => `reconciled/${folderId}`;

function pending(ledger: Ledger, folder: FolderRow, nowMs: number): Omit<PendingDeletes, 'versioning'> {
  const { held, approved, kept } = ledger.pendingTotals(folder.id);
  const known = ledger.counts(folder.id).filesTotal + held.files + approved.files;
  const next = keptDeletes(folder.deletes, { held: held.files, known, sameRoot: true, nowMs });
  const holdMs = folder.deletes.kind === 'mirror' && next.kind !== 'ask' ? folder.deletes.holdMs : null;
  const rowsOf = (decision: PendingDelete['decision'], limit: number) =>
    ledger.pendingDeletes(folder.id, { decision, noticedBefore: nowMs, limit }).map(({ file, noticedAt }) => ({
      path: file.path,
      key: objectKey(folder.prefix, file.path),
      bytes: file.proof?.sizeBytes ?? file.sizeBytes,
      noticedAt,
      dueAt: decision === 'approved' ? nowMs : holdMs === null || decision === 'kept' ? null : noticedAt + holdMs,
      decision,
    }));
  return {
    policy: folder.deletes,
    needsApproval: next.kind === 'ask',
    held: held.files,
    heldBytes: held.bytes,
    approved: approved.files,
    kept: kept.files,
    asOf: nowMs,
    rows: [...rowsOf('approved', shownRows), ...rowsOf('held', shownRows)].slice(0, shownRows),
  };
}
