import type { ErrorView } from '../../../shared/errors.ts';
import type { RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { RootIdentity } from '../../../shared/source.ts';
import type { PackedFiles } from './packedListing.ts';
import type { ScanPiece } from './scanTree.ts';
import type { ShareEnds } from './treeShare.ts';

/** What a scan's thread is told, once. */
export interface ScanStart {
  readonly root: string;
  readonly rules: FolderRules;
  readonly keyPrefix: string;
  /** Where it begins; empty: with what the other thread gives it. */
  readonly from: readonly RelativePath[];
  /** One shared number: the pieces of this thread that were consumed. It blocks on it when too many are under way. */
  readonly taken: Int32Array<SharedArrayBuffer>;
  readonly share: ShareEnds;
}

export interface SentPiece extends Omit<ScanPiece, 'listings'> {
  readonly listings: readonly {
    readonly directory: RelativePath;
    readonly files: PackedFiles;
    readonly last: boolean;
  }[];
}

export type ScanWorkerMessage =
  | { readonly kind: 'piece'; readonly piece: SentPiece }
  | { readonly kind: 'finished'; readonly root: RootIdentity }
  | { readonly kind: 'failed'; readonly error: ErrorView };

/**
 * Pieces sent but not yet consumed, at most, of each thread: enough to keep all threads busy, and to read on while the store is asked whether the bucket is there; too few to need
 * memory (about 100 KB each).
 */
export const outstandingPieces = 3;
