import { SluiceError } from '../../../shared/errors.ts';
import type { Proof } from '../ledger/ledger.ts';
import type { Checksum, StoredObject } from '../store/store.ts';
import { askStore } from './askStore.ts';
import type { CreatedUpload } from './partsAtStore.ts';
import { checksumText, isComposite, type UploadContext } from './uploadContext.ts';

export interface Confirmed {
  readonly proof: Proof;
  readonly sse: string | null;
}

export interface Expected {
  readonly stored: StoredObject | null;
  /** Of the whole object and of the parts' checksums: stores keep one or the other. */
  readonly values: readonly string[];
}

/**
 * Asks the bucket what it holds. null: not this upload's object. Throws `checksum-mismatch` when it is ours and wrong.
 * `expected` null (resumed after a crash): the server had checked the whole object's checksum at Complete.
 */
export async function reconcile(
  context: UploadContext,
  upload: CreatedUpload,
  expected: Expected | null,
): Promise<Confirmed | null> {
  const { store, clock } = context;
  const head = await askStore(context, () => store.headObject(upload.key));
  if (head?.token !== upload.token) return null;
  const said: Checksum | null = head.checksum ?? expected?.stored?.checksum ?? null;
  const checksum = said?.algorithm === upload.algorithm ? said : null;
  const wrong =
    head.sizeBytes !== upload.sizeBytes ||
    (checksum !== null && expected !== null && !expected.values.includes(checksum.value));
  if (wrong)
    throw new SluiceError('checksum-mismatch', 'The object in the bucket is not what was sent', { retryable: true });
  const proof: Proof = {
    identity: upload.identity,
    sizeBytes: upload.sizeBytes,
    etag: head.etag,
    checksum:
      checksum === null ? null : checksumText(checksum, isComposite(checksum.value) ? upload.partSizeBytes : undefined),
    provenAt: clock.now(),
  };
  return { proof, sse: head.sse };
}
