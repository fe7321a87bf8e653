import type { ErrorView } from '../../../shared/errors.ts';
import type { FolderId, ObjectKey, S3UploadId } from '../../../shared/ids.ts';
import type { ChecksumAlgorithm, ObjectPolicy, StoreConnection } from '../../../shared/settings.ts';
import type { SourceIdentity } from '../../../shared/source.ts';
import type {
  Checksum,
  ChecksumPlacement,
  ObjectHead,
  ObjectMetadata,
  SendTiming,
  StoreCredentials,
  StoreTarget,
  WriteCondition,
} from '../store/store.ts';

/** Bytes of a local file, as they must be: a job whose source isn't this any more fails with `source-changed`. */
export interface SourceRange {
  readonly path: string;
  readonly identity: SourceIdentity;
  readonly offset: number;
  readonly length: number;
}

/** Names a store in messages; the control thread knows its target and credentials. */
export type StoreKey = string;
export const storeKeyOf = (connection: StoreConnection, bucket: string): StoreKey =>
  JSON.stringify([connection, bucket]);

export type SendJob =
  | {
      readonly kind: 'put';
      readonly store: StoreKey;
      readonly source: SourceRange;
      readonly key: ObjectKey;
      readonly algorithm: ChecksumAlgorithm;
      readonly policy: ObjectPolicy;
      readonly metadata: ObjectMetadata;
      readonly condition: WriteCondition;
      /** For bodies too large to be read into memory; the others have it in the header. */
      readonly placement: ChecksumPlacement;
      /** `crc32:base64` of what the bucket has: equal bytes are not sent again. */
      readonly provenChecksum: string | null;
    }
  | {
      readonly kind: 'part';
      readonly store: StoreKey;
      readonly source: SourceRange;
      readonly key: ObjectKey;
      readonly uploadId: S3UploadId;
      readonly partNumber: number;
      readonly algorithm: ChecksumAlgorithm;
      readonly placement: ChecksumPlacement;
      readonly freshConnection: boolean;
    }
  /** Reads and checksums, sends nothing: for resume, unchanged files and verify. */
  | { readonly kind: 'digest'; readonly source: SourceRange; readonly algorithm: ChecksumAlgorithm }
  | { readonly kind: 'head'; readonly store: StoreKey; readonly key: ObjectKey };

export type SendResult =
  /** `checksum` is ours, computed from the bytes; `confirmed`: the server said the same one. */
  | {
      readonly kind: 'stored';
      readonly etag: string;
      readonly checksum: Checksum;
      readonly confirmed: boolean;
      readonly timing: SendTiming;
    }
  | { readonly kind: 'unchanged'; readonly checksum: Checksum }
  | { readonly kind: 'digest'; readonly checksum: Checksum }
  | { readonly kind: 'head'; readonly head: ObjectHead | null };

/** Messages travel in batches, one per turn of the event loop: it is the message that costs, not what is in it. */
export type ToWorker =
  | {
      readonly type: 'store';
      readonly store: StoreKey;
      readonly target: StoreTarget;
      readonly maxSockets: number;
      readonly stallTimeoutMs: number;
    }
  | { readonly type: 'credentials'; readonly request: number; readonly answer: StoreCredentials | ErrorView }
  | { readonly type: 'job'; readonly id: number; readonly job: SendJob; readonly folderId: FolderId | null }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'close' };

/** Requests of one kind since the last report, for the meter. */
export interface MeteredCount {
  readonly store: StoreKey;
  readonly folderId: FolderId | null;
  readonly operation: string;
  readonly outcome: 'taken' | 'answered' | 'refused' | 'unanswered';
  readonly count: number;
  readonly bytes: number;
}

export type FromWorker =
  | { readonly type: 'need-credentials'; readonly request: number; readonly store: StoreKey }
  /** What was put on the wire per job since the last report, and HTTP requests by operation. */
  | {
      readonly type: 'progress';
      readonly sent: readonly (readonly [id: number, bytes: number])[];
      readonly requests: readonly string[];
      readonly metered: readonly MeteredCount[];
    }
  | { readonly type: 'done'; readonly id: number; readonly result: SendResult; readonly sentMs: number }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorView };

/** What a worker is started with. */
export interface WorkerStart {
  /** Which of the pool's threads it is, from 0; a replacement takes the number of the dead. */
  readonly thread: number;
  /** How many the pool may have. */
  readonly threads: number;
  /** Shared by all workers: see bandwidth.ts. */
  readonly bandwidth: SharedArrayBuffer;
  /** Shared by all workers: see memoryBudget.ts. */
  readonly budget: SharedArrayBuffer;
}
