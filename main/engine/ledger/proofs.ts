import { asFileId, asRelativePath, type FolderId, type RelativePath } from '../../../shared/ids.ts';
import type { Connection } from './connection.ts';
import type { FileRows } from './fileRows.ts';
import { confirmed, type FileRecord, fileState, proofOf, publicState } from './fileState.ts';
import type { KnownFile, Ledger, Proof } from './ledger.ts';
import { selectFiles, selectFilesWithPath } from './selectFiles.ts';

const pageSize = 500;

/** What is known to be in the bucket, file by file. */
export function createProofs(
  { db, write, guard }: Connection,
  rows: FileRows,
): Pick<Ledger, 'recordProofs' | 'goneFiles' | 'forgetFile' | 'file' | 'files'> & {
  readonly prove: (fileId: number, proof: Proof) => void;
} {
  const gone = selectFilesWithPath<[folderId: number]>(
    db,
    'file_gone',
    'WHERE file.state = 5 AND file.folder_id = ? ORDER BY directory.path || file.name',
  );
  const directories = db.prepare<[number, string, number], { readonly id: number; readonly path: string }>(
    'SELECT id, path FROM directory WHERE folder_id = ? AND path > ? ORDER BY path LIMIT ?',
  );
  const root = db.prepare<[number], number>(`SELECT id FROM directory WHERE folder_id = ? AND path = ''`).pluck();
  const between = selectFiles<[directoryId: number, after: string, before: string, limit: number]>(
    db,
    'INDEXED BY file_by_name WHERE directory_id = ? AND name > ? AND name < ? ORDER BY name LIMIT ?',
  );
  const after = selectFiles<[directoryId: number, after: string, limit: number]>(
    db,
    'INDEXED BY file_by_name WHERE directory_id = ? AND name > ? ORDER BY name LIMIT ?',
  );

  const prove = (fileId: number, proof: Proof): void => {
    const record = rows.byId(fileId);
    if (!record) return; // its folder was removed meanwhile
    const proven = confirmed(record, proof);
    rows.replace(record, proven);
    if (proven.state === fileState.proven || proven.state === fileState.gone) rows.abandonUpload(fileId);
  };

  /** Files of one directory in name order, those before `end` only, from `cursor.name` on, which moves along. */
  function* filesOf(cursor: Cursor, end: string | null): Generator<KnownFile> {
    for (;;) {
      const page = guard(() =>
        end === null ? after.all(cursor.id, cursor.name, pageSize) : between.all(cursor.id, cursor.name, end, pageSize),
      );
      for (const record of page) {
        cursor.name = record.name;
        yield knownFile(record, cursor.path + record.name);
      }
      if (page.length < pageSize) return;
    }
  }

  function* allDirectories(folderId: FolderId): Generator<{ readonly id: number; readonly path: string }> {
    for (let last = ''; ; ) {
      const page = guard(() => directories.all(folderId, last, pageSize));
      yield* page;
      if (page.length < pageSize) return;
      last = page.at(-1)!.path;
    }
  }

  /**
   * Byte order of whole paths, as S3 lists keys: `a-b/y` before `a/x`, so neither table's own order will do. Directories come in the order of their paths with
   * slash; before one is entered, the files of the nearest one still open that sort before it are due.
   */
  function* files(folderId: FolderId): Generator<KnownFile> {
    const open: Cursor[] = [];
    const rootId = guard(() => root.get(folderId));
    if (rootId !== undefined) open.push({ id: rootId, path: '', name: '' });
    for (const { id, path } of allDirectories(folderId)) {
      while (open.length > 0 && !path.startsWith(open.at(-1)!.path)) yield* filesOf(open.pop()!, null);
      const parent = open.at(-1);
      if (parent) yield* filesOf(parent, path.slice(parent.path.length));
      open.push({ id, path, name: '' });
    }
    while (open.length > 0) yield* filesOf(open.pop()!, null);
  }

  return {
    prove,
    recordProofs: (proofs) =>
      write(() => {
        for (const { fileId, proof } of proofs) prove(fileId, proof);
      }),
    goneFiles: (folderId) => gone.all(folderId).map(({ record, path }) => knownFile(record, path)),
    forgetFile: (fileId) =>
      write(() => {
        const record = rows.byId(fileId);
        if (!record) return;
        if (record.state === fileState.gone) return rows.remove(record);
        const without = {
          proof_identity: null,
          proof_size: null,
          proof_etag: null,
          proof_checksum: null,
          proof_at: null,
        };
        const state = record.state === fileState.proven ? fileState.queued : record.state;
        rows.replace(record, { ...record, ...without, state });
      }),
    file(folderId: FolderId, path: RelativePath) {
      const record = rows.byPath(folderId, path);
      return record ? knownFile(record, path) : null;
    },
    files,
  };
}

interface Cursor {
  readonly id: number;
  readonly path: string;
  /** The last one given out. */
  name: string;
}

export const knownFile = (record: FileRecord, path: string): KnownFile => ({
  id: asFileId(record.id),
  path: asRelativePath(path),
  sizeBytes: record.size,
  identity: record.identity,
  state: publicState[record.state],
  proof: proofOf(record),
});
