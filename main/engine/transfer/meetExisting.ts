import { join } from 'node:path';
import { SluiceError } from '../../../shared/errors.ts';
import type { UploadToken } from '../../../shared/ids.ts';
import { formatBytes } from '../../../shared/units.ts';
import type { Lane } from '../ledger/ledger.ts';
import { type Comparison, comparisonWith, metObject } from '../plan/existingObject.ts';
import type { Checksum, ObjectHead, WriteCondition } from '../store/store.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { askStore } from './askStore.ts';
import { md5OfFile } from './md5OfFile.ts';
import { checksumText, type UploadContext, type Uploaded } from './uploadContext.ts';

export type Meeting =
  /** The bucket holds the file already. */
  | { readonly kind: 'uploaded'; readonly uploaded: Uploaded }
  | { readonly kind: 'write'; readonly condition: WriteCondition };

export interface Meet {
  readonly lane: Lane;
  /** What is there, as HeadObject says. */
  readonly look: () => Promise<ObjectHead | null>;
  readonly token: UploadToken;
  readonly signal: AbortSignal;
  /** Of the bytes on disk, where it is known already. */
  readonly known?: Checksum;
}

/**
 * The object that a write met, or may meet, looked at and decided upon (plan/existingObject.ts): it is ours or as good, or how it may be written over. Throws `foreign-object`,
 * and the store's errors.
 */
export async function meetExisting(context: UploadContext, active: ActiveTransfer, meet: Meet): Promise<Meeting> {
  const { folder, origin, clock } = context;
  const { file } = active;
  active.phase = 'checking';
  const head = await askStore(context, meet.look);
  // The very object that the ledger knows may be written over: we put it there, or the user chose so.
  const isKnown = head !== null && file.proof?.etag === head.etag;
  const foreign = isKnown ? 'overwrite' : folder.objects.foreign;
  const wanted = { sizeBytes: file.sizeBytes, token: meet.token, origin, foreign } as const;
  const comparison = head && comparisonWith(head, wanted);
  const isSame = comparison !== null && (await isSameAs(context, active, comparison, meet));
  const met = metObject(head, wanted, isSame);
  switch (met.kind) {
    case 'absent':
      return { kind: 'write', condition: { kind: 'if-absent' } };
    case 'overwrite':
      return { kind: 'write', condition: { kind: 'if-match', etag: met.etag } };
    case 'foreign':
      throw foreignObject(active, head);
    case 'adopt':
    case 'stored': {
      if (met.kind === 'stored' && comparison !== null && !isSame) throw notWhatWasSent();
      const proof = {
        identity: file.identity,
        sizeBytes: file.sizeBytes,
        etag: head?.etag ?? '',
        checksum: comparison === null ? null : textOf(comparison),
        provenAt: clock.now(),
      };
      const isSent = met.kind === 'stored';
      const uploaded: Uploaded = {
        proof,
        action: isSent ? 'put' : 'skip',
        parts: isSent ? 1 : 0,
        recorded: false,
        sse: head?.sse ?? null,
      };
      return { kind: 'uploaded', uploaded };
    }
  }
}

const textOf = (comparison: Comparison): string =>
  comparison.kind === 'md5' ? `md5:${comparison.hex}` : checksumText(comparison);

/** Reading takes the disk as sending does: it needs a slot. */
async function isSameAs(
  { folder, pool, slots }: UploadContext,
  { file }: ActiveTransfer,
  comparison: Comparison,
  { known, lane, signal }: Meet,
): Promise<boolean> {
  const path = join(folder.path, file.path);
  if (comparison.kind === 'checksum' && known?.algorithm === comparison.algorithm)
    return known.value === comparison.value;
  const release = await slots.wait(lane, folder.id, signal);
  try {
    signal.throwIfAborted();
    if (comparison.kind === 'md5') return (await md5OfFile(path, file.identity, signal)) === comparison.hex;
    const { algorithm, value } = comparison;
    const source = { path, identity: file.identity, offset: 0, length: file.sizeBytes };
    const handle = pool.send({ kind: 'digest', source, algorithm });
    signal.addEventListener('abort', handle.cancel, { once: true });
    try {
      return (await handle.result).checksum.value === value;
    } finally {
      signal.removeEventListener('abort', handle.cancel);
    }
  } finally {
    release();
  }
}

const notWhatWasSent = (): SluiceError =>
  new SluiceError('checksum-mismatch', 'The object in the bucket is not what was sent', { retryable: true });

function foreignObject(active: ActiveTransfer, head: ObjectHead | null): SluiceError {
  const { key, file } = active;
  const size = head === null ? '' : ` of ${formatBytes(head.sizeBytes)}`;
  const when = head?.lastModifiedMs == null ? '' : `, written ${new Date(head.lastModifiedMs).toISOString()}`;
  const by = head?.origin == null ? 'not by Sluice' : 'by another folder or machine';
  return new SluiceError('foreign-object', `The bucket has another object${size} at ${key}${when}, ${by}`, {
    path: file.path,
  });
}
