import { SluiceError } from '../../../shared/errors.ts';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { ObservedFile, PathObservation, RootIdentity, SourceProblem } from '../../../shared/source.ts';
import { IgnoreRules } from './ignoreRules.ts';
import { listDirectory } from './listDirectory.ts';
import { rootError, rootIdentitySync, sameRoot } from './rootIdentity.ts';

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

/**
 * Walks the tree, blocking, depth first in name order, without recursion; holds the open directories' names, never the tree. Mount points are crossed, links are not
 * followed. Returns the root's identity, unchanged from first to last piece. Throws `folder-missing`, `folder-unreadable`, `not-a-folder`, `root-changed`.
 */
export function* scanTree(options: {
  readonly root: string;
  readonly rules: FolderRules;
  readonly keyPrefix: string;
}): Generator<ScanPiece, RootIdentity> {
  const root = options.root.replace(/\/+$/, '');
  const identity = rootIdentitySync(options.root);
  const pending: { directory: RelativePath; rules: IgnoreRules }[] = [
    { directory: asRelativePath(''), rules: IgnoreRules.forFolder(options.rules) },
  ];
  let piece = newPiece();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
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
      for (let from = 0; from === 0 || from < listing.files.length; ) {
        const files = listing.files.slice(from, from + Math.max(1, pieceEntries - piece.entries));
        from += Math.max(1, files.length);
        addFiles(piece, directory, files, listing.complete, from >= listing.files.length);
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
  yield checked(piece, options.root, identity);
  return identity;
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
