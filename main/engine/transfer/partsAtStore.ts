import type { S3UploadId } from '../../../shared/ids.ts';
import type { UploadRow } from '../ledger/ledger.ts';
import type { PartAtStore } from '../plan/resumePlan.ts';
import type { ListedPart } from '../store/store.ts';
import { askStore } from './askStore.ts';
import type { UploadContext } from './uploadContext.ts';

export type CreatedUpload = UploadRow & { readonly uploadId: S3UploadId };

/** Throws `no-such-upload`. */
export async function partsAtStore(context: UploadContext, upload: CreatedUpload): Promise<PartAtStore[]> {
  return askStore(context, async () => {
    const listed: PartAtStore[] = [];
    for await (const part of context.store.listParts({ key: upload.key, uploadId: upload.uploadId }))
      listed.push(atStore(part, upload));
    return listed;
  });
}

const atStore = ({ partNumber, sizeBytes, etag, checksum }: ListedPart, { algorithm }: UploadRow): PartAtStore => ({
  partNumber,
  sizeBytes,
  etag,
  checksum: checksum?.algorithm === algorithm ? checksum.value : null,
});
