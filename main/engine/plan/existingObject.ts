import type { ChecksumAlgorithm } from '../../../shared/settings.ts';

/** What HEAD says of the object that a write met. */
export interface ExistingObject {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
  readonly checksumType: 'full-object' | 'composite' | null;
  readonly token: string | null;
  readonly origin: string | null;
  /** `AES256`, `aws:kms`…; null: none is said. */
  readonly sse: string | null;
}

/** What this attempt would write. */
export interface WantedObject {
  readonly sizeBytes: number;
  /** Of this very attempt: the same for all its tries. */
  readonly token: string;
  /** Of this folder. */
  readonly origin: string;
  /** The folder's rule for objects that it didn't write. */
  readonly foreign: 'keep' | 'overwrite';
}

/** How the bytes on disk can be held against the object without fetching it: by what the store keeps of it. */
export type Comparison =
  | { readonly kind: 'checksum'; readonly algorithm: ChecksumAlgorithm; readonly value: string }
  /** The ETag of an object that was put in one piece and isn't encrypted with a key of KMS is its MD5, in hex. */
  | { readonly kind: 'md5'; readonly hex: string };

/** null: it can't be the same (another size), or nothing comparable is kept. Pure. */
export function comparisonWith(existing: ExistingObject, wanted: Pick<WantedObject, 'sizeBytes'>): Comparison | null {
  if (existing.sizeBytes !== wanted.sizeBytes) return null;
  if (existing.checksum !== null && existing.checksumType === 'full-object')
    return { kind: 'checksum', ...existing.checksum };
  const isMd5 = /^[0-9a-f]{32}$/i.test(existing.etag) && !(existing.sse ?? '').startsWith('aws:kms');
  return isMd5 ? { kind: 'md5', hex: existing.etag.toLowerCase() } : null;
}

export type MetObject =
  /** It went away again: written as if it had never been. */
  | { readonly kind: 'absent' }
  /** This attempt's own: an answer was lost. */
  | { readonly kind: 'stored' }
  /** Somebody's, with the same bytes. */
  | { readonly kind: 'adopt' }
  /** This folder's by an earlier ledger, or somebody's whom we may overwrite: only while it is still the one that was seen. */
  | { readonly kind: 'overwrite'; readonly etag: string }
  | { readonly kind: 'foreign' };

/**
 * What to do about an object that is there although the write's condition says it must not be. `isSame`: the bytes on disk are those of the object, by `comparisonWith`.
 * Pure; what is somebody else's is never overwritten unless the folder says so.
 */
export function metObject(existing: ExistingObject | null, wanted: WantedObject, isSame: boolean): MetObject {
  if (existing === null) return { kind: 'absent' };
  if (existing.token === wanted.token && existing.sizeBytes === wanted.sizeBytes) return { kind: 'stored' };
  if (isSame) return { kind: 'adopt' };
  if (existing.origin === wanted.origin || wanted.foreign === 'overwrite')
    return { kind: 'overwrite', etag: existing.etag };
  return { kind: 'foreign' };
}
