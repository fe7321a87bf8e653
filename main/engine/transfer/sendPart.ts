import { join } from 'node:path';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import type { PartPlacement } from '../endpointBook.ts';
import type { PartRow, UploadRow } from '../ledger/ledger.ts';
import { mayRefuseTrailer, refusedFeature } from '../plan/refusedFeature.ts';
import { partLength } from '../plan/resumePlan.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import type { CreatedUpload } from './partsAtStore.ts';
import type { SourceRange } from './sendProtocol.ts';
import { sendWithRetry } from './sendWithRetry.ts';
import type { UploadContext } from './uploadContext.ts';

/** One part, with its checksum behind it where the store is known to take that, or where this part is to find out; before it if that goes wrong. Throws SluiceError. */
export async function sendPart(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  partNumber: number,
  signal: AbortSignal,
): Promise<PartRow> {
  const { endpoint } = context;
  const part = endpoint.partPlacement();
  try {
    const { row, confirmed } = await sendAs(context, active, upload, partNumber, part, signal);
    if (endpoint.partStored(part, confirmed)) return row;
  } catch (error) {
    const view = errorView(error);
    const refused =
      part.placement === 'trailer' &&
      (part.explores
        ? mayRefuseTrailer(view)
        : refusedFeature(view, { condition: false, trailer: true }) === 'trailer');
    endpoint.partFailed(part, refused);
    if (!refused || signal.aborted) throw error;
  }
  const inHeader: PartPlacement = { placement: 'header', explores: false };
  const { row, confirmed } = await sendAs(context, active, upload, partNumber, inHeader, signal);
  endpoint.partStored(inHeader, confirmed);
  return row;
}

async function sendAs(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  partNumber: number,
  { placement, explores }: PartPlacement,
  signal: AbortSignal,
): Promise<{ readonly row: PartRow; readonly confirmed: boolean }> {
  const { algorithm, key, uploadId } = upload;
  const source = partSource(context, upload, active, partNumber);
  const result = await sendWithRetry(
    context,
    'large',
    {
      kind: 'part',
      ...{ store: context.storeKey, source, key, uploadId, partNumber, algorithm, placement },
      freshConnection: false,
    },
    {
      started: () => active.partStarted(partNumber),
      sent: (bytes) => active.partSent(partNumber, bytes),
      failed: () => active.partFailed(partNumber),
      route: explores ? null : active.route,
      // What an experiment meets says nothing of the store's health, and is no try.
      isExperiment: explores ? mayRefuseTrailer : undefined,
    },
    signal,
  );
  if (result.kind !== 'stored') throw new SluiceError('internal', 'A part was not sent');
  active.partFinished(partNumber, 'sent');
  const row = { partNumber, sizeBytes: source.length, etag: result.etag, checksum: result.checksum.value };
  return { row, confirmed: result.confirmed };
}

export const partSource = (
  { folder }: UploadContext,
  upload: UploadRow,
  { file }: ActiveTransfer,
  partNumber: number,
): SourceRange => ({
  path: join(folder.path, file.path),
  identity: upload.identity,
  offset: (partNumber - 1) * upload.partSizeBytes,
  length: partLength(upload, partNumber),
});
