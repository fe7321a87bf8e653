import { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { isMoved, type SourceIdentity } from '../../../shared/source.ts';
import { GiB, KiB, MiB } from '../../../shared/units.ts';
import type { CopyReach } from '../ledger/ledger.ts';

/** CopyObject's limit; beyond, the object is put together of copied parts. */
export const copyObjectLimitBytes = 5 * GiB;
/** Below it a copy of what is only alike saves nothing: the request costs what an upload does. */
const twinFromBytes = 64 * KiB;
/** From here on reading a file once more costs little beside sending it. */
const sameSizeFromBytes = 8 * MiB;

/**
 * How far to look for an object that holds the file's bytes already; null: not at all. A file that was proven with this size under its own name is compared with that proof
 * first, and by whoever sends it.
 */
export function copyReach(sizeBytes: number, provenSizeBytes: number | null): CopyReach | null {
  if (sizeBytes === 0 || provenSizeBytes === sizeBytes) return null;
  if (sizeBytes < twinFromBytes) return 'moved';
  return sizeBytes <= sameSizeFromBytes ? 'twin' : 'same-size';
}

/** What must be shown before the object counts as the file's bytes, the size being equal. */
export type CopyEvidence =
  /** The local bytes have the checksum that the server confirmed of the object. */
  | { readonly kind: 'checksum'; readonly algorithm: ChecksumAlgorithm; readonly value: string }
  /** The same, and their MD5 is the object's ETag: 32 bits alone don't tell strangers apart. */
  | {
      readonly kind: 'checksum-and-md5';
      readonly algorithm: 'crc32' | 'crc32c';
      readonly value: string;
      readonly md5: string;
    };

/**
 * null: nothing that could be computed here would show it. A CRC of 32 bits is enough where the file is by all signs the one that was uploaded (same inode, size, mtime), and not where it is
 * only alike: among millions of pairs of one size 32 bits collide, and somebody may make them.
 */
export function copyEvidence(
  now: SourceIdentity,
  candidate: { readonly identity: SourceIdentity; readonly etag: string; readonly checksum: string },
): CopyEvidence | null {
  const match = /^([^:]+):([^@-]+)$/.exec(candidate.checksum);
  const algorithm = ChecksumAlgorithm.safeParse(match?.[1]).data;
  if (!match || algorithm === undefined) return null;
  const value = match[2]!;
  if ((algorithm !== 'crc32' && algorithm !== 'crc32c') || isMoved(candidate.identity, now))
    return { kind: 'checksum', algorithm, value };
  const md5 = candidate.etag;
  return /^[0-9a-f]{32}$/.test(md5) ? { kind: 'checksum-and-md5', algorithm, value, md5 } : null;
}

/** What a failed copy means for the file. */
export function afterCopyFailure(code: string): 'upload' | 'upload-and-ask-no-more' | 'fail' {
  switch (code) {
    // The source vanished or changed, or the target was written meanwhile.
    case 'no-such-key':
    case 'precondition-failed':
    case 'conflict':
    case 'invalid-part':
      return 'upload';
    // Not for this key, or not at this store: an upload shows whether it may be written at all.
    case 'access-denied':
    case 'store-refused':
      return 'upload-and-ask-no-more';
    default:
      return 'fail';
  }
}
