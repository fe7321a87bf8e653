import { asFileId, asFolderId, asRelativePath } from '../../../shared/ids.ts';
import type { Connection } from './connection.ts';
import type { FileRows } from './fileRows.ts';
import {
  type FileRecord,
  fileState,
  isGone,
  laneNumber,
  priority,
  proofOf,
  released,
  staleClaim,
} from './fileState.ts';
import type { Ledger } from './ledger.ts';
import { selectFiles, selectFilesWithPath } from './selectFiles.ts';

/**
 * Not simply `= ?`: where a table has partial indexes, SQLite compiles a statement anew whenever a variable of its WHERE or LIMIT was bound again, which is three times
 * the cost of running it. A value from a subquery or an expression doesn't count as one.
 */
const inLane = 'file.folder_id = (SELECT ?) AND file.lane = (SELECT ?)';

/** The most files woken by one call, so that an outage's worth of them doesn't hold the thread up. */
const wakeBatch = 2_000;

/** Which file is next, and what became of it. */
export function createQueue(
  { db, write }: Connection,
  rows: FileRows,
): Pick<
  Ledger,
  'claimNext' | 'hasQueued' | 'releaseClaim' | 'postpone' | 'giveUp' | 'markGone' | 'wakeDue' | 'nextDueAt' | 'retryNow'
> {
  const next = selectFilesWithPath<[folderId: number, lane: number, limit: number]>(
    db,
    'file_queue',
    `WHERE file.state = 1 AND ${inLane} ORDER BY file.priority, file.id LIMIT ? + 0`,
  );
  const claim = db.prepare<[number]>('UPDATE file SET state = 2 WHERE id = ?');
  const anyQueued = db
    .prepare<[number, number], number>(`SELECT 1 FROM file INDEXED BY file_queue WHERE state = 1 AND ${inLane} LIMIT 1`)
    .pluck();
  const wake = db.prepare<[number, number]>(
    `UPDATE file SET state = 1, retry_at = NULL WHERE id IN
     (SELECT id FROM file INDEXED BY file_due WHERE state = 3 AND retry_at <= ? ORDER BY retry_at LIMIT ?)`,
  );
  const nextDue = db
    .prepare<[], number | null>('SELECT min(retry_at) FROM file INDEXED BY file_due WHERE state = 3')
    .pluck();
  const failed = selectFiles<[folderId: number]>(db, 'INDEXED BY file_failed WHERE state = 4 AND folder_id = ?');
  const waiting = selectFiles<[folderId: number]>(db, 'INDEXED BY file_due WHERE state = 3 AND folder_id = ?');

  /** What its worker reports of a file. One that vanished meanwhile stays so, with whatever was proven of it. */
  const report = (fileId: number, change: (record: FileRecord) => FileRecord): void => {
    const record = rows.byId(fileId);
    if (!record) return;
    if (record.state === fileState.goneClaimed) rows.bury(record);
    if (isGone(record.state) || record.state === fileState.proven) return;
    const after = change(record);
    rows.replace(record, after);
    if (after.state === fileState.proven) rows.abandonUpload(record.id);
  };

  return {
    claimNext: (folderId, lane, limit) =>
      write(() =>
        next.all(folderId, laneNumber[lane], limit).map(({ record, path }) => {
          claim.run(record.id);
          return {
            id: asFileId(record.id),
            folderId: asFolderId(record.folder_id),
            path: asRelativePath(path),
            sizeBytes: record.size,
            mtimeMs: record.mtime_ms,
            identity: record.identity,
            attempt: record.attempt,
            proof: proofOf(record),
          };
        }),
      ),
    hasQueued: (folderId, lane) => anyQueued.get(folderId, laneNumber[lane]) !== undefined,

    releaseClaim: (fileId) =>
      write(() =>
        report(fileId, (record) => (record.state === fileState.claimed ? released(record, fileState.queued) : record)),
      ),
    postpone: (fileId, untilMs) =>
      write(() =>
        report(fileId, (record) => {
          const after = released({ ...record, attempt: record.attempt + 1 }, fileState.waiting);
          return after.state === fileState.waiting ? { ...after, retry_at: untilMs } : after;
        }),
      ),
    giveUp: (fileId) =>
      write(() => report(fileId, (record) => ({ ...released(record, fileState.failed), retry_at: null }))),

    markGone: (fileId) =>
      write(() => {
        const record = rows.byId(fileId);
        if (!record || record.state === fileState.gone) return;
        // It was seen after the worker took it: what the worker missed is the older file.
        if (record.state === fileState.claimed && record.attempt === staleClaim) {
          rows.replace(record, released(record, fileState.queued));
        } else rows.bury(record);
      }),

    wakeDue: (nowMs) => write(() => wake.run(nowMs, wakeBatch).changes),
    nextDueAt: () => nextDue.get() ?? null,
    retryNow: (folderId, path) =>
      write(() => {
        const found =
          path === null ? [...failed.all(folderId), ...waiting.all(folderId)] : [rows.byPath(folderId, path)];
        let queued = 0;
        for (const record of found) {
          if (record?.state !== fileState.failed && record?.state !== fileState.waiting) continue;
          const rank = path === null ? record.priority : priority.watcher;
          rows.replace(record, { ...record, state: fileState.queued, attempt: 0, retry_at: null, priority: rank });
          queued++;
        }
        return queued;
      }),
  };
}
