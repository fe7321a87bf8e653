import { asFolderId, asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { SourceIdentity } from '../../../shared/source.ts';
import type { Connection } from './connection.ts';
import type { CopyCandidate, Ledger } from './ledger.ts';

/** Rows looked at for one file, however many have its size: 180 µs at most. */
const mostLookedAt = 500;
/** For a file whose copy would cost what its upload does: 8 µs, whatever came out of one archive with one time. */
const mostLookedAtSmall = 16;
const mostGiven = 16;

type Row = readonly [
  folderId: number,
  path: string,
  prefix: string,
  identity: SourceIdentity,
  etag: string,
  checksum: string,
];

/**
 * Objects that may hold a file's bytes already, best first. Values are bound through subqueries because SQLite compiles a statement anew for each value compared with a column of
 * a partial index (see queue.ts); rows are bounded before they are joined, so that a million files of one size cost what five hundred do.
 */
export function createCopyCandidates({ db }: Connection): Pick<Ledger, 'copyCandidates'> {
  const proven = 'FROM file INDEXED BY file_content WHERE proof_checksum IS NOT NULL AND proof_identity IS NULL';
  const select = (inner: string, also: string) =>
    db
      .prepare<unknown[], Row>(
        `SELECT f.folder_id, d.path || f.name, folder.prefix, f.identity, f.proof_etag, f.proof_checksum
         FROM (${inner}) c CROSS JOIN file f ON f.id = c.id JOIN folder ON folder.id = f.folder_id
         JOIN directory d ON d.id = f.directory_id
         JOIN folder mine ON mine.id = ? AND mine.bucket = folder.bucket AND mine.connection = folder.connection
         WHERE f.id <> ? ${also} LIMIT ${mostGiven}`,
      )
      .raw();
  const bySizeAndTime = (most: number) =>
    `SELECT id ${proven} AND size = (SELECT ?) AND mtime_ms = (SELECT ?) LIMIT ${most}`;
  const bySize = `SELECT id ${proven} AND size = (SELECT ?) ORDER BY mtime_ms DESC LIMIT ${mostLookedAt}`;
  /** Nearly always there is none, and the joins below cost ten times what it takes to see that. */
  const oneOfThatTime = db.prepare<unknown[], number>(bySizeAndTime(1)).pluck();
  const isSameInode = 'AND substr(f.identity, 1, length(?)) = ? AND substr(f.identity, -length(?)) = ?';
  const sameTime = select(bySizeAndTime(mostLookedAt), '');
  const sameInode = select(bySizeAndTime(mostLookedAt), isSameInode);
  const sameInodeSmall = select(bySizeAndTime(mostLookedAtSmall), isSameInode);
  const sameName = select(bySize, 'AND f.name = ?');
  const sameSize = select(bySize, '');

  return {
    copyCandidates: ({ id, folderId, path, sizeBytes, mtimeMs, identity }, reach) => {
      const [size, mtime, , ino, dev] = identity.split('.');
      const head = `${size}.${mtime}.`;
      const tail = `.${ino}.${dev}`;
      const moved = reach === 'moved' ? sameInodeSmall : sameInode;
      const isAny = oneOfThatTime.get(sizeBytes, mtimeMs) !== undefined;
      const found: Row[] = isAny ? moved.all(sizeBytes, mtimeMs, folderId, id, head, head, tail, tail) : [];
      if (found.length === 0 && reach !== 'moved') {
        if (isAny) found.push(...sameTime.all(sizeBytes, mtimeMs, folderId, id));
        if (found.length === 0)
          found.push(...sameName.all(sizeBytes, folderId, id, path.slice(path.lastIndexOf('/') + 1)));
        if (found.length === 0 && reach === 'same-size') found.push(...sameSize.all(sizeBytes, folderId, id));
      }
      return found.map(
        ([folder, at, prefix, seen, etag, checksum]): CopyCandidate => ({
          folderId: asFolderId(folder),
          path: asRelativePath(at) satisfies RelativePath,
          prefix,
          identity: seen,
          etag,
          checksum,
        }),
      );
    },
  };
}
