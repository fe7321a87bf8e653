import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { asObjectKey, asUploadToken } from '../../../shared/ids.ts';
import type { Lane } from '../ledger/ledger.ts';
import type { Checksum } from '../store/store.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { checksumAlgorithm } from './checksumAlgorithm.ts';
import { sendWithRetry } from './sendWithRetry.ts';
import type { Release } from './slots.ts';
import { checksumText, type UploadContext, type Uploaded } from './uploadContext.ts';

/** One file as one PutObject. Throws SluiceError when it isn't in the bucket. */
export async function putFile(
  context: UploadContext,
  lane: Lane,
  active: ActiveTransfer,
  signal: AbortSignal,
  slot?: Release,
): Promise<Uploaded> {
  const { folder, storeKey, clock, settings } = context;
  const { file } = active;
  const { sizeBytes, identity } = file;
  const algorithm = checksumAlgorithm(settings().checksum);
  const result = await sendWithRetry(
    context,
    lane,
    {
      kind: 'put',
      store: storeKey,
      source: { path: join(folder.path, file.path), identity, offset: 0, length: sizeBytes },
      key: asObjectKey(active.key),
      algorithm,
      policy: folder.objects,
      metadata: { token: asUploadToken(randomUUID()), mtimeMs: file.mtimeMs, sizeBytes },
      provenChecksum: file.proof?.sizeBytes === sizeBytes ? file.proof.checksum : null,
    },
    {
      started: () => active.partStarted(1),
      sent: (bytes) => active.partSent(1, bytes),
      failed: () => active.partFailed(1),
    },
    signal,
    slot,
  );
  active.partFinished(1, 'sent');
  if (result.kind === 'unchanged') {
    const etag = file.proof?.etag ?? '';
    const proof = { identity, sizeBytes, etag, checksum: checksumText(result.checksum), provenAt: clock.now() };
    return { proof, action: 'skip', parts: 0, recorded: false };
  }
  const confirmed = result.confirmed || (await headConfirms(context, active, result.checksum));
  const checksum = confirmed ? checksumText(result.checksum) : null;
  return {
    proof: { identity, sizeBytes, etag: result.etag, checksum, provenAt: clock.now() },
    action: 'put',
    parts: 1,
    recorded: false,
  };
}

/** For stores whose PutObject doesn't repeat the checksum: asked for once more by HeadObject. */
async function headConfirms(
  { pool, storeKey }: UploadContext,
  active: ActiveTransfer,
  ours: Checksum,
): Promise<boolean> {
  active.phase = 'verifying';
  const { head } = await pool.send({ kind: 'head', store: storeKey, key: asObjectKey(active.key) }).result;
  return (
    head?.checksum?.algorithm === ours.algorithm &&
    head.checksum.value === ours.value &&
    head.sizeBytes === active.file.sizeBytes
  );
}
