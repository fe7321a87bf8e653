import type { RelativePath } from '../../../shared/ids.ts';
import type { Connection } from './connection.ts';
import { type FileRecord, fileState, isGone } from './fileState.ts';
import { selectFiles } from './selectFiles.ts';

/** Reads and writes rows of `file` and `directory`, keeping the folders' counts and the uploads of vanished files in step. */
export type FileRows = ReturnType<typeof createFileRows>;

export function createFileRows({ db, tally }: Connection) {
  const byId = selectFiles<[id: number]>(db, 'WHERE id = ?');
  const byName = selectFiles<[directoryId: number, name: string]>(db, 'WHERE directory_id = ? AND name = ?');
  const inDirectory = selectFiles<[directoryId: number]>(db, 'WHERE directory_id = ? AND state < 5');
  const insert = db.prepare<[number, number, string, string, number, number, number, number, number]>(
    `INSERT INTO file (id, directory_id, state, name, identity, folder_id, lane, priority, attempt, size, mtime_ms)
     VALUES (?, ?, 1, ?, ?, ?, ?, ?, 0, ?, ?)`,
  );
  const update = db.prepare(
    `UPDATE file SET state = ?, identity = ?, size = ?, mtime_ms = ?, lane = ?, priority = ?, attempt = ?, retry_at = ?,
     proof_identity = ?, proof_size = ?, proof_etag = ?, proof_checksum = ?, proof_at = ? WHERE id = ?`,
  );
  const remove = db.prepare<[number]>('DELETE FROM file WHERE id = ?');
  const abandon = db.prepare<[number]>(`UPDATE upload SET state = 'aborting' WHERE file_id = ? AND state = 'open'`);
  const directoryByPath = db.prepare<[number, string], { readonly id: number; readonly scan_id: number }>(
    'SELECT id, scan_id FROM directory WHERE folder_id = ? AND path = ?',
  );
  const insertDirectory = db.prepare<[number, string, number]>(
    'INSERT INTO directory (folder_id, path, scan_id) VALUES (?, ?, ?)',
  );
  const stampDirectory = db.prepare<[number, number]>('UPDATE directory SET scan_id = ? WHERE id = ?');
  // Ids aren't used again while the process lives: a worker's late report must never hit another file.
  let lastId = db
    .prepare<[], number>(
      'SELECT max(ifnull((SELECT max(id) FROM file), 0), ifnull((SELECT max(file_id) FROM upload), 0))',
    )
    .pluck()
    .get()!;

  const rows = {
    byId: (id: number): FileRecord | undefined => byId.get(id),
    byName: (directoryId: number, name: string): FileRecord | undefined => byName.get(directoryId, name),
    byPath(folderId: number, path: RelativePath): FileRecord | undefined {
      const { directory, name } = splitPath(path);
      const found = directoryByPath.get(folderId, directory);
      return found && byName.get(found.id, name);
    },
    /** Those on disk. */
    inDirectory: (directoryId: number): FileRecord[] => inDirectory.all(directoryId),

    /** `path` with its trailing slash. */
    directory: (folderId: number, path: string) => directoryByPath.get(folderId, path),
    addDirectory: (folderId: number, path: string, scanId: number): number =>
      Number(insertDirectory.run(folderId, path, scanId).lastInsertRowid),
    stampDirectory: (id: number, scanId: number): void => void stampDirectory.run(scanId, id),

    add(file: {
      readonly folderId: number;
      readonly directoryId: number;
      readonly name: string;
      readonly identity: string;
      readonly size: number;
      readonly mtimeMs: number;
      readonly lane: number;
      readonly priority: number;
    }): void {
      insert.run(
        ++lastId,
        file.directoryId,
        file.name,
        file.identity,
        file.folderId,
        file.lane,
        file.priority,
        file.size,
        file.mtimeMs,
      );
      tally.enter({ folder_id: file.folderId, state: fileState.queued, size: file.size, proof_checksum: null });
    },
    replace(before: FileRecord, after: FileRecord): void {
      if (before === after) return;
      update.run(
        after.state,
        after.identity,
        after.size,
        after.mtime_ms,
        after.lane,
        after.priority,
        after.attempt,
        after.retry_at,
        after.proof_identity,
        after.proof_size,
        after.proof_etag,
        after.proof_checksum,
        after.proof_at,
        after.id,
      );
      tally.leave(before);
      tally.enter(after);
    },
    remove(record: FileRecord): void {
      remove.run(record.id);
      abandon.run(record.id);
      tally.leave(record);
    },
    /** No longer on disk. While a worker has it, its row and upload stay for the worker's report. */
    vanish(record: FileRecord): void {
      if (isGone(record.state)) return;
      if (record.state === fileState.claimed) rows.replace(record, { ...record, state: fileState.goneClaimed });
      else rows.bury(record);
    },
    /** No longer on disk, and no worker has it: without an object there is nothing to remember. */
    bury(record: FileRecord): void {
      if (record.proof_etag === null) {
        rows.remove(record);
      } else {
        abandon.run(record.id);
        rows.replace(record, { ...record, state: fileState.gone, attempt: 0, retry_at: null });
      }
    },
    /** An upload that nobody will go on with goes to the abort queue. */
    abandonUpload: (fileId: number): void => void abandon.run(fileId),
  };
  return rows;
}

/** `a/b/c` → `a/b/` and `c`: as directories are stored. */
export function splitPath(path: string): { readonly directory: string; readonly name: string } {
  const slash = path.lastIndexOf('/') + 1;
  return { directory: path.slice(0, slash), name: path.slice(slash) };
}

export const asDirectoryPath = (path: string): string => (path === '' ? '' : `${path}/`);

/** The first string after everything that starts with the directory's path: `/` is followed by `0` in UTF-8. */
export const afterSubtree = (directoryPath: string): string => `${directoryPath.slice(0, -1)}0`;
