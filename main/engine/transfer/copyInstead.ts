import { join } from 'node:path';
import { errorView } from '../../../shared/errors.ts';
import { asObjectKey } from '../../../shared/ids.ts';
import type { Lane } from '../ledger/ledger.ts';
import { afterCopyFailure, copyEvidence, copyReach } from '../plan/copySource.ts';
import { objectKey } from '../plan/objectKey.ts';
import type { Checksum, CopySource, ObjectHead, StoredObject } from '../store/store.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { askStore } from './askStore.ts';
import { md5OfFile } from './md5OfFile.ts';
import { sourceOf } from './originOf.ts';
import { tokenOf } from './putFile.ts';
import type { Release } from './slots.ts';
import { checksumText, type UploadContext, type Uploaded } from './uploadContext.ts';
import { writeCondition } from './writeCondition.ts';

/** An object of the bucket that holds the file's bytes, and the checksum by which that was found. */
export interface ProvenSource extends CopySource {
  readonly checksum: Checksum;
}

/**
 * A file that was renamed, or whose bytes the bucket has under another name, as a copy within the store. null: it has to be uploaded, because there is no such object, or because
 * anything differs or is refused; then nothing was lost but a request. Throws the source's and the store's errors.
 */
export async function copyInstead(
  context: UploadContext,
  lane: Lane,
  active: ActiveTransfer,
  signal: AbortSignal,
  slot?: Release,
): Promise<Uploaded | null> {
  if (active.file.sizeBytes > context.copying.objectLimitBytes) return null;
  const source = await provenSource(context, lane, active, signal, slot);
  if (!source) return null;
  const release = slot ?? (await context.slots.wait(lane, context.folder.id, signal));
  try {
    signal.throwIfAborted();
    return await copy(context, active, source);
  } finally {
    if (!slot) release();
  }
}

/** Looks for the source in the ledger and holds the local bytes against what the server confirmed of it. */
export async function provenSource(
  context: UploadContext,
  lane: Lane,
  active: ActiveTransfer,
  signal: AbortSignal,
  slot?: Release,
): Promise<ProvenSource | null> {
  const { file } = active;
  const reach = context.copying.refused ? null : copyReach(file.sizeBytes, file.proof?.sizeBytes ?? null);
  if (reach === null) return null;
  const candidates = context.ledger.copyCandidates(file, reach);
  if (candidates.length === 0) return null;
  active.phase = 'checking';
  const local = new Map<string, string>();
  const release = slot ?? (await context.slots.wait(lane, context.folder.id, signal));
  try {
    for (const candidate of candidates) {
      signal.throwIfAborted();
      const evidence = copyEvidence(file.identity, candidate);
      if (!evidence) continue;
      const { algorithm, value } = evidence;
      const ours = local.get(algorithm) ?? (await digest(context, active, algorithm, signal));
      local.set(algorithm, ours);
      if (ours !== value) continue;
      if (evidence.kind === 'checksum-and-md5') {
        const md5 = local.get('md5') ?? (await md5OfFile(join(context.folder.path, file.path), file.identity, signal));
        local.set('md5', md5);
        if (md5 !== evidence.md5) continue;
      }
      const key = objectKey(candidate.prefix, candidate.path);
      if (key !== active.key) return { key, etag: candidate.etag, checksum: { algorithm, value } };
    }
    return null;
  } finally {
    if (!slot) release();
  }
}

async function digest(
  { folder, pool }: UploadContext,
  { file }: ActiveTransfer,
  algorithm: Checksum['algorithm'],
  signal: AbortSignal,
): Promise<string> {
  const source = { path: join(folder.path, file.path), identity: file.identity, offset: 0, length: file.sizeBytes };
  const handle = pool.send({ kind: 'digest', source, algorithm });
  signal.addEventListener('abort', handle.cancel, { once: true });
  try {
    return (await handle.result).checksum.value;
  } finally {
    signal.removeEventListener('abort', handle.cancel);
  }
}

async function copy(context: UploadContext, active: ActiveTransfer, source: ProvenSource): Promise<Uploaded | null> {
  const { store, folder, origin, endpoint, encryption } = context;
  const { file } = active;
  const key = asObjectKey(active.key);
  // Not that of an upload: an upload that meets a copy which wasn't confirmed must not take it for its own.
  const token = tokenOf(file, 'copy');
  active.partStarted(1);
  try {
    const made = await askStore(context, () =>
      store.copyObject({
        source,
        key,
        algorithm: source.checksum.algorithm,
        policy: folder.objects,
        metadata: { token, origin, mtimeMs: file.mtimeMs, sizeBytes: file.sizeBytes, source: sourceOf(file.identity) },
        condition: writeCondition(file, endpoint.capabilities().conditionalPut),
      }),
    );
    const said = sameChecksum(made, source);
    if (said && !encryption.mustLook()) return copied(context, active, source, made.etag);
    const head = await askStore(context, () => store.headObject(key));
    if (head?.etag !== made.etag || !(said || confirms(head, file.sizeBytes, source))) return failed(active);
    return copied(context, active, source, made.etag, head);
  } catch (error) {
    const { code } = errorView(error);
    const next = afterCopyFailure(code);
    if (next === 'fail') throw error;
    if (next === 'upload-and-ask-no-more') context.copying.refused = true;
    if (code !== 'precondition-failed' && code !== 'conflict') return failed(active);
    // An earlier try may have gone through without its answer reaching us: its token tells.
    const head = await askStore(context, () => store.headObject(key));
    if (head?.token !== token || !confirms(head, file.sizeBytes, source)) return failed(active);
    return copied(context, active, source, head.etag, head);
  }
}

function failed(active: ActiveTransfer): null {
  active.partFailed(1);
  active.retries--;
  return null;
}

const sameChecksum = ({ checksum }: Pick<StoredObject, 'checksum'>, { checksum: ours }: ProvenSource): boolean =>
  checksum?.algorithm === ours.algorithm && checksum.value === ours.value;

/** The store says of the copy what it had said of the source: the same checksum, or where it keeps none, the ETag that is the MD5 of both. */
const confirms = (head: ObjectHead, sizeBytes: number, source: ProvenSource): boolean =>
  head.sizeBytes === sizeBytes &&
  (sameChecksum(head, source) ||
    (head.checksum === null && /^[0-9a-f]{32}$/.test(head.etag) && head.etag === source.etag));

function copied(
  { clock }: UploadContext,
  active: ActiveTransfer,
  source: ProvenSource,
  etag: string,
  head?: ObjectHead,
): Uploaded {
  const { identity, sizeBytes } = active.file;
  active.partFinished(1, 'resumed');
  active.resumedParts = 0;
  const proof = { identity, sizeBytes, etag, checksum: checksumText(source.checksum), provenAt: clock.now() };
  return { proof, action: 'copy', parts: 1, recorded: false, ...(head && { sse: head.sse }) };
}
