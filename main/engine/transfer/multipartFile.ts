import { randomUUID } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import { asObjectKey, asUploadToken, type ObjectKey, type S3UploadId } from '../../../shared/ids.ts';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { sourceIdentity } from '../../../shared/source.ts';
import type { PartRow, Proof, UploadRow } from '../ledger/ledger.ts';
import { partMayRetry } from '../plan/afterFailure.ts';
import type { PartPlan } from '../plan/partPlan.ts';
import { type PartAtStore, partLength, resumePlan } from '../plan/resumePlan.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import type { Checksum, ListedPart, StoredObject } from '../store/store.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { askStore } from './askStore.ts';
import { checksumAlgorithm } from './checksumAlgorithm.ts';
import { combineChecksums } from './combineChecksums.ts';
import { eachLimited } from './eachLimited.ts';
import type { SourceRange } from './sendProtocol.ts';
import { sendWithRetry } from './sendWithRetry.ts';
import { sourceError } from './sourceFile.ts';
import { checksumText, type UploadContext, type Uploaded } from './uploadContext.ts';

type CreatedUpload = UploadRow & { readonly uploadId: S3UploadId };

/**
 * One file in parts: taken up again where the ledger and S3 agree it was left, else created. Whatever goes wrong, the ledger knows the upload until S3 confirmed
 * its end. Throws SluiceError when the object isn't in the bucket.
 */
export async function multipartFile(
  context: UploadContext,
  active: ActiveTransfer,
  plan: PartPlan,
  signal: AbortSignal,
): Promise<Uploaded> {
  const unchanged = await sameBytesAsProven(context, active, signal);
  if (unchanged) return unchanged;

  const left = await takeUp(context, active);
  if (left.kind === 'stored') return finish(context, left.upload, left.proof);
  const upload = left.kind === 'resume' ? left.upload : await create(context, active, plan);
  active.planned(upload.partSizeBytes, upload.partCount);

  const parts = new Map<number, PartRow>();
  const listed = left.kind === 'resume' ? left.listed : [];
  const resume = resumePlan(upload, context.ledger.parts(upload.id), listed);
  context.ledger.dropParts(upload.id, resume.toForget);
  for (const part of resume.finished) {
    parts.set(part.partNumber, part);
    active.partFinished(part.partNumber, 'resumed');
  }
  context.metrics.counts.resumedParts += resume.finished.length;

  const tasks = [
    ...resume.toCompare.map((part) => (within: AbortSignal) => comparePart(context, active, upload, part, within)),
    ...resume.toSend.map(
      (partNumber) => (within: AbortSignal) => sendPart(context, active, upload, partNumber, within),
    ),
  ];
  try {
    await eachLimited(plan.concurrency, tasks, signal, (part) => {
      parts.set(part.partNumber, part);
      context.ledger.recordParts([{ uploadRowId: upload.id, part }]);
    });
    await checkSource(context, active);
    return finish(context, upload, await complete(context, active, upload, inOrder(parts), signal));
  } catch (error) {
    // These can't be continued; anything else keeps its parts for the next try.
    const { code } = errorView(error);
    if (hopeless.has(code)) context.ledger.abandonUpload(upload.id);
    throw error;
  }
}

const hopeless = new Set([
  'checksum-mismatch',
  'source-changed',
  'source-missing',
  'no-such-upload',
  'invalid-part',
  'conflict',
  'precondition-failed',
]);

/** A file that was only touched needn't be sent: its bytes are compared with what the server confirmed. */
async function sameBytesAsProven(
  context: UploadContext,
  active: ActiveTransfer,
  signal: AbortSignal,
): Promise<Uploaded | null> {
  const { folder, clock, ledger } = context;
  const { file } = active;
  const { proof, sizeBytes, identity } = file;
  const algorithm = proof?.checksum?.split(':')[0];
  if (
    !proof ||
    proof.sizeBytes !== sizeBytes ||
    ledger.openUpload(file.id) ||
    (algorithm !== 'crc32' && algorithm !== 'crc64nvme')
  )
    return null;
  active.phase = 'checking';
  const source = { path: join(folder.path, file.path), identity, offset: 0, length: sizeBytes };
  const checksum = await digestOf(context, source, algorithm, signal);
  if (checksumText(checksum) !== proof.checksum) return null;
  return { proof: { ...proof, identity, provenAt: clock.now() }, action: 'skip', parts: 0, recorded: false };
}

/** Reading takes the disk as sending does: it needs a slot, and ends with the upload. */
async function digestOf(
  { folder, pool, slots }: UploadContext,
  source: SourceRange,
  algorithm: ChecksumAlgorithm,
  signal: AbortSignal,
): Promise<Checksum> {
  const release = await slots.wait('large', folder.id, signal);
  try {
    signal.throwIfAborted();
    const handle = pool.send({ kind: 'digest', source, algorithm });
    signal.addEventListener('abort', handle.cancel, { once: true });
    try {
      return (await handle.result).checksum;
    } finally {
      signal.removeEventListener('abort', handle.cancel);
    }
  } finally {
    release();
  }
}

type TakenUp =
  | { readonly kind: 'resume'; readonly upload: CreatedUpload; readonly listed: readonly PartAtStore[] }
  /** Complete went through and its answer was lost. */
  | { readonly kind: 'stored'; readonly upload: CreatedUpload; readonly proof: Proof }
  | { readonly kind: 'none' };

async function takeUp(context: UploadContext, active: ActiveTransfer): Promise<TakenUp> {
  const { ledger, store } = context;
  const upload = ledger.openUpload(active.file.id);
  if (!upload) return { kind: 'none' };
  if (!isCreated(upload) || upload.identity !== active.file.identity || upload.key !== active.key) {
    ledger.abandonUpload(upload.id);
    return { kind: 'none' };
  }
  try {
    const listed: PartAtStore[] = [];
    await askStore(context, async () => {
      for await (const part of store.listParts({ key: upload.key, uploadId: upload.uploadId }))
        listed.push(atStore(part, upload));
    });
    return { kind: 'resume', upload, listed };
  } catch (error) {
    if (errorView(error).code !== 'no-such-upload') throw error;
  }
  const proof = await reconcile(context, upload, null);
  if (proof) return { kind: 'stored', upload, proof };
  ledger.uploadGone(upload.id);
  return { kind: 'none' };
}

const isCreated = (upload: UploadRow): upload is CreatedUpload => upload.uploadId !== null;

const atStore = ({ partNumber, sizeBytes, etag, checksum }: ListedPart, { algorithm }: UploadRow): PartAtStore => ({
  partNumber,
  sizeBytes,
  etag,
  checksum: checksum?.algorithm === algorithm ? checksum.value : null,
});

async function create(context: UploadContext, active: ActiveTransfer, plan: PartPlan): Promise<CreatedUpload> {
  const { ledger, store, folder, clock, settings } = context;
  const { file } = active;
  const algorithm = checksumAlgorithm(settings().checksum);
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
  const metadata = { token, mtimeMs: file.mtimeMs, sizeBytes: file.sizeBytes };
  const uploadId = await askStore(context, () =>
    store.createMultipartUpload({ key, algorithm, policy: folder.objects, metadata }),
  );
  try {
    ledger.uploadCreated(upload.id, uploadId);
  } catch (error) {
    // The file went away meanwhile and its row with it: nobody else knows of this upload.
    await store.abortMultipartUpload({ key, uploadId });
    throw error;
  }
  return { ...upload, uploadId };
}

async function sendPart(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  partNumber: number,
  signal: AbortSignal,
): Promise<PartRow> {
  const { algorithm, key, uploadId } = upload;
  const source = sourceOf(context, upload, active, partNumber);
  const result = await sendWithRetry(
    context,
    'large',
    { kind: 'part', store: context.storeKey, source, key, uploadId, partNumber, algorithm },
    {
      started: () => active.partStarted(partNumber),
      sent: (bytes) => active.partSent(partNumber, bytes),
      failed: () => active.partFailed(partNumber),
    },
    signal,
  );
  if (result.kind !== 'stored') throw new SluiceError('internal', 'A part was not sent');
  active.partFinished(partNumber, 'sent');
  return { partNumber, sizeBytes: source.length, etag: result.etag, checksum: result.checksum.value };
}

/** S3 has it and we don't know it: killed before its answer was written. Kept when the bytes on disk give the same checksum. */
async function comparePart(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  listed: PartAtStore & { checksum: string },
  signal: AbortSignal,
): Promise<PartRow> {
  const source = sourceOf(context, upload, active, listed.partNumber);
  const checksum = await digestOf(context, source, upload.algorithm, signal);
  if (checksum.value !== listed.checksum) return sendPart(context, active, upload, listed.partNumber, signal);
  active.partFinished(listed.partNumber, 'resumed');
  context.metrics.counts.resumedParts++;
  return listed;
}

function sourceOf({ folder }: UploadContext, upload: UploadRow, { file }: ActiveTransfer, partNumber: number) {
  return {
    path: join(folder.path, file.path),
    identity: upload.identity,
    offset: (partNumber - 1) * upload.partSizeBytes,
    length: partLength(upload, partNumber),
  };
}

const inOrder = (parts: ReadonlyMap<number, PartRow>): PartRow[] =>
  [...parts.values()].sort((a, b) => a.partNumber - b.partNumber);

/** The last look before Complete: a file that changed is never completed as if it had not. */
async function checkSource({ folder }: UploadContext, { file }: ActiveTransfer): Promise<void> {
  const path = join(folder.path, file.path);
  const stat = await lstat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    throw sourceError(error, path);
  });
  if (sourceIdentity(stat) !== file.identity)
    throw new SluiceError('source-changed', 'The file changed while it was being uploaded', { path });
}

async function complete(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  parts: readonly PartRow[],
  signal: AbortSignal,
): Promise<Proof> {
  const { store, random, metrics } = context;
  const { algorithm, key, uploadId, sizeBytes } = upload;
  const whole = combineChecksums(
    algorithm,
    parts.map((part) => ({ length: part.sizeBytes, value: part.checksum })),
  );
  active.phase = 'completing';
  for (let tries = 1; ; tries++) {
    try {
      const stored = await askStore(context, () =>
        store.completeMultipartUpload({
          key,
          uploadId,
          sizeBytes,
          parts: parts.map(({ partNumber, etag, checksum }) => ({
            partNumber,
            etag,
            checksum: { algorithm, value: checksum },
          })),
          checksum: algorithm === 'sha256' ? null : whole,
        }),
      );
      active.phase = 'verifying';
      const proof = await reconcile(context, upload, { stored, expected: whole.value });
      if (proof) return proof;
      throw new SluiceError('no-such-key', 'The store said the upload was complete, but has no such object', {
        retryable: true,
      });
    } catch (error) {
      const view = errorView(error);
      if (view.code === 'no-such-upload') {
        // An earlier Complete may have gone through without its answer reaching us.
        const proof = await reconcile(context, upload, { stored: null, expected: whole.value });
        if (proof) return proof;
        throw error;
      }
      if (view.code === 'conflict' || view.code === 'checksum-mismatch' || !partMayRetry(view, tries)) throw error;
      metrics.counts.retries++;
      active.retries++;
      await sleep(retryDelayMs(tries, backoffs.part, random(), view.retryAfterMs), undefined, { signal });
    }
  }
}

/**
 * Asks the bucket what it holds. null: not this upload's object. Throws `checksum-mismatch` when it is ours and wrong.
 * `expected` null (resumed after a crash): the server had checked the whole object's checksum at Complete.
 */
async function reconcile(
  context: UploadContext,
  upload: CreatedUpload,
  completed: { readonly stored: StoredObject | null; readonly expected: string } | null,
): Promise<Proof | null> {
  const { store, clock } = context;
  const head = await askStore(context, () => store.headObject(upload.key));
  if (head?.token !== upload.token) return null;
  const said = head.checksum ?? completed?.stored?.checksum ?? null;
  // A store that keeps a composite of CRCs says something true that we can't hold against the whole: unconfirmed, not wrong.
  const comparable =
    said?.algorithm === upload.algorithm && /-\d+$/.test(said.value) === (upload.algorithm === 'sha256');
  const checksum = comparable ? said : null;
  const wrong =
    head.sizeBytes !== upload.sizeBytes ||
    (checksum !== null && completed !== null && checksum.value !== completed.expected);
  if (wrong)
    throw new SluiceError('checksum-mismatch', 'The object in the bucket is not what was sent', { retryable: true });
  const text =
    checksum === null ? null : checksumText(checksum, upload.algorithm === 'sha256' ? upload.partSizeBytes : undefined);
  return {
    identity: upload.identity,
    sizeBytes: upload.sizeBytes,
    etag: head.etag,
    checksum: text,
    provenAt: clock.now(),
  };
}

function finish({ ledger }: UploadContext, upload: CreatedUpload, proof: Proof): Uploaded {
  ledger.uploadProven(upload.id, proof);
  return { proof, action: 'multipart', parts: upload.partCount, recorded: true };
}
