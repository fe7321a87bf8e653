import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import type { SourceIdentity } from '../../../shared/source.ts';

/** What the object says of the file that it was read from. */
export interface RememberedObject {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
  readonly checksumType: 'full-object' | 'composite' | null;
  readonly origin: string | null;
  readonly source?: string | null;
}

/** The file as it is now. */
export interface FileNow {
  readonly identity: SourceIdentity;
  readonly sizeBytes: number;
  /** As an upload of it would write them. */
  readonly origin: string;
  readonly source: string;
}

export type RebuiltProof =
  /** The object was read from this very file, which nobody has touched since: what the lost ledger knew. */
  | { readonly kind: 'proven'; readonly identity: SourceIdentity; readonly checksum: string }
  /** This folder wrote it, from the file as it was once: the next pass reads the file, and sends it only if its bytes differ. */
  | { readonly kind: 'compare'; readonly identity: SourceIdentity; readonly checksum: string }
  /** Ours, but nothing is kept that a file could be compared with from here. The next pass looks at it before it writes. */
  | { readonly kind: 'look' }
  /** Another folder's, another machine's, or written by something else. */
  | { readonly kind: 'foreign' };

/** No file has it: a proof of a file as it was, which can't be the file as it is. */
export const forgottenIdentity = 'forgotten' as SourceIdentity;

/**
 * What a ledger made anew may believe. Size and time alone prove nothing: both survive an edit by somebody who sets the time back. `partSizeBytes`: of an
 * object whose checksum is a composite. Pure.
 */
export function rebuiltProof(object: RememberedObject, file: FileNow, partSizeBytes: number | null): RebuiltProof {
  if (object.origin !== file.origin) return { kind: 'foreign' };
  const { checksum } = object;
  const isComposite = object.checksumType === 'composite';
  if (checksum === null || (isComposite && partSizeBytes === null)) return { kind: 'look' };
  const text = `${checksum.algorithm}:${checksum.value}${isComposite ? `@${partSizeBytes}` : ''}`;
  if (object.source === file.source && object.sizeBytes === file.sizeBytes)
    return { kind: 'proven', identity: file.identity, checksum: text };
  return isComposite ? { kind: 'look' } : { kind: 'compare', identity: forgottenIdentity, checksum: text };
}
