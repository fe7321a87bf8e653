import { SluiceError } from '../../../shared/errors.ts';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { ObservedFile, PathObservation, RootIdentity, SourceProblem } from '../../../shared/source.ts';
import { FolderIgnore } from './folderIgnore.ts';
import type { IgnoreRules } from './ignoreRules.ts';
import { listDirectory } from './listDirectory.ts';
import { rootError, rootIdentitySync, sameRoot } from './rootIdentity.ts';
import type { TreeShare } from './treeShare.ts';

/** A batch on its way between threads: a large directory's listing comes in pieces, so that no thread stops for long. */
export interface ScanPiece {
  readonly root: RootIdentity;
  readonly listings: readonly {
    readonly directory: RelativePath;
    readonly files: readonly ObservedFile[];
    readonly last: boolean;
  }[];
  readonly observations: readonly PathObservation[];
  readonly problems: readonly SourceProblem[];
  readonly unreadable: readonly RelativePath[];
  readonly excluded: number;
  readonly skippedLinks: number;
  readonly skippedSpecial: number;
}

/** Entries a piece holds at most, and how old it may get before it is handed on. */
const pieceEntries = 1_000;
const pieceMs = 50;

export interface ScanTreeOptions {
  readonly root: string;
  readonly rules: FolderRules;
  readonly keyPrefix: string;
  /** Where to begin; the root unless given. Those left out by rules, or not there, are passed over. */
  readonly from?: readonly RelativePath[];
  /** With another walker of the same tree: parts of it go to whoever has nothing left to do, so that names are in order only part by part. */
  readonly share?: TreeShare;
}

/**
 * Walks the tree, blocking, depth first in name order, without recursion; holds the open directories' names, never the tree. Mount points are crossed, links are not
 * followed. Returns the root's identity, unchanged from first to last piece. Throws `folder-missing`, `folder-unreadable`, `not-a-folder`, `root-changed`.
 */
export function* scanTree(options: ScanTreeOptions): Generator<ScanPiece, RootIdentity> {
  const { share, from = [asRelativePath('')] } = options;
  const root = options.root.replace(/\/+$/, '');
  const identity = rootIdentitySync(options.root);
  const ignore = new FolderIgnore(root, options.rules);
  const pending: { directory: RelativePath; rules: IgnoreRules }[] = [];
  const begin = (directories: readonly RelativePath[]): void => {
    for (const directory of directories) {
      const rules = ignore.rulesAbove(directory);
      if (rules !== null) pending.push({ directory, rules });
    }
  };
  begin(from.toReversed());
  let piece = newPiece();
  for (;;) {
    const next = pending.pop();
    if (next === undefined) {
      yield checked(piece, options.root, identity);
      piece = newPiece();
      const more = share?.take() ?? null;
      if (more === null) return identity;
      begin(more);
      continue;
    }
    if (share?.isWanted() && pending.length > 0)
      share.give(pending.splice(0, Math.ceil(pending.length / 2)).map(({ directory }) => directory));
    const { directory } = next;
    const listing = listDirectory(root, directory, next.rules, options.keyPrefix);
    if (listing.kind === 'unreadable') {
      if (directory === '')
        throw rootError(options.root, Object.assign(new Error(listing.problem.detail), { code: listing.code }));
      piece.unreadable.push(directory);
      piece.problems.push(listing.problem);
    } else if (listing.kind === 'listed') {
      for (const problem of listing.problems) piece.problems.push(problem);
      piece.excluded += listing.excluded;
      piece.skippedLinks += listing.skippedLinks;
      piece.skippedSpecial += listing.skippedSpecial;
      if (!listing.complete) piece.unreadable.push(directory);
      for (let at = 0; at === 0 || at < listing.files.length; ) {
        const files = listing.files.slice(at, at + Math.max(1, pieceEntries - piece.entries));
        at += Math.max(1, files.length);
        addFiles(piece, directory, files, listing.complete, at >= listing.files.length);
        if (piece.entries >= pieceEntries) {
          yield checked(piece, options.root, identity);
          piece = newPiece();
        }
      }
      for (let at = listing.directories.length - 1; at >= 0; at--)
        pending.push({ directory: listing.directories[at]!, rules: listing.rules });
    }
    if (piece.entries + piece.problems.length >= pieceEntries || performance.now() - piece.startedAt >= pieceMs) {
      yield checked(piece, options.root, identity);
      piece = newPiece();
    }
  }
}

function newPiece() {
  return {
    listings: [] as { directory: RelativePath; files: readonly ObservedFile[]; last: boolean }[],
    observations: [] as PathObservation[],
    problems: [] as SourceProblem[],
    unreadable: [] as RelativePath[],
    excluded: 0,
    skippedLinks: 0,
    skippedSpecial: 0,
    entries: 0,
    startedAt: performance.now(),
  };
}

/** What could not be listed completely is observed file by file: a listing would say that the rest is gone. */
function addFiles(
  piece: ReturnType<typeof newPiece>,
  directory: RelativePath,
  files: readonly ObservedFile[],
  complete: boolean,
  last: boolean,
): void {
  piece.entries += 1 + files.length;
  if (complete) piece.listings.push({ directory, files, last });
  else {
    const base = directory === '' ? '' : `${directory}/`;
    for (const file of files) piece.observations.push({ kind: 'file', path: asRelativePath(base + file.name), file });
  }
}

/** A disk unmounted or swapped during the scan must not look like an empty one: what was read since the last check is not handed on. */
function checked(piece: ReturnType<typeof newPiece>, root: string, identity: RootIdentity): ScanPiece {
  if (!sameRoot(rootIdentitySync(root), identity)) {
    throw new SluiceError('root-changed', `Another folder took the place of ${root} during the scan.`, { path: root });
  }
  const { entries: _entries, startedAt: _startedAt, ...handedOn } = piece;
  return { root: identity, ...handedOn };
}
