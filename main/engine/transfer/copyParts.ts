import { errorView } from '../../../shared/errors.ts';
import type { PartRow } from '../ledger/ledger.ts';
import { afterCopyFailure } from '../plan/copySource.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { askStore } from './askStore.ts';
import { type ProvenSource, provenSource } from './copyInstead.ts';
import type { CreatedUpload } from './partsAtStore.ts';
import { partSource } from './sendPart.ts';
import type { UploadContext } from './uploadContext.ts';

export interface PartCopier {
  /** One part as a copy of the same range of another object; null: it has to be sent. */
  copy(partNumber: number, signal: AbortSignal): Promise<PartRow | null>;
  /** Parts that came about so. */
  readonly copied: number;
}

/**
 * How the parts of a file too large for CopyObject are copied: with the upload's own frozen plan, so that what was copied before a kill is found like what was sent. Each part's
 * checksum is that of the local bytes, so CompleteMultipartUpload, which is told them all, refuses anything else.
 */
export async function partCopier(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  signal: AbortSignal,
): Promise<PartCopier> {
  let source: ProvenSource | null = null;
  if (upload.sizeBytes > context.copying.objectLimitBytes)
    source = await provenSource(context, 'large', active, signal);
  let copied = 0;
  const copy: PartCopier['copy'] = async (partNumber, within) => {
    if (source === null) return null;
    const release = await context.slots.wait('large', context.folder.id, within);
    try {
      within.throwIfAborted();
      const row = await copyPart(context, active, upload, source, partNumber, within);
      if (row === null) active.partFailed(partNumber);
      else copied++;
      return row;
    } catch (error) {
      const next = afterCopyFailure(errorView(error).code);
      if (next === 'fail') throw error;
      if (next === 'upload-and-ask-no-more') context.copying.refused = true;
      // What failed for one part fails for the others.
      source = null;
      active.partFailed(partNumber);
      return null;
    } finally {
      release();
    }
  };
  return {
    copy,
    get copied() {
      return copied;
    },
  };
}

async function copyPart(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  source: ProvenSource,
  partNumber: number,
  signal: AbortSignal,
): Promise<PartRow | null> {
  const { store, pool } = context;
  const { key, uploadId, algorithm } = upload;
  const range = partSource(context, upload, active, partNumber);
  active.partStarted(partNumber);
  const handle = pool.send({ kind: 'digest', source: range, algorithm });
  signal.addEventListener('abort', handle.cancel, { once: true });
  const local = await handle.result.finally(() => signal.removeEventListener('abort', handle.cancel));
  const { etag, checksum } = await askStore(context, () =>
    store.uploadPartCopy({
      ...{ source, key, uploadId, partNumber },
      first: range.offset,
      last: range.offset + range.length - 1,
    }),
  );
  if (checksum !== null && checksum.algorithm === algorithm && checksum.value !== local.checksum.value) return null;
  active.partFinished(partNumber, 'sent');
  return { partNumber, sizeBytes: range.length, etag, checksum: local.checksum.value };
}
