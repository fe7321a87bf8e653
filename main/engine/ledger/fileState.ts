import type { ObservedFile, SourceIdentity } from '../../../shared/source.ts';
import type { KnownFile, Lane, Proof } from './ledger.ts';

/** As stored. The numbers are in the partial indexes of the schema. */
export const fileState = {
  proven: 0,
  queued: 1,
  /** A worker has it. */
  claimed: 2,
  waiting: 3,
  failed: 4,
  /** Not on disk; kept because its object is in the bucket. */
  gone: 5,
  /** Vanished while a worker has it: what the worker reports decides whether there is anything to keep. */
  goneClaimed: 6,
} as const;
export type FileState = (typeof fileState)[keyof typeof fileState];

export const laneNumber: Readonly<Record<Lane, number>> = { small: 0, large: 1 };
/** Changes the watcher saw go before those of a scan. */
export const priority = { watcher: 0, scan: 1 } as const;
/** The `attempt` of a claimed file that was observed anew since it was claimed: its worker sends old bytes. */
export const staleClaim = -1;

/** A row of `file`, as stored. */
export interface FileRecord {
  readonly id: number;
  readonly folder_id: number;
  readonly directory_id: number;
  readonly name: string;
  readonly state: FileState;
  readonly identity: SourceIdentity;
  readonly size: number;
  readonly mtime_ms: number;
  readonly lane: number;
  readonly priority: number;
  readonly attempt: number;
  readonly retry_at: number | null;
  /** null while equal to `identity`, `size`. */
  readonly proof_identity: SourceIdentity | null;
  readonly proof_size: number | null;
  /** null: no proof. */
  readonly proof_etag: string | null;
  readonly proof_checksum: string | null;
  readonly proof_at: number | null;
}

/** The record after the file was seen on disk as `file`. */
export function seen(
  record: FileRecord,
  file: ObservedFile,
  how: { readonly priority: number; readonly lane: number; readonly requeueFailed: boolean },
): FileRecord {
  const changed = file.identity !== record.identity;
  if (!changed && !isGone(record.state) && !(how.requeueFailed && record.state === fileState.failed)) return record;
  const isProofKept = record.proof_etag !== null;
  const proofIdentity = isProofKept ? (record.proof_identity ?? record.identity) : null;
  const proofSize = isProofKept ? (record.proof_size ?? record.size) : null;
  const next = {
    ...record,
    identity: file.identity,
    size: file.sizeBytes,
    mtime_ms: file.mtimeMs,
    lane: how.lane,
    priority: isToUpload(record.state) ? Math.min(record.priority, how.priority) : how.priority,
    attempt: 0,
    retry_at: null,
    proof_identity: proofIdentity === file.identity ? null : proofIdentity,
    proof_size: proofSize === file.sizeBytes ? null : proofSize,
  };
  if (record.state === fileState.claimed || record.state === fileState.goneClaimed) {
    return { ...next, state: fileState.claimed, attempt: staleClaim };
  }
  return { ...next, state: isProven(next) ? fileState.proven : fileState.queued };
}

/** The record with what the server confirmed. */
export function confirmed(record: FileRecord, proof: Proof): FileRecord {
  const next = {
    ...record,
    attempt: 0,
    retry_at: null,
    proof_identity: proof.identity === record.identity ? null : proof.identity,
    proof_size: proof.sizeBytes === record.size ? null : proof.sizeBytes,
    proof_etag: proof.etag,
    proof_checksum: proof.checksum,
    proof_at: proof.provenAt,
  };
  if (isGone(record.state)) return { ...next, state: fileState.gone };
  return { ...next, state: isProven(next) ? fileState.proven : fileState.queued };
}

/** Given back by its worker: to `state` unless the file turned back into what was proven, or changed so that it must be tried afresh. */
export function released(
  record: FileRecord,
  state: typeof fileState.queued | typeof fileState.waiting | typeof fileState.failed,
): FileRecord {
  if (isProven(record)) return { ...record, state: fileState.proven, attempt: 0, retry_at: null };
  const isStale = record.attempt === staleClaim;
  if (isStale && state === fileState.failed) return { ...record, state: fileState.queued, attempt: 0 };
  return { ...record, state, attempt: Math.max(record.attempt, 0) };
}

/** The server confirmed the bytes that are on disk now. */
export const isProven = (record: Pick<FileRecord, 'identity' | 'proof_identity' | 'proof_etag'>): boolean =>
  record.proof_etag !== null && (record.proof_identity === null || record.proof_identity === record.identity);

export const isGone = (state: FileState): boolean => state === fileState.gone || state === fileState.goneClaimed;

export const isToUpload = (state: FileState): boolean =>
  state === fileState.queued || state === fileState.claimed || state === fileState.waiting;

export function proofOf(record: FileRecord): Proof | null {
  if (record.proof_etag === null) return null;
  return {
    identity: record.proof_identity ?? record.identity,
    sizeBytes: record.proof_size ?? record.size,
    etag: record.proof_etag,
    checksum: record.proof_checksum,
    provenAt: record.proof_at ?? 0,
  };
}

/** To those outside a claimed file is still queued: it isn't in the bucket yet. */
export const publicState: Readonly<Record<FileState, KnownFile['state']>> = {
  [fileState.proven]: 'proven',
  [fileState.queued]: 'queued',
  [fileState.claimed]: 'queued',
  [fileState.waiting]: 'waiting',
  [fileState.failed]: 'failed',
  [fileState.gone]: 'gone',
  [fileState.goneClaimed]: 'gone',
};
