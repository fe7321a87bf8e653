import { ErrorView } from '../../../shared/errorSchema.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { asFolderId } from '../../../shared/ids.ts';
import { ActivityAction, type ActivityRow } from '../../../shared/syncApi.ts';
import type { Connection } from './connection.ts';
import type { Ledger } from './ledger.ts';

/** The newest rows that are kept, and how many more there may be before the oldest are dropped in one go. */
const keptRows = 1_000_000;
const pruneBatch = 1_000;
/** A filtered total looks at this many of the newest rows: exact up to here, "at least" beyond. */
const countedRows = 200_000;
/** The sums by time are kept per quarter of an hour: every time zone's midnight is on one. */
const quarterMs = 900_000;

/** What was done, newest first. */
export function createActivity(
  { db, write }: Connection,
  limits = { keptRows, pruneBatch },
): Pick<Ledger, 'recordActivity' | 'activity' | 'activitySince' | 'lastUploadAt'> {
  const insert = db.prepare(
    `INSERT INTO activity (at, folder_id, path, key, action, bytes, parts, duration_ms, retries, etag, checksum, error)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const addToQuarter = db.prepare(
    `INSERT INTO activity_quarter (start_ms, files, bytes, retries) VALUES (?, ?, ?, ?) ON CONFLICT (start_ms) DO UPDATE SET
     files = files + excluded.files, bytes = bytes + excluded.bytes, retries = retries + excluded.retries`,
  );
  const uploaded = db.prepare<[number, number]>(
    'UPDATE folder_count SET last_upload_at = max(ifnull(last_upload_at, 0), ?) WHERE folder_id = ?',
  );
  const lastUpload = db
    .prepare<[number], number | null>('SELECT last_upload_at FROM folder_count WHERE folder_id = ?')
    .pluck();
  const prune = db.prepare<[number]>('DELETE FROM activity WHERE id IN (SELECT id FROM activity ORDER BY id LIMIT ?)');
  const count = db.prepare<[], number>('SELECT count(*) FROM activity').pluck();
  const newestId = db.prepare<[], number | null>('SELECT max(id) FROM activity').pluck();
  const quarters = db.prepare<[number], Sums>(
    'SELECT ifnull(sum(files), 0) files, ifnull(sum(bytes), 0) bytes, ifnull(sum(retries), 0) retries FROM activity_quarter WHERE start_ms >= ?',
  );
  const exactly = db.prepare<[number, number], Sums>(
    `SELECT count(*) FILTER (WHERE ${isUpload}) files, ifnull(sum(bytes) FILTER (WHERE ${isUpload}), 0) bytes, ifnull(sum(retries), 0) retries
     FROM activity INDEXED BY activity_by_time WHERE at >= ? AND at < ?`,
  );
  // SQLite folds only ASCII; a search for `ä` must find `Ä`.
  db.function('folded', { deterministic: true }, (text: unknown) => String(text).toLowerCase());
  let stored = count.get()!;

  return {
    recordActivity(rows) {
      const sums = new Map<number, Sums>();
      const lastUploads = new Map<number, number>();
      const pruned = write(() => {
        for (const row of rows) {
          const error = row.error === null ? null : JSON.stringify(row.error);
          insert.run(
            row.at,
            row.folderId,
            row.path,
            row.key,
            row.action,
            row.bytes,
            row.parts,
            row.durationMs,
            row.retries,
            row.etag,
            row.checksum,
            error,
          );
          const start = Math.floor(row.at / quarterMs) * quarterMs;
          const sum = sums.get(start) ?? { files: 0, bytes: 0, retries: 0 };
          const isUploaded = uploadActions.has(row.action);
          sums.set(start, {
            files: sum.files + (isUploaded ? 1 : 0),
            bytes: sum.bytes + (isUploaded ? row.bytes : 0),
            retries: sum.retries + row.retries,
          });
          if (isUploaded) lastUploads.set(row.folderId, Math.max(row.at, lastUploads.get(row.folderId) ?? 0));
        }
        for (const [start, sum] of sums) addToQuarter.run(start, sum.files, sum.bytes, sum.retries);
        for (const [folderId, at] of lastUploads) uploaded.run(at, folderId);
        const excess = stored + rows.length - limits.keptRows;
        return excess > 0 ? prune.run(excess + limits.pruneBatch).changes : 0;
      });
      stored += rows.length - pruned;
    },

    activity({ before, limit, folderId, search, actions }) {
      const filters: string[] = [];
      const values: (string | number)[] = [];
      if (folderId !== null) {
        filters.push('folder_id = ?');
        values.push(folderId);
      }
      if (actions.length > 0) {
        filters.push(`action IN (${actions.map(() => '?').join(', ')})`);
        values.push(...actions);
      }
      if (search !== '') {
        const isAscii = /^[\x20-\x7e]*$/.test(search);
        filters.push(isAscii ? String.raw`path LIKE ? ESCAPE '\'` : 'instr(folded(path), ?) > 0');
        values.push(isAscii ? `%${search.replace(/[\\%_]/g, String.raw`\$&`)}%` : search.toLowerCase());
      }
      const where = filters.length === 0 ? '' : `AND ${filters.join(' AND ')}`;
      const found = db
        .prepare<unknown[], StoredActivity>(`SELECT * FROM activity WHERE id < ? ${where} ORDER BY id DESC LIMIT ?`)
        .all(before ?? Number.MAX_SAFE_INTEGER, ...values, limit + 1);
      const countFrom = (newestId.get() ?? 0) - countedRows;
      const total =
        filters.length === 0
          ? stored
          : db
              .prepare<unknown[], number>(`SELECT count(*) FROM activity WHERE id > ? ${where}`)
              .pluck()
              .get(countFrom, ...values)!;
      return { rows: found.slice(0, limit).map(fromStored), hasMore: found.length > limit, total };
    },

    activitySince(sinceMs) {
      const whole = Math.ceil(sinceMs / quarterMs) * quarterMs;
      const sums = quarters.get(whole)!;
      if (whole === sinceMs) return sums;
      const partial = exactly.get(sinceMs, whole)!;
      return {
        files: sums.files + partial.files,
        bytes: sums.bytes + partial.bytes,
        retries: sums.retries + partial.retries,
      };
    },
    lastUploadAt: (folderId) => lastUpload.get(folderId) ?? null,
  };
}

interface Sums {
  readonly files: number;
  readonly bytes: number;
  readonly retries: number;
}

const uploadActions = new Set<ActivityAction>(['put', 'multipart', 'copy']);
const isUpload = `action IN ('put', 'multipart', 'copy')`;

interface StoredActivity {
  readonly id: number;
  readonly at: number;
  readonly folder_id: number;
  readonly path: string;
  readonly key: string;
  readonly action: string;
  readonly bytes: number;
  readonly parts: number;
  readonly duration_ms: number;
  readonly retries: number;
  readonly etag: string | null;
  readonly checksum: string | null;
  readonly error: string | null;
}

function fromStored(stored: StoredActivity): ActivityRow {
  try {
    return {
      id: stored.id,
      at: stored.at,
      folderId: asFolderId(stored.folder_id),
      path: stored.path,
      key: stored.key,
      action: ActivityAction.parse(stored.action),
      bytes: stored.bytes,
      parts: stored.parts,
      durationMs: stored.duration_ms,
      retries: stored.retries,
      etag: stored.etag,
      checksum: stored.checksum,
      error: stored.error === null ? null : ErrorView.parse(JSON.parse(stored.error)),
    };
  } catch (error) {
    throw new SluiceError('ledger-corrupt', `Row ${stored.id} of the ledger's activity can't be read`, {
      cause: error,
    });
  }
}
