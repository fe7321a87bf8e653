import { SluiceError } from '../../../shared/errors.ts';
import { asScanId, type RelativePath } from '../../../shared/ids.ts';
import type { DirectoryListing, ObservedFile, SourceIdentity } from '../../../shared/source.ts';
import type { Connection } from './connection.ts';
import { afterSubtree, asDirectoryPath, type FileRows, splitPath } from './fileRows.ts';
import { type FileRecord, fileState, isGone, isToUpload, laneNumber, priority, seen } from './fileState.ts';
import { noSuchFolder } from './folders.ts';
import type { Ledger, ObservationDiff } from './ledger.ts';

/** What the disk was seen to hold, by scans and by the watcher. */
export function createObservations(
  { db, write }: Connection,
  rows: FileRows,
  smallFileLimitBytes: number,
): Pick<Ledger, 'beginScan' | 'observeDirectories' | 'finishScan' | 'observePaths'> {
  const folderExists = db.prepare<[number], number>('SELECT 1 FROM folder WHERE id = ?').pluck();
  const insertScan = db.prepare<[number, number]>('INSERT INTO scan (folder_id, began_at) VALUES (?, ?)');
  const dropScans = db.prepare<[number]>('DELETE FROM scan WHERE folder_id = ?');
  const scanFolder = db.prepare<[number], number>('SELECT folder_id FROM scan WHERE id = ?').pluck();
  const scanEnded = db.prepare(
    'UPDATE folder SET last_scan_at = ?, last_full_scan_at = iif(?, ?, last_full_scan_at) WHERE id = ?',
  );
  const known = db
    .prepare<[number], [string, SourceIdentity, FileRecord['state'], number]>(
      'SELECT name, identity, state, id FROM file INDEXED BY file_by_name WHERE directory_id = ? ORDER BY name',
    )
    .raw();
  const fingerprint = db
    .prepare<[number], [string | null, number | null]>(
      `SELECT group_concat(name || '/' || identity || '/', ''), max(state) FROM
       (SELECT name, identity, state FROM file INDEXED BY file_by_name WHERE directory_id = ? ORDER BY name)`,
    )
    .raw();
  const unseen = db.prepare<[number, number], { readonly id: number; readonly path: string }>(
    'SELECT id, path FROM directory WHERE folder_id = ? AND scan_id <> ?',
  );
  const subtree = db
    .prepare<[number, string, string], number>(
      'SELECT id FROM directory WHERE folder_id = ? AND path >= ? AND path < ?',
    )
    .pluck();
  const dropIfEmpty = db.prepare(
    'DELETE FROM directory WHERE id = ? AND NOT EXISTS (SELECT 1 FROM file WHERE directory_id = ?)',
  );

  /** What the watcher saw since the scan began: a listing may be older, and must not bury it. One scan per folder at a time. */
  const openScans = new Map<number, { readonly scanId: number; readonly watched: Set<string> }>();

  const laneOf = (size: number): number => (size <= smallFileLimitBytes ? laneNumber.small : laneNumber.large);

  const requireScan = (scanId: number): number => {
    const folderId = scanFolder.get(scanId);
    if (folderId === undefined) throw new SluiceError('not-found', `Scan ${scanId} is over, or its folder was removed`);
    return folderId;
  };

  function addFile(diff: Tally, folderId: number, directoryId: number, file: ObservedFile, rank: number): void {
    rows.add({
      folderId,
      directoryId,
      name: file.name,
      identity: file.identity,
      size: file.sizeBytes,
      mtimeMs: file.mtimeMs,
      lane: laneOf(file.sizeBytes),
      priority: rank,
    });
    diff.added++;
    diff.bytesToUpload += file.sizeBytes;
  }

  function seeAgain(diff: Tally, record: FileRecord, file: ObservedFile, rank: number): void {
    const after = seen(record, file, {
      priority: rank,
      lane: laneOf(file.sizeBytes),
      requeueFailed: rank === priority.scan,
    });
    rows.replace(record, after);
    const changed = record.identity !== file.identity;
    if (after.state === fileState.proven && after !== record) rows.abandonUpload(record.id);
    if (isGone(record.state)) diff.added++;
    else if (changed) diff.changed++;
    else diff.unchanged++;
    if (isToUpload(after.state) && (changed || !isToUpload(record.state))) diff.bytesToUpload += file.sizeBytes;
  }

  function vanish(diff: Tally, record: FileRecord): void {
    rows.vanish(record);
    diff.gone++;
  }

  function observeDirectory(diff: Tally, folderId: number, scanId: number, listing: DirectoryListing): void {
    const path = asDirectoryPath(listing.directory);
    const directory = rows.directory(folderId, path);
    if (!directory) {
      const { files } = listing;
      if (files.length === 0) return;
      const directoryId = rows.addDirectory(folderId, path, scanId);
      for (const file of files) addFile(diff, folderId, directoryId, file, priority.scan);
      return;
    }
    if (directory.scan_id !== scanId) rows.stampDirectory(directory.id, scanId);
    if (isUnchanged(directory.id, listing)) {
      diff.unchanged += listing.packed?.count ?? listing.files.length;
      return;
    }
    const rest = new Map(known.all(directory.id).map((row) => [row[0], row]));
    const watched = openScans.get(folderId)?.watched;
    for (const file of listing.files) {
      const row = rest.get(file.name);
      rest.delete(file.name);
      if (row && watched?.has(path + file.name)) diff.unchanged++;
      else if (!row) addFile(diff, folderId, directory.id, file, priority.scan);
      else if (row[1] === file.identity && row[2] < fileState.failed) diff.unchanged++;
      else seeAgain(diff, rows.byId(row[3])!, file, priority.scan);
    }
    for (const [name, , state, id] of rest.values()) {
      if (!isGone(state) && !watched?.has(path + name)) vanish(diff, rows.byId(id)!);
    }
  }

  /**
   * The usual case of a rescan, a third of the cost of comparing row by row: names and identities of the whole directory as one string, built by SQLite and from the listing.
   * Neither holds a `/`, so equal strings are equal lists; another order of names only means the long way.
   */
  function isUnchanged(directoryId: number, listing: DirectoryListing): boolean {
    const [stored, highestState] = fingerprint.get(directoryId)!;
    if (stored === null) return listing.files.length === 0;
    if (highestState! >= fileState.failed) return false;
    if (listing.packed) return stored === listing.packed.text;
    let listed = '';
    for (const file of inNameOrder(listing.files)) listed += `${file.name}/${file.identity}/`;
    return stored === listed;
  }

  function observeFile(diff: Tally, folderId: number, path: RelativePath, file: ObservedFile): void {
    const { directory, name } = splitPath(path);
    const scan = openScans.get(folderId);
    scan?.watched.add(path);
    const found = rows.directory(folderId, directory);
    const directoryId = found?.id ?? rows.addDirectory(folderId, directory, 0);
    const record = rows.byName(directoryId, name);
    if (record) seeAgain(diff, record, file, priority.watcher);
    else addFile(diff, folderId, directoryId, { ...file, name }, priority.watcher);
  }

  return {
    beginScan: (folderId, atMs) =>
      write(() => {
        if (folderExists.get(folderId) === undefined) throw noSuchFolder(folderId);
        dropScans.run(folderId);
        const scanId = Number(insertScan.run(folderId, atMs).lastInsertRowid);
        openScans.set(folderId, { scanId, watched: new Set() });
        return asScanId(scanId);
      }),

    observeDirectories: (scanId, listings) =>
      write(() => {
        const folderId = requireScan(scanId);
        const diff = noDifference();
        for (const listing of listings) observeDirectory(diff, folderId, scanId, listing);
        return diff;
      }),

    finishScan: (scanId, end) => {
      const diff = noDifference();
      const folderId = write(() => {
        const folderId = requireScan(scanId);
        if (end.complete) {
          const unreadable = new Set(end.unreadable.map(asDirectoryPath));
          const within = end.within && new Set(end.within.map(asDirectoryPath));
          const watched = openScans.get(folderId)?.watched;
          for (const { id, path } of unseen.all(folderId, scanId)) {
            if (isBelow(path, unreadable) || (within && !isBelow(path, within))) continue;
            for (const record of rows.inDirectory(id)) {
              if (!watched?.has(path + record.name)) vanish(diff, record);
            }
            dropIfEmpty.run(id, id);
          }
        }
        scanEnded.run(end.atMs, end.complete && !end.within ? 1 : 0, end.atMs, folderId);
        dropScans.run(folderId);
        return folderId;
      });
      openScans.delete(folderId);
      return diff;
    },

    observePaths: (folderId, observations) =>
      write(() => {
        if (folderExists.get(folderId) === undefined) throw noSuchFolder(folderId);
        const diff = noDifference();
        for (const observation of observations) {
          if (observation.kind === 'file') {
            observeFile(diff, folderId, observation.path, observation.file);
          } else if (observation.kind === 'gone') {
            openScans.get(folderId)?.watched.delete(observation.path);
            const record = rows.byPath(folderId, observation.path);
            if (record && !isGone(record.state)) vanish(diff, record);
          } else {
            const path = asDirectoryPath(observation.path);
            for (const id of subtree.all(folderId, path, path === '' ? '\u{10ffff}' : afterSubtree(path))) {
              for (const record of rows.inDirectory(id)) vanish(diff, record);
            }
          }
        }
        return diff;
      }),
  };
}

type Tally = { -readonly [K in keyof ObservationDiff]: ObservationDiff[K] };

const noDifference = (): Tally => ({ added: 0, changed: 0, unchanged: 0, gone: 0, bytesToUpload: 0 });

function inNameOrder(files: readonly ObservedFile[]): readonly ObservedFile[] {
  const isSorted = files.every((file, at) => at === 0 || files[at - 1]!.name <= file.name);
  return isSorted ? files : files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** At or below one of `directories` (paths with their trailing slash). */
function isBelow(path: string, directories: ReadonlySet<string>): boolean {
  if (directories.size === 0) return false;
  if (directories.has('')) return true;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    if (directories.has(path.slice(0, slash + 1))) return true;
  }
  return false;
}
