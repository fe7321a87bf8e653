import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { asFolderId } from '../../../shared/ids.ts';
import { DeletePolicy, FolderKind, FolderRules, ObjectPolicy, StoreConnection } from '../../../shared/settings.ts';
import type { Connection } from './connection.ts';
import type { FolderCounts, FolderRow, Ledger } from './ledger.ts';

export function createFolders({
  db,
  write,
}: Connection): Pick<Ledger, 'addFolder' | 'folder' | 'folders' | 'updateFolder' | 'removeFolder' | 'counts'> {
  const insert = db.prepare(
    `INSERT INTO folder (path, bucket, prefix, kind, connection, rules, objects, deletes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertCounts = db.prepare<[number]>('INSERT INTO folder_count (folder_id) VALUES (?)');
  const byId = db.prepare<[number], StoredFolder>('SELECT * FROM folder WHERE id = ?');
  const all = db.prepare<[], StoredFolder>('SELECT * FROM folder ORDER BY id');
  const update = db.prepare(
    `UPDATE folder SET paused = ?, rules = ?, objects = ?, deletes = ?, kind = ?, connection = ?, root = ? WHERE id = ?`,
  );
  const counts = db.prepare<[number], FolderCounts>(
    `SELECT files_total filesTotal, bytes_total bytesTotal, files_proven filesProven, bytes_proven bytesProven,
     files_queued filesQueued, bytes_queued bytesQueued, files_failed filesFailed FROM folder_count WHERE folder_id = ?`,
  );
  const forget = [
    `UPDATE upload SET state = 'aborting' WHERE folder_id = ? AND state = 'open'`,
    'DELETE FROM file WHERE directory_id IN (SELECT id FROM directory WHERE folder_id = ?)',
    'DELETE FROM directory WHERE folder_id = ?',
    'DELETE FROM scan WHERE folder_id = ?',
    'DELETE FROM issue WHERE ifnull(folder_id, 0) = ?',
    'DELETE FROM folder_count WHERE folder_id = ?',
    'DELETE FROM folder WHERE id = ?',
  ].map((sql) => db.prepare<[number]>(sql));

  const folder = (id: number): FolderRow => {
    const stored = byId.get(id);
    if (!stored) throw noSuchFolder(id);
    return fromStored(stored);
  };

  return {
    addFolder: (input) =>
      write(() => {
        const { lastInsertRowid } = insert.run(
          input.path,
          input.bucket,
          input.prefix,
          input.kind,
          JSON.stringify(input.connection),
          JSON.stringify(input.rules),
          JSON.stringify(input.objects),
          JSON.stringify(input.deletes),
        );
        insertCounts.run(Number(lastInsertRowid));
        return folder(Number(lastInsertRowid));
      }),
    folder,
    folders: () => all.all().map(fromStored),
    updateFolder: (id, change) =>
      write(() => {
        const next = { ...folder(id), ...change };
        update.run(
          next.paused ? 1 : 0,
          JSON.stringify(next.rules),
          JSON.stringify(next.objects),
          JSON.stringify(next.deletes),
          next.kind,
          JSON.stringify(next.connection),
          next.root === null ? null : JSON.stringify(next.root),
          id,
        );
        return folder(id);
      }),
    removeFolder: (id) =>
      write(() => {
        folder(id);
        for (const statement of forget) statement.run(id);
      }),
    counts(id) {
      const found = counts.get(id);
      if (!found) throw noSuchFolder(id);
      return found;
    },
  };
}

export const noSuchFolder = (id: number): SluiceError => new SluiceError('not-found', `There is no folder ${id}`);

interface StoredFolder {
  readonly id: number;
  readonly path: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly kind: string;
  readonly connection: string;
  readonly rules: string;
  readonly objects: string;
  readonly deletes: string;
  readonly paused: number;
  readonly root: string | null;
  readonly last_scan_at: number | null;
  readonly last_full_scan_at: number | null;
}

const Root = z.object({ dev: z.string(), ino: z.string() });

/** Parsed, not cast: settings that a later version adds get their defaults. */
function fromStored(stored: StoredFolder): FolderRow {
  try {
    return {
      id: asFolderId(stored.id),
      path: stored.path,
      bucket: stored.bucket,
      prefix: stored.prefix,
      kind: FolderKind.parse(stored.kind),
      connection: StoreConnection.parse(JSON.parse(stored.connection)),
      rules: FolderRules.parse(JSON.parse(stored.rules)),
      objects: ObjectPolicy.parse(JSON.parse(stored.objects)),
      deletes: DeletePolicy.parse(JSON.parse(stored.deletes)),
      paused: stored.paused === 1,
      root: stored.root === null ? null : Root.parse(JSON.parse(stored.root)),
      lastScanAt: stored.last_scan_at,
      lastFullScanAt: stored.last_full_scan_at,
    };
  } catch (error) {
    throw new SluiceError('ledger-corrupt', `The ledger's row of folder ${stored.id} (${stored.path}) can't be read`, {
      cause: error,
    });
  }
}
