import type { FolderId } from '../../../shared/ids.ts';
import type { SourceIdentity } from '../../../shared/source.ts';
import type { Connection } from './connection.ts';
import type { FileRows } from './fileRows.ts';
import { fileState } from './fileState.ts';
import type { Ledger, PendingDelete } from './ledger.ts';
import { knownFile } from './proofs.ts';
import { selectFilesWithPath } from './selectFiles.ts';

/** An identity that no file has: whatever comes back under that name is uploaded again. */
const disowned = 'disowned' as SourceIdentity;

/** Objects whose files are gone, and what was decided of them. */
export function createPendingDeletes(
  { db, write }: Connection,
  rows: FileRows,
): Pick<
  Ledger,
  | 'goneUnnoticed'
  | 'noticeGone'
  | 'pendingDeletes'
  | 'pendingTotals'
  | 'decideDeletes'
  | 'clearPendingDeletes'
  | 'intendDelete'
  | 'disputeObject'
> {
  const unnoticed = selectFilesWithPath<[folderId: number, after: number, limit: number]>(
    db,
    'file_gone',
    `WHERE file.state = 5 AND file.folder_id = (SELECT ?) AND file.id > (SELECT ?)
     AND NOT EXISTS (SELECT 1 FROM pending_delete WHERE file_id = file.id) ORDER BY file.id LIMIT ? + 0`,
  );
  const notice = db.prepare<[number, number, number]>(
    `INSERT OR IGNORE INTO pending_delete (file_id, folder_id, noticed_at, decision)
     SELECT id, ?, ?, 'held' FROM file WHERE id = ? AND state = 5`,
  );
  const pending = db.prepare<
    [number, string, number, number],
    Pick<PendingDelete, 'noticedAt'> & { readonly id: number }
  >(
    `SELECT file_id id, noticed_at noticedAt FROM pending_delete INDEXED BY pending_delete_by_folder
     WHERE folder_id = ? AND decision = ? AND noticed_at <= ? ORDER BY noticed_at, file_id LIMIT ?`,
  );
  const pathOf = db.prepare<[number], string>('SELECT path FROM directory WHERE id = ?').pluck();
  const totals = db.prepare<
    [number],
    { readonly decision: PendingDelete['decision']; readonly files: number; readonly bytes: number }
  >(
    `SELECT decision, count(*) files, sum(file.size) bytes FROM pending_delete JOIN file ON file.id = file_id
     WHERE pending_delete.folder_id = ? GROUP BY decision`,
  );
  const decide = db.prepare<[string, number, number]>(
    `UPDATE pending_delete SET decision = ? WHERE folder_id = ? AND noticed_at <= ? AND decision = 'held'`,
  );
  const decideOne = db.prepare<[string, number]>('UPDATE pending_delete SET decision = ? WHERE file_id = ?');
  const clear = db.prepare<[number]>(`DELETE FROM pending_delete WHERE folder_id = ? AND decision <> 'kept'`);

  return {
    goneUnnoticed: (folderId, after, limit) =>
      unnoticed.all(folderId, after, limit).map(({ record, path }) => knownFile(record, path)),
    noticeGone: (folderId, fileIds, atMs) =>
      write(() => {
        for (const id of fileIds) notice.run(folderId, atMs, id);
      }),
    pendingDeletes: (folderId: FolderId, { decision, noticedBefore, limit }) =>
      pending.all(folderId, decision, noticedBefore, limit).flatMap(({ id, noticedAt }) => {
        const record = rows.byId(id);
        if (!record) return [];
        return [{ file: knownFile(record, pathOf.get(record.directory_id)! + record.name), noticedAt, decision }];
      }),
    pendingTotals: (folderId) => {
      const none = { files: 0, bytes: 0 };
      const found = { held: none, approved: none, kept: none };
      for (const { decision, files, bytes } of totals.all(folderId)) found[decision] = { files, bytes };
      return found;
    },
    decideDeletes: (folderId, decision, which) =>
      write(() => {
        if ('fileId' in which) return decideOne.run(decision, which.fileId).changes;
        return decide.run(decision, folderId, which.noticedBefore).changes;
      }),
    clearPendingDeletes: (folderId) => write(() => void clear.run(folderId)),
    intendDelete: (fileId) =>
      write(() => {
        const record = rows.byId(fileId);
        if (record?.state !== fileState.gone || !record.proof_etag) return false;
        rows.replace(record, { ...record, proof_identity: disowned, proof_checksum: null });
        return true;
      }),
    disputeObject: (fileId, next) =>
      write(() => {
        const record = rows.byId(fileId);
        if (!record || record.state === fileState.gone || record.state === fileState.goneClaimed) return;
        if (record.state === fileState.claimed) return;
        const theirs = { ...record, proof_checksum: null, attempt: 0, retry_at: null, proof_at: record.proof_at ?? 0 };
        switch (next.kind) {
          case 'conflict':
            return rows.replace(record, { ...theirs, state: fileState.failed, proof_identity: disowned });
          case 'overwrite':
            return rows.replace(record, {
              ...theirs,
              state: fileState.queued,
              proof_identity: disowned,
              proof_etag: next.etag,
            });
          case 'leave':
            return rows.replace(record, {
              ...theirs,
              state: fileState.proven,
              proof_identity: null,
              proof_size: null,
              // No ETag is known of it: what changes here later isn't written over it either, it is asked about again.
              proof_etag: '',
            });
        }
      }),
  };
}
