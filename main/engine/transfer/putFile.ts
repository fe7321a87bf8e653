import { hash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import { asObjectKey, asUploadToken } from '../../../shared/ids.ts';
import type { Lane, QueuedFile } from '../ledger/ledger.ts';
import { refusedFeature } from '../plan/refusedFeature.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import { checksumFor } from '../store/capabilities.ts';
import type { Checksum, ObjectHead, WriteCondition } from '../store/store.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { askStore } from './askStore.ts';
import { learnRefused } from './learnRefused.ts';
import { type MayMeet, mayHaveMet } from './mayHaveMet.ts';
import { meetExisting } from './meetExisting.ts';
import { sourceOf } from './originOf.ts';
import { sleep } from './requestRate.ts';
import { sendWithRetry } from './sendWithRetry.ts';
import type { Release } from './slots.ts';
import { checksumText, type UploadContext, type Uploaded } from './uploadContext.ts';
import { writeCondition } from './writeCondition.ts';

/** An object that changes while it is looked at is looked at again, not for ever. */
const mostMeetings = 4;

/** One file as one PutObject, on condition that it overwrites nothing but what it knows. Throws SluiceError when it isn't in the bucket; `foreign-object` when it is somebody else's. */
export async function putFile(
  context: UploadContext,
  lane: Lane,
  active: ActiveTransfer,
  signal: AbortSignal,
  slot?: Release,
): Promise<Uploaded> {
  const { endpoint } = context;
  const { file } = active;
  const token = tokenOf(file);
  active.route ??= (await context.acceleration?.routeFor(file.sizeBytes, signal)) ?? null;
  let firstSlot = slot;
  let met: WriteCondition | null = null;
  for (let meetings = 0; ; ) {
    const capabilities = endpoint.capabilities();
    const condition = capabilities.conditionalPut
      ? (met ?? writeCondition(file, true))
      : ({ kind: 'none' } satisfies WriteCondition);
    const asked: MayMeet = { condition, placement: endpoint.placement() };
    const algorithm = checksumFor(context.settings().checksum, capabilities);
    try {
      return await putOnce(context, lane, active, signal, { ...asked, token, algorithm, slot: firstSlot });
    } catch (error) {
      firstSlot = undefined;
      const view = errorView(error);
      if (mayHaveMet(view, condition) && meetings++ < mostMeetings) {
        const meeting = await meetExisting(context, active, {
          lane,
          look: () => lookFromPool(context, active, signal),
          token,
          signal,
        });
        if (meeting.kind === 'uploaded') return meeting.uploaded;
        met = meeting.condition;
        continue;
      }
      const refused = refusedFeature(view, {
        condition: condition.kind !== 'none',
        trailer: asked.placement === 'trailer',
      });
      // Each is learnt once: the next round asks for less, or ends here.
      if (refused === 'trailer') endpoint.learn({ trailers: false });
      else if (refused === 'condition') endpoint.learn({ conditionalPut: false });
      else if (refused !== 'checksum' || !learnRefused(context, algorithm)) throw error;
    }
  }
}

/** The same for all tries of a file as it is now: an object that bears it is what we sent, whatever became of the answer. */
export const tokenOf = ({ id, identity }: QueuedFile, by: 'upload' | 'copy' = 'upload') =>
  asUploadToken(hash('sha256', `${run}/${by}/${id}/${identity}`).slice(0, 32));
const run = randomUUID();

type Put = MayMeet & {
  readonly token: ReturnType<typeof asUploadToken>;
  readonly algorithm: Checksum['algorithm'];
  readonly slot: Release | undefined;
};

async function putOnce(
  context: UploadContext,
  lane: Lane,
  active: ActiveTransfer,
  signal: AbortSignal,
  { token, algorithm, condition, placement, slot }: Put,
): Promise<Uploaded> {
  const { folder, storeKey, clock, origin } = context;
  const { file } = active;
  const { sizeBytes, identity } = file;
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
      metadata: { token, origin, mtimeMs: file.mtimeMs, sizeBytes, source: sourceOf(identity) },
      condition,
      placement,
      provenChecksum: file.proof?.sizeBytes === sizeBytes ? file.proof.checksum : null,
    },
    {
      started: () => active.partStarted(1),
      sent: (bytes) => active.partSent(1, bytes),
      failed: () => active.partFailed(1),
      route: active.route,
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
  const head = result.confirmed && !context.encryption.mustLook() ? undefined : await look(context, active, signal);
  const confirmed = result.confirmed || (head !== undefined && confirms(head, active, result.checksum));
  const checksum = confirmed ? checksumText(result.checksum) : null;
  return {
    proof: { identity, sizeBytes, etag: result.etag, checksum, provenAt: clock.now() },
    action: 'put',
    parts: 1,
    recorded: false,
    ...(head !== undefined && { sse: head?.sse ?? null }),
  };
}

async function look(context: UploadContext, active: ActiveTransfer, signal: AbortSignal): Promise<ObjectHead | null> {
  active.phase = 'verifying';
  return askStore(context, () => lookFromPool(context, active, signal));
}

/** HeadObject without the SDK, which thousands of small files must not wait for; tried again, since the object that it asks for was paid for. */
async function lookFromPool(
  { pool, storeKey, clock, random, folder, slots }: UploadContext,
  active: ActiveTransfer,
  signal: AbortSignal,
): Promise<ObjectHead | null> {
  for (let tries = 1; ; tries++) {
    const release = await slots.wait('small', folder.id, signal);
    try {
      signal.throwIfAborted();
      return (await pool.send({ kind: 'head', store: storeKey, key: asObjectKey(active.key) }).result).head;
    } catch (error) {
      if (tries >= lookTries || !errorView(error).retryable) throw error;
    } finally {
      release();
    }
    await sleep(clock, retryDelayMs(tries, backoffs.part, random()), signal);
  }
}
const lookTries = 4;

/** For stores whose PutObject doesn't repeat the checksum: HeadObject is asked for it once more. Throws `checksum-mismatch` when it is another object than was sent. */
function confirms(head: ObjectHead | null, active: ActiveTransfer, ours: Checksum): boolean {
  if (head === null) throw mismatch('The store said it has the object, but has no such one');
  if (head.sizeBytes !== active.file.sizeBytes)
    throw mismatch(`The object in the bucket has ${head.sizeBytes} bytes, ${active.file.sizeBytes} were sent`);
  const theirs = head.checksum;
  if (theirs?.algorithm !== ours.algorithm || head.checksumType !== 'full-object') return false;
  if (theirs.value !== ours.value) throw mismatch('The object in the bucket is not what was sent');
  return true;
}

const mismatch = (message: string): SluiceError => new SluiceError('checksum-mismatch', message, { retryable: true });
