import type { ErrorView } from '../../../shared/errors.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { RootIdentity } from '../../../shared/source.ts';
import type { ScanPiece } from './scanTree.ts';

/** What a scan's thread is told, once. */
export interface ScanStart {
  readonly root: string;
  readonly rules: FolderRules;
  readonly keyPrefix: string;
  /** One shared number: the pieces that were consumed. The worker blocks on it when too many are under way. */
  readonly taken: Int32Array<SharedArrayBuffer>;
}

export type ScanWorkerMessage =
  | { readonly kind: 'piece'; readonly piece: ScanPiece }
  | { readonly kind: 'finished'; readonly root: RootIdentity }
  | { readonly kind: 'failed'; readonly error: ErrorView };

/**
 * Pieces sent but not yet consumed, at most: enough to keep both threads busy, and to read on while the store is asked whether the bucket is there; too few to need
 * memory (about 200 KB each).
 */
export const outstandingPieces = 4;
