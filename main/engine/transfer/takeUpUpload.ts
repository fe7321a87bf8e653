import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorView } from '../../../shared/errors.ts';
import { asObjectKey, asUploadToken, type ObjectKey, type S3UploadId } from '../../../shared/ids.ts';
import type { UploadRow } from '../ledger/ledger.ts';
import type { PartPlan } from '../plan/partPlan.ts';
import { refusedFeature } from '../plan/refusedFeature.ts';
import type { PartAtStore } from '../plan/resumePlan.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import { partChecksumFor } from '../store/capabilities.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { askStore } from './askStore.ts';
import { learnRefused } from './learnRefused.ts';
import { hasNativeChecksums } from './nativeChecksums.ts';
import { sourceOf } from './originOf.ts';
import { type CreatedUpload, partsAtStore } from './partsAtStore.ts';
import { type Confirmed, reconcile } from './reconcileUpload.ts';
import type { UploadContext } from './uploadContext.ts';

export type TakenUp =
  | { readonly kind: 'resume'; readonly upload: CreatedUpload; readonly listed: readonly PartAtStore[] }
  /** Complete went through and its answer was lost. */
  | { readonly kind: 'stored'; readonly upload: CreatedUpload; readonly confirmed: Confirmed }
  | { readonly kind: 'none' };

/** The upload of this file that the ledger has open, as far as S3 still has it. */
export async function takeUpUpload(context: UploadContext, active: ActiveTransfer): Promise<TakenUp> {
  const { ledger } = context;
  const upload = ledger.openUpload(active.file.id);
  if (!upload) return { kind: 'none' };
  if (!isCreated(upload) || upload.identity !== active.file.identity || upload.key !== active.key) {
    ledger.abandonUpload(upload.id);
    return { kind: 'none' };
  }
  try {
    return { kind: 'resume', upload, listed: await partsAtStore(context, upload) };
  } catch (error) {
    if (errorView(error).code !== 'no-such-upload') throw error;
  }
  const confirmed = await reconcile(context, upload, null);
  if (confirmed) return { kind: 'stored', upload, confirmed };
  ledger.uploadGone(upload.id);
  return { kind: 'none' };
}

/**
 * Intended in the ledger before S3 is asked, so that an upload whose answer is lost is found by the sweep: each try for itself, since each may have made one. (The SDK's own
 * retry would leave what the earlier ones made to nobody.)
 */
export async function createUpload(
  context: UploadContext,
  active: ActiveTransfer,
  plan: PartPlan,
  tries = 1,
): Promise<CreatedUpload> {
  const { ledger, store, folder, clock, random, settings, endpoint, origin, metrics } = context;
  const { file } = active;
  const capabilities = endpoint.capabilities();
  const algorithm = partChecksumFor(settings().checksum, capabilities, { hasNativeCrc32c: hasNativeChecksums() });
  const checksumType = capabilities.fullObject.includes(algorithm) ? 'full-object' : 'composite';
  const key: ObjectKey = asObjectKey(active.key);
  const token = asUploadToken(randomUUID());
  const upload = ledger.intendUpload({
    fileId: file.id,
    folderId: folder.id,
    key,
    token,
    identity: file.identity,
    sizeBytes: file.sizeBytes,
    partSizeBytes: plan.partSizeBytes,
    partCount: plan.partCount,
    algorithm,
    intendedAt: clock.now(),
  });
  const { mtimeMs, sizeBytes, identity } = file;
  const metadata = { token, origin, mtimeMs, sizeBytes, source: sourceOf(identity) };
  let uploadId: S3UploadId;
  try {
    const ask = (): Promise<S3UploadId> =>
      store.createMultipartUpload({ key, algorithm, checksumType, policy: folder.objects, metadata });
    // The breaker hears of the last try only, as of the SDK's requests.
    uploadId = await (tries < createTries ? ask() : askStore(context, ask));
  } catch (error) {
    const view = errorView(error);
    const refused = refusedFeature(view, { condition: false, trailer: false });
    if (refused === 'checksum' && learnRefused(context, algorithm)) {
      ledger.uploadGone(upload.id);
      return createUpload(context, active, plan, tries);
    }
    if (!view.retryable || tries >= createTries) throw error;
    metrics.counts.retries++;
    active.retries++;
    await sleep(retryDelayMs(tries - 1, backoffs.part, random(), view.retryAfterMs));
    return createUpload(context, active, plan, tries + 1);
  }
  try {
    ledger.uploadCreated(upload.id, uploadId);
  } catch (error) {
    // The file went away meanwhile and its row with it: nobody else knows of this upload.
    await store.abortMultipartUpload({ key, uploadId });
    throw error;
  }
  return { ...upload, uploadId };
}

const createTries = 3;

const isCreated = (upload: UploadRow): upload is CreatedUpload => upload.uploadId !== null;
