import { asRelativePath, type RelativePath } from './ids.ts';

declare const identityBrand: unique symbol;
/**
 * What makes a local file the same bytes as before: device, inode, size, mtime and ctime in nanoseconds, in one
 * comparable string. Two equal strings: not touched in between, as far as the file system tells.
 */
export type SourceIdentity = string & { readonly [identityBrand]: true };

export interface SourceStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Base 36 keeps the ledger's rows small: about 45 characters. */
export function sourceIdentity(stat: SourceStat): SourceIdentity {
  return [stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino, stat.dev]
    .map((field) => field.toString(36))
    .join('.') as SourceIdentity;
}

/**
 * The same file under another name, or in a directory that has another: size, mtime, inode and device are equal, and only the ctime, which a rename sets on most file systems,
 * may not be. A hint, never a proof: an inode can be used again.
 */
export function isMoved(before: SourceIdentity, now: SourceIdentity): boolean {
  const [size, mtime, , ino, dev] = before.split('.');
  const [size2, mtime2, , ino2, dev2] = now.split('.');
  return size === size2 && mtime === mtime2 && ino === ino2 && dev === dev2 && ino !== undefined && ino !== '0';
}

/** One file as the disk shows it now. `sizeBytes` ≤ 2^53. */
export interface ObservedFile {
  /** Last path segment, exactly as the file system spells it (no Unicode normalisation). */
  readonly name: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly identity: SourceIdentity;
}

/** The path of an entry of a directory. */
export const pathIn = (directory: RelativePath, name: string): RelativePath =>
  asRelativePath(directory === '' ? name : `${directory}/${name}`);

/** All regular files of one directory, complete: what is not listed is not there. */
export interface DirectoryListing {
  readonly directory: RelativePath;
  readonly files: readonly ObservedFile[];
  /** The same as one string, where it came from another thread as one: name and identity of each file, in name order, each followed by `/`. */
  readonly packed?: { readonly text: string; readonly count: number; readonly bytes: number };
}

/** One path that changed, as seen after it settled. */
export type PathObservation =
  | { readonly kind: 'file'; readonly path: RelativePath; readonly file: ObservedFile }
  | { readonly kind: 'gone'; readonly path: RelativePath }
  /** A directory is gone with all that was below it. */
  | { readonly kind: 'directory-gone'; readonly path: RelativePath };

/** Something on disk that can't or won't be uploaded; never a silent skip. */
export interface SourceProblem {
  readonly path: RelativePath;
  readonly code:
    | 'unreadable'
    | 'name-not-utf8'
    | 'key-too-long'
    | 'name-unsupported'
    | 'vanished'
    | 'directory-unreadable';
  readonly detail: string;
}

/** The root folder itself: an unmounted disk must not look like an empty folder. */
export interface RootIdentity {
  readonly dev: string;
  readonly ino: string;
}
