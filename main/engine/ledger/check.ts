import type { Connection } from './connection.ts';
import type { Ledger } from './ledger.ts';

/** Integrity as SQLite sees it, and the rules of our own that no constraint holds. */
export function createCheck({ db }: Connection): Pick<Ledger, 'check'> {
  return {
    check() {
      const found = (db.pragma('integrity_check') as { readonly integrity_check: string }[])
        .map((row) => row.integrity_check)
        .filter((line) => line !== 'ok');
      for (const { name, sql } of rules) {
        const broken = db.prepare<[], number>(sql).pluck().get()!;
        if (broken > 0) found.push(`${name}: ${broken}`);
      }
      return found;
    },
  };
}

const proven = `file.proof_etag IS NOT NULL AND ifnull(file.proof_identity, file.identity) = file.identity`;

/** Each query counts what breaks its rule. */
const rules: readonly { readonly name: string; readonly sql: string }[] = [
  {
    name: 'files without a directory of their folder',
    sql: `SELECT count(*) FROM file LEFT JOIN directory ON directory.id = file.directory_id WHERE directory.folder_id IS NOT file.folder_id`,
  },
  {
    name: 'directories without a folder',
    sql: 'SELECT count(*) FROM directory WHERE folder_id NOT IN (SELECT id FROM folder)',
  },
  {
    name: 'files called proven that are not, or to be uploaded though they are proven',
    sql: `SELECT count(*) FROM file WHERE CASE WHEN state = 0 THEN NOT (${proven}) WHEN state IN (1, 3, 4) THEN ${proven} ELSE state NOT BETWEEN 0 AND 6 END`,
  },
  {
    name: 'gone files of which nothing was uploaded',
    sql: 'SELECT count(*) FROM file WHERE state = 5 AND proof_etag IS NULL',
  },
  {
    name: 'files whose try time does not fit their state',
    sql: 'SELECT count(*) FROM file WHERE (state = 3) <> (retry_at IS NOT NULL) OR attempt < iif(state = 2, -1, 0) AND state <> 6',
  },
  {
    name: 'open uploads of files that need none',
    sql: `SELECT count(*) FROM upload LEFT JOIN file ON file.id = upload.file_id WHERE upload.state = 'open' AND ifnull(file.state, 0) IN (0, 5)`,
  },
  {
    name: 'parts that their upload cannot have',
    sql: `SELECT count(*) FROM part LEFT JOIN upload ON upload.id = part.upload_id WHERE upload.id IS NULL OR part.number NOT BETWEEN 1 AND upload.part_count
      OR part.size <> iif(part.number < upload.part_count, upload.part_size, upload.size - (upload.part_count - 1) * upload.part_size)`,
  },
  {
    name: 'proofs without an ETag',
    sql: 'SELECT count(*) FROM file WHERE proof_etag IS NULL AND (proof_identity IS NOT NULL OR proof_size IS NOT NULL OR proof_checksum IS NOT NULL)',
  },
  {
    name: 'folders whose counts are wrong',
    sql: `SELECT count(*) FROM folder LEFT JOIN folder_count kept ON kept.folder_id = folder.id LEFT JOIN (
        SELECT folder_id, count(*) total, sum(size) bytes,
          count(*) FILTER (WHERE state = 0 AND proof_checksum IS NOT NULL) proven,
          ifnull(sum(size) FILTER (WHERE state = 0 AND proof_checksum IS NOT NULL), 0) bytes_proven,
          count(*) FILTER (WHERE state IN (1, 2, 3)) queued, ifnull(sum(size) FILTER (WHERE state IN (1, 2, 3)), 0) bytes_queued,
          count(*) FILTER (WHERE state = 4) failed
        FROM file WHERE state < 5 GROUP BY folder_id) real ON real.folder_id = folder.id
      WHERE kept.files_total IS NOT ifnull(real.total, 0) OR kept.bytes_total IS NOT ifnull(real.bytes, 0)
        OR kept.files_proven IS NOT ifnull(real.proven, 0) OR kept.bytes_proven IS NOT ifnull(real.bytes_proven, 0)
        OR kept.files_queued IS NOT ifnull(real.queued, 0) OR kept.bytes_queued IS NOT ifnull(real.bytes_queued, 0)
        OR kept.files_failed IS NOT ifnull(real.failed, 0)`,
  },
];
