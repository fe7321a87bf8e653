import type { FolderRow, KnownFile } from '../../engine/ledger/ledger.ts';
import type { LedgerReader } from '../../engine/ledger/openLedgerReadOnly.ts';
import { objectKey } from '../../engine/plan/objectKey.ts';

const columns = [
  'folder',
  'path',
  'bucket',
  'key',
  'state',
  'size',
  'etag',
  'checksum',
  'provenAt',
  'provenSize',
] as const;
type Row = Readonly<Record<(typeof columns)[number], string | number | null>>;

/** Pieces of about this many characters, so that a million lines are not a million writes. */
const pieceLength = 64 * 1024;

/** The files of these pairs as text, piece by piece: memory doesn't grow with their number. CSV begins with the names of its columns. */
export function* exportLines(
  ledger: Pick<LedgerReader, 'files'>,
  folders: readonly FolderRow[],
  format: 'ndjson' | 'csv',
): Generator<string> {
  let piece = format === 'csv' ? `${columns.join(',')}\r\n` : '';
  for (const folder of folders) {
    for (const file of ledger.files(folder.id)) {
      const row = rowOf(folder, file);
      piece +=
        format === 'csv' ? `${columns.map((name) => csvCell(row[name])).join(',')}\r\n` : `${JSON.stringify(row)}\n`;
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}

function rowOf(folder: FolderRow, { path, state, sizeBytes, proof }: KnownFile): Row {
  return {
    folder: folder.path,
    path,
    bucket: folder.bucket,
    key: objectKey(folder.prefix, path),
    state,
    size: sizeBytes,
    etag: proof?.etag ?? null,
    checksum: proof?.checksum ?? null,
    provenAt: proof === null ? null : new Date(proof.provenAt).toISOString(),
    provenSize: proof?.sizeBytes ?? null,
  };
}

/**
 * RFC 4180, and harmless: a spreadsheet takes a cell that begins with one of these for a formula, and a file's name is anybody's text. The apostrophe before it is the
 * price; NDJSON has names as they are. (owasp.org/www-community/attacks/CSV_Injection)
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== value ? `"${text.replaceAll('"', '""')}"` : text;
}
