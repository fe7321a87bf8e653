import { setTimeout as sleep } from 'node:timers/promises';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import type { PartRow } from '../ledger/ledger.ts';
import { partMayRetry } from '../plan/afterFailure.ts';
import { refusedFeature } from '../plan/refusedFeature.ts';
import { listedAgain } from '../plan/resumePlan.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import type { WriteCondition } from '../store/store.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { askStore } from './askStore.ts';
import { combineChecksums, compositeChecksum } from './combineChecksums.ts';
import { mayHaveMet } from './mayHaveMet.ts';
import { meetExisting } from './meetExisting.ts';
import { type CreatedUpload, partsAtStore } from './partsAtStore.ts';
import { type Confirmed, type Expected, reconcile } from './reconcileUpload.ts';
import type { UploadContext, Uploaded } from './uploadContext.ts';

export type Completed =
  | { readonly kind: 'stored'; readonly confirmed: Confirmed }
  /** The bucket had the same bytes already: the upload isn't needed. */
  | { readonly kind: 'needless'; readonly uploaded: Uploaded };

const mostMeetings = 4;

/**
 * CompleteMultipartUpload, until the bucket is seen to hold this upload's object: whatever answer is lost, the token in its metadata tells. Throws `foreign-object` when somebody
 * else's is there, `conflict` and `invalid-part` when the upload has to be started over, and the store's errors.
 */
export async function completeUpload(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  sent: readonly PartRow[],
  wanted: WriteCondition,
  signal: AbortSignal,
): Promise<Completed> {
  const { store, random, metrics, endpoint } = context;
  const { algorithm, key, uploadId, sizeBytes } = upload;
  const sums = sent.map((part) => ({ length: part.sizeBytes, value: part.checksum }));
  const whole = combineChecksums(algorithm, sums);
  const expected: Expected = { stored: null, values: [whole.value, compositeChecksum(algorithm, sums).value] };
  let parts = sent;
  let met = wanted;
  let meetings = 0;
  for (let tries = 1; ; tries++) {
    active.phase = 'completing';
    const { conditionalComplete, fullObject, objectSizeAtComplete } = endpoint.capabilities();
    const condition: WriteCondition = conditionalComplete ? met : { kind: 'none' };
    try {
      const stored = await askStore(context, () =>
        store.completeMultipartUpload({
          key,
          uploadId,
          sizeBytes: objectSizeAtComplete ? sizeBytes : null,
          parts: parts.map(({ partNumber, etag, checksum }) => ({
            partNumber,
            etag,
            checksum: { algorithm, value: checksum },
          })),
          checksum: fullObject.includes(algorithm) ? whole : null,
          condition,
        }),
      );
      active.phase = 'verifying';
      const confirmed = await reconcile(context, upload, { ...expected, stored });
      if (confirmed) return { kind: 'stored', confirmed };
      throw new SluiceError('no-such-key', 'The store said the upload was complete, but has no such object', {
        retryable: true,
      });
    } catch (error) {
      const view = errorView(error);
      if (mayHaveMet(view, condition) && view.operation === 'CompleteMultipartUpload' && meetings++ < mostMeetings) {
        // The SDK tries by itself: the object that is there may be what its first try made.
        const own = await reconcile(context, upload, expected);
        if (own) return { kind: 'stored', confirmed: own };
        const meeting = await meetExisting(context, active, {
          lane: 'large',
          look: () => store.headObject(key),
          token: upload.token,
          signal,
          known: whole,
        });
        if (meeting.kind === 'uploaded') return { kind: 'needless', uploaded: meeting.uploaded };
        met = meeting.condition;
        continue;
      }
      if (refusedFeature(view, { condition: condition.kind !== 'none', trailer: false }) === 'condition') {
        endpoint.learn({ conditionalComplete: false });
        continue;
      }
      if (view.code === 'no-such-upload') {
        // An earlier Complete may have gone through without its answer reaching us.
        const confirmed = await reconcile(context, upload, expected);
        if (confirmed) return { kind: 'stored', confirmed };
        throw error;
      }
      if (view.code === 'invalid-part' && parts === sent) {
        // The twin of a part that was sent twice may have come in last, with the same bytes and another ETag.
        const listed = listedAgain(upload, sent, await partsAtStore(context, upload));
        if (listed === null) throw error;
        parts = listed;
        continue;
      }
      if (view.code === 'conflict' || view.code === 'checksum-mismatch' || !partMayRetry(view, tries)) throw error;
      metrics.counts.retries++;
      active.retries++;
      await sleep(retryDelayMs(tries, backoffs.part, random(), view.retryAfterMs), undefined, { signal });
    }
  }
}
