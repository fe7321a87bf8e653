import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import { asObjectKey, asUploadToken } from '../../../shared/ids.ts';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { sourceIdentity } from '../../../shared/source.ts';
import type { PartRow } from '../ledger/ledger.ts';
import type { PartPlan } from '../plan/partPlan.ts';
import { type PartAtStore, resumePlan } from '../plan/resumePlan.ts';
import type { Checksum } from '../store/store.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { completeUpload } from './completeUpload.ts';
import { partCopier } from './copyParts.ts';
import { eachLimited } from './eachLimited.ts';
import { meetExisting } from './meetExisting.ts';
import type { CreatedUpload } from './partsAtStore.ts';
import type { Confirmed } from './reconcileUpload.ts';
import { partSource, sendPart } from './sendPart.ts';
import type { SourceRange } from './sendProtocol.ts';
import { sourceError } from './sourceFile.ts';
import { createUpload, takeUpUpload } from './takeUpUpload.ts';
import { checksumText, type UploadContext, type Uploaded } from './uploadContext.ts';
import { writeCondition } from './writeCondition.ts';

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

  const left = await takeUpUpload(context, active);
  if (left.kind === 'stored') return finish(context, left.upload, left.confirmed);
  let condition = writeCondition(active.file, true);
  let upload: CreatedUpload;
  if (left.kind === 'resume') upload = left.upload;
  else {
    // One look before a hundred megabytes: what is there may be as good, or somebody else's.
    const meeting = await meetExisting(context, active, {
      lane: 'large',
      look: () => context.store.headObject(asObjectKey(active.key)),
      token: noToken,
      signal,
    });
    if (meeting.kind === 'uploaded') return meeting.uploaded;
    condition = meeting.condition;
    upload = await createUpload(context, active, plan);
  }
  active.planned(upload.partSizeBytes, upload.partCount);
  active.route ??= (await context.acceleration?.routeFor(active.file.sizeBytes, signal)) ?? null;

  const parts = new Map<number, PartRow>();
  const listed = left.kind === 'resume' ? left.listed : [];
  const resume = resumePlan(upload, context.ledger.parts(upload.id), listed);
  context.ledger.dropParts(upload.id, resume.toForget);
  for (const part of resume.finished) {
    parts.set(part.partNumber, part);
    active.partFinished(part.partNumber, 'resumed');
  }
  context.metrics.counts.resumedParts += resume.finished.length;

  // Whatever of it is still to come is in the bucket already, if this is a large file under a new name.
  const copier = await partCopier(context, active, upload, signal);
  const tasks = [
    ...resume.toCompare.map((part) => (within: AbortSignal) => comparePart(context, active, upload, part, within)),
    ...resume.toSend.map(
      (partNumber) => async (within: AbortSignal) =>
        (await copier.copy(partNumber, within)) ?? sendPart(context, active, upload, partNumber, within),
    ),
  ];
  try {
    await eachLimited(plan.concurrency, tasks, signal, (part) => {
      parts.set(part.partNumber, part);
      context.ledger.recordParts([{ uploadRowId: upload.id, part }]);
    });
    await checkSource(context, active);
    const completed = await completeUpload(context, active, upload, inOrder(parts), condition, signal);
    if (completed.kind === 'stored') {
      const isCopy = copier.copied === upload.partCount;
      const uploaded = finish(context, upload, completed.confirmed, isCopy ? 'copy' : 'multipart');
      // What is proven is the file as it was; if it changed under the last request, it is taken up again at once.
      const isSame = await checkSource(context, active).then(
        () => true,
        () => false,
      );
      return isSame ? uploaded : { ...uploaded, sourceChanged: true };
    }
    context.ledger.abandonUpload(upload.id);
    return completed.uploaded;
  } catch (error) {
    // These can't be continued; anything else keeps its parts for the next try.
    const { code } = errorView(error);
    if (hopeless.has(code)) context.ledger.abandonUpload(upload.id);
    throw error;
  }
}

/** Nothing is there yet that could be this attempt's. */
const noToken = asUploadToken('');

const hopeless = new Set([
  'checksum-mismatch',
  'source-changed',
  'source-missing',
  'no-such-upload',
  'invalid-part',
  'conflict',
  'precondition-failed',
  'foreign-object',
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
    proof.checksum?.includes('@') ||
    (algorithm !== 'crc32' && algorithm !== 'crc32c' && algorithm !== 'crc64nvme')
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

/** S3 has it and we don't know it: killed before its answer was written. Kept when the bytes on disk give the same checksum. */
async function comparePart(
  context: UploadContext,
  active: ActiveTransfer,
  upload: CreatedUpload,
  listed: PartAtStore & { checksum: string },
  signal: AbortSignal,
): Promise<PartRow> {
  const source = partSource(context, upload, active, listed.partNumber);
  const checksum = await digestOf(context, source, upload.algorithm, signal);
  if (checksum.value !== listed.checksum) return sendPart(context, active, upload, listed.partNumber, signal);
  active.partFinished(listed.partNumber, 'resumed');
  context.metrics.counts.resumedParts++;
  return listed;
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

function finish(
  { ledger }: UploadContext,
  upload: CreatedUpload,
  { proof, sse }: Confirmed,
  action: 'multipart' | 'copy' = 'multipart',
): Uploaded {
  ledger.uploadProven(upload.id, proof);
  return { proof, action, parts: upload.partCount, recorded: true, sse };
}
