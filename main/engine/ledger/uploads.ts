import { SluiceError } from '../../../shared/errors.ts';
import { asUploadRowId } from '../../../shared/ids.ts';
import type { Connection } from './connection.ts';
import type { FileRows } from './fileRows.ts';
import { noSuchFolder } from './folders.ts';
import type { Ledger, PartRow, Proof, UploadIntent, UploadRow } from './ledger.ts';

/** Multipart uploads in progress and to be aborted, with the parts S3 has. */
export function createUploads(
  { db, write }: Connection,
  rows: FileRows,
  prove: (fileId: number, proof: Proof) => void,
): Pick<
  Ledger,
  | 'intendUpload'
  | 'uploadCreated'
  | 'openUpload'
  | 'uploads'
  | 'parts'
  | 'recordParts'
  | 'dropParts'
  | 'uploadProven'
  | 'abandonUpload'
  | 'uploadGone'
> {
  const columns = `id, file_id fileId, folder_id folderId, key, token, identity, size sizeBytes, part_size partSizeBytes,
    part_count partCount, algorithm, intended_at intendedAt, upload_id uploadId, state, bucket`;
  const insert = db.prepare(
    `INSERT INTO upload (file_id, folder_id, key, token, identity, size, part_size, part_count, algorithm, intended_at, state, bucket)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)`,
  );
  const target = db
    .prepare<[number], string>(
      `SELECT json_object('connection', json(connection), 'bucket', bucket) FROM folder WHERE id = ?`,
    )
    .pluck();
  const created = db.prepare<[string, number]>('UPDATE upload SET upload_id = ? WHERE id = ?');
  const byId = db.prepare<[number], UploadRow>(`SELECT ${columns} FROM upload WHERE id = ?`);
  const openOf = db.prepare<[number], UploadRow>(`SELECT ${columns} FROM upload WHERE file_id = ? AND state = 'open'`);
  const inState = db.prepare<[string], UploadRow>(`SELECT ${columns} FROM upload WHERE state = ? ORDER BY id`);
  const abandon = db.prepare<[number]>(`UPDATE upload SET state = 'aborting' WHERE id = ?`);
  const remove = db.prepare<[number]>('DELETE FROM upload WHERE id = ?');
  const parts = db.prepare<[number], PartRow>(
    'SELECT number partNumber, size sizeBytes, etag, checksum FROM part WHERE upload_id = ? ORDER BY number',
  );
  // A part that arrives after its upload was settled is of no use: no row to hang it on, nothing written.
  const putPart = db.prepare(
    `INSERT INTO part (upload_id, number, size, etag, checksum) SELECT id, ?, ?, ?, ? FROM upload WHERE id = ?
     ON CONFLICT (upload_id, number) DO UPDATE SET size = excluded.size, etag = excluded.etag, checksum = excluded.checksum`,
  );
  const dropPart = db.prepare<[number, number]>('DELETE FROM part WHERE upload_id = ? AND number = ?');

  return {
    intendUpload: (intent) =>
      write(() => {
        requireSound(intent);
        const bucket = target.get(intent.folderId);
        if (bucket === undefined) throw noSuchFolder(intent.folderId);
        rows.abandonUpload(intent.fileId);
        const { lastInsertRowid } = insert.run(
          intent.fileId,
          intent.folderId,
          intent.key,
          intent.token,
          intent.identity,
          intent.sizeBytes,
          intent.partSizeBytes,
          intent.partCount,
          intent.algorithm,
          intent.intendedAt,
          bucket,
        );
        return byId.get(asUploadRowId(Number(lastInsertRowid)))!;
      }),
    uploadCreated: (id, uploadId) =>
      write(() => {
        if (created.run(uploadId, id).changes === 1) return;
        throw new SluiceError(
          'not-found',
          `Upload row ${id} was settled before S3's upload ${uploadId} was known: abort that one`,
        );
      }),
    openUpload: (fileId) => openOf.get(fileId) ?? null,
    uploads: (state) => inState.all(state),
    parts: (id) => parts.all(id),
    recordParts: (recorded) =>
      write(() => {
        for (const { uploadRowId, part } of recorded)
          putPart.run(part.partNumber, part.sizeBytes, part.etag, part.checksum, uploadRowId);
      }),
    dropParts: (id, partNumbers) =>
      write(() => {
        for (const partNumber of partNumbers) dropPart.run(id, partNumber);
      }),
    uploadProven: (id, proof) =>
      write(() => {
        const upload = byId.get(id);
        if (!upload) throw new SluiceError('not-found', `There is no upload ${id} in the ledger`);
        remove.run(id);
        prove(upload.fileId, proof);
      }),
    abandonUpload: (id) => write(() => void abandon.run(id)),
    uploadGone: (id) => write(() => void remove.run(id)),
  };
}

/** A plan that can't cover its file must not reach S3, where only Complete would notice. */
function requireSound({ sizeBytes, partSizeBytes, partCount }: UploadIntent): void {
  const isSound =
    [sizeBytes, partSizeBytes, partCount].every(Number.isSafeInteger) &&
    sizeBytes >= 0 &&
    partSizeBytes > 0 &&
    partCount >= 1 &&
    partCount <= 10_000 &&
    partCount === Math.max(1, Math.ceil(sizeBytes / partSizeBytes));
  if (!isSound) {
    throw new SluiceError(
      'internal',
      `A plan of ${partCount} parts of ${partSizeBytes} bytes is not one for ${sizeBytes} bytes`,
    );
  }
}
