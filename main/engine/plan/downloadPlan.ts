import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { MiB } from '../../../shared/units.ts';

/** Up to here an object comes in one piece. */
export const singleGetBytes = 16 * MiB;
const rangeBytes = 32 * MiB;
/** A part larger than this is too much to lose to a broken connection: ranges are fetched instead, where the checksum allows it. */
const largestPartBytes = 128 * MiB;

/** What an object can be held against once its bytes are here. */
export type Proving =
  | { readonly kind: 'full'; readonly algorithm: ChecksumAlgorithm; readonly value: string }
  /** `base64-N` over the parts' own. */
  | { readonly kind: 'composite'; readonly algorithm: ChecksumAlgorithm; readonly value: string }
  /** The ETag of an object put in one piece, not encrypted with a key of KMS. */
  | { readonly kind: 'md5'; readonly hex: string }
  /** The store keeps nothing comparable: it will be said. */
  | { readonly kind: 'none' };

export interface DownloadHead {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
  readonly checksumType: 'full-object' | 'composite' | null;
  readonly sse: string | null;
}

export function provingOf(head: DownloadHead): Proving {
  if (head.checksum !== null)
    return { kind: head.checksumType === 'composite' ? 'composite' : 'full', ...head.checksum };
  const isMd5 = /^[0-9a-f]{32}$/i.test(head.etag) && !(head.sse ?? '').startsWith('aws:kms');
  return isMd5 ? { kind: 'md5', hex: head.etag.toLowerCase() } : { kind: 'none' };
}

/** Numbered from 1, in order; where a part begins is only known when it comes. */
export type PlannedSlice =
  | { readonly number: number; readonly kind: 'range'; readonly offset: number; readonly length: number }
  | { readonly number: number; readonly kind: 'part' };

/**
 * How a large object is fetched: part by part where it was uploaded in parts, because each then has a checksum of its own and a composite can't be proved
 * otherwise; else in ranges. Pure.
 */
export function downloadSlices(
  sizeBytes: number,
  proving: Proving,
  layout: { readonly partCount: number; readonly firstPartBytes: number } | null,
): readonly PlannedSlice[] {
  if (layout !== null && (proving.kind === 'composite' || layout.firstPartBytes <= largestPartBytes))
    return Array.from({ length: layout.partCount }, (_, at) => ({ number: at + 1, kind: 'part' }));
  const count = Math.max(1, Math.ceil(sizeBytes / rangeBytes));
  return Array.from({ length: count }, (_, at) => {
    const offset = at * rangeBytes;
    return { number: at + 1, kind: 'range', offset, length: Math.min(rangeBytes, sizeBytes - offset) };
  });
}
