import type { ErrorView } from '../../../shared/errors.ts';
import type {
  FileId,
  FolderId,
  IssueId,
  ObjectKey,
  RelativePath,
  S3UploadId,
  ScanId,
  UploadRowId,
  UploadToken,
} from '../../../shared/ids.ts';
import type { Usd } from '../../../shared/money.ts';
import type { ChecksumAlgorithm, FolderInput } from '../../../shared/settings.ts';
import type { DirectoryListing, PathObservation, RootIdentity, SourceIdentity } from '../../../shared/source.ts';
import type { ActivityAction, ActivityRow, IssueView } from '../../../shared/syncApi.ts';

/** Files that behave alike: up to 1 MiB, up to 100 MiB (one PutObject), up to 5 GiB, above. */
export type SizeClass = 'small' | 'medium' | 'large' | 'huge';

/** `small` files travel in their own lane so that they never wait behind a large one. */
export type Lane = 'small' | 'large';

export interface FolderRow extends FolderInput {
  readonly id: FolderId;
  readonly paused: boolean;
  /** null until the first scan. */
  readonly root: RootIdentity | null;
  readonly lastScanAt: number | null;
  /** The last scan that saw the whole tree. */
  readonly lastFullScanAt: number | null;
}

/** Counts over the regular files of a folder that are on disk and not excluded. */
export interface FolderCounts {
  readonly filesTotal: number;
  readonly bytesTotal: number;
  readonly filesProven: number;
  readonly bytesProven: number;
  /** To be uploaded: queued, claimed or waiting for their next try. */
  readonly filesQueued: number;
  readonly bytesQueued: number;
  /** Given up until they change or are retried. */
  readonly filesFailed: number;
}

export interface ObservationDiff {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly gone: number;
  readonly bytesToUpload: number;
}

/** What the server confirmed of the object, last time. */
export interface Proof {
  readonly identity: SourceIdentity;
  readonly sizeBytes: number;
  readonly etag: string;
  /** `crc32:base64`; null: the store confirmed only the size, and "safe" must not be said of it. */
  readonly checksum: string | null;
  readonly provenAt: number;
}

export interface QueuedFile {
  readonly id: FileId;
  readonly folderId: FolderId;
  readonly path: RelativePath;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly identity: SourceIdentity;
  /** 0 for the first try. */
  readonly attempt: number;
  readonly proof: Proof | null;
}

/** An object that may hold a file's bytes: proven with a checksum, and not changed on disk since it was last seen. */
export interface CopyCandidate {
  readonly folderId: FolderId;
  readonly path: RelativePath;
  /** Of its folder: with `path` the object's key. */
  readonly prefix: string;
  readonly identity: SourceIdentity;
  readonly etag: string;
  /** As Proof's. */
  readonly checksum: string;
}

/** How far a twin is looked for: the same inode only; the same time or name as well; anything of that size. */
export type CopyReach = 'moved' | 'twin' | 'same-size';

export interface KnownFile {
  readonly id: FileId;
  readonly path: RelativePath;
  readonly sizeBytes: number;
  readonly identity: SourceIdentity;
  readonly state: 'proven' | 'queued' | 'waiting' | 'failed' | 'gone';
  readonly proof: Proof | null;
}

/** An object whose file is gone. `held`: until its time is over or the user decides; `kept`: the object stays. */
export interface PendingDelete {
  readonly file: KnownFile;
  readonly noticedAt: number;
  readonly decision: 'held' | 'approved' | 'kept';
}

/** A multipart upload as planned: written before CreateMultipartUpload is sent, frozen from then on. */
export interface UploadIntent {
  readonly fileId: FileId;
  readonly folderId: FolderId;
  readonly key: ObjectKey;
  readonly token: UploadToken;
  readonly identity: SourceIdentity;
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  readonly partCount: number;
  readonly algorithm: ChecksumAlgorithm;
  readonly intendedAt: number;
}

export interface UploadRow extends UploadIntent {
  readonly id: UploadRowId;
  /** null: CreateMultipartUpload's answer was never written; S3 may hold an upload for this key. */
  readonly uploadId: S3UploadId | null;
  readonly state: 'open' | 'aborting';
  /** The endpoint and bucket it lives in, from its folder at intent time, as JSON; an abort outlives the folder. */
  readonly bucket: string;
}

export interface PartRow {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  /** base64, of the upload's algorithm. */
  readonly checksum: string;
}

/** What one upload, or a run of small ones, gave. */
export interface TuningRow {
  /** Endpoint and bucket: tuningStoreOf() in plan/tuner.ts. */
  readonly store: string;
  readonly sizeClass: SizeClass;
  /** 0 for single PutObjects. */
  readonly partSizeBytes: number;
  /** Connections that the controller had settled at. */
  readonly concurrency: number;
  readonly bytesPerSecond: number;
  /** Sent in it. */
  readonly bytes: number;
  readonly at: number;
}

/** Requests of one kind on one day; all counts are added to what is there. */
export interface MeterRow {
  /** `2026-11-25`, UTC. */
  readonly day: string;
  /** 0: of no folder. */
  readonly folderId: number;
  /** `''`: AWS itself. */
  readonly endpoint: string;
  /** `''`: not set. */
  readonly region: string;
  readonly bucket: string;
  readonly storageClass: string;
  readonly operation: string;
  /** With anything but a 5xx. */
  readonly answered: number;
  /** With a 5xx. */
  readonly refused: number;
  /** Sent on a connection, and nothing came back. */
  readonly unanswered: number;
  /** Of files, in requests that were answered with 2xx. */
  readonly bytes: number;
  readonly unansweredBytes: number;
}

/** What one probe of a bucket's two endpoints measured, bytes per second a round. */
export interface ProbeRow {
  /** Endpoint and bucket: tuningStoreOf() in plan/tuner.ts. */
  readonly store: string;
  readonly at: number;
  readonly rounds: readonly { readonly regional: number; readonly accelerated: number }[];
}

/** Bytes to go over the accelerated endpoint, and what they cost; `month` is UTC, `2026-11`. */
export interface AcceleratedBytes {
  readonly month: string;
  readonly bytes: number;
  readonly usd: Usd;
}

export type NewActivity = Omit<ActivityRow, 'id'>;

/**
 * What we know: observations of the disk, proofs from the bucket, work in progress. Synchronous (better-sqlite3), one owner, every method one
 * transaction of a few ms at most. Throws SluiceError `ledger-full`, `ledger-io`, `ledger-corrupt`.
 *
 * A file's state follows from what was observed: it is `proven` when its proof's identity equals the observed one, else it is to be uploaded:
 * `queued` → `claimed` → proven | `waiting` (until its next try) | `failed`. A claimed file is never given to a second worker, whatever is observed of it meanwhile, until the first one reports (recordProofs, uploadProven,
 * postpone, giveUp, releaseClaim, markGone); opening the ledger gives all claims back. A file gone from disk leaves the queue; its proof stays (the object does too).
 */
export interface Ledger {
  addFolder(input: FolderInput): FolderRow;
  /** Throws `not-found`. */
  folder(id: FolderId): FolderRow;
  folders(): readonly FolderRow[];
  updateFolder(
    id: FolderId,
    change: Partial<Pick<FolderRow, 'paused' | 'rules' | 'objects' | 'deletes' | 'kind' | 'connection' | 'root'>>,
  ): FolderRow;
  /** Its open uploads go to the abort queue first. */
  removeFolder(id: FolderId): void;
  /** Kept incrementally or computed by index: O(1)-ish, called 4 times a second. */
  counts(id: FolderId): FolderCounts;

  beginScan(folderId: FolderId, atMs: number): ScanId;
  /**
   * Compares each listing with what is known of that directory. New and changed files are queued: `small` when at most `smallFileLimitBytes`. A file listed unchanged keeps its
   * state (a `failed` one is queued again). Known files of a listed directory that aren't listed are marked gone.
   */
  observeDirectories(scanId: ScanId, listings: readonly DirectoryListing[]): ObservationDiff;
  /**
   * `complete`: every directory was listed; files of directories that were not seen are gone, except below `unreadable` ones. `within`: every directory at or below one of these was, and
   * nothing is said of the others.
   */
  finishScan(
    scanId: ScanId,
    end: {
      readonly complete: boolean;
      readonly atMs: number;
      readonly unreadable: readonly RelativePath[];
      readonly within?: readonly RelativePath[];
    },
  ): ObservationDiff;
  /** From the watcher. Files changed here go before those of a scan (`priority` 0), and a scan that is open doesn't bury them with an older listing. */
  observePaths(folderId: FolderId, observations: readonly PathObservation[]): ObservationDiff;

  /** Takes up to `limit` queued files of a lane, oldest priority first; they are `claimed` until released, proven or postponed. O(log n). */
  claimNext(folderId: FolderId, lane: Lane, limit: number): readonly QueuedFile[];
  hasQueued(folderId: FolderId, lane: Lane): boolean;
  /** Back to `queued`, attempt unchanged (pause, stop). */
  releaseClaim(fileId: FileId): void;
  /** `waiting` until `untilMs`, attempt + 1. If the file was observed anew since it was claimed, attempt starts again at 0. */
  postpone(fileId: FileId, untilMs: number): void;
  /** `failed`, until it is observed changed, listed again by a scan, or retried. Queued again at once if it was observed anew since it was claimed. */
  giveUp(fileId: FileId): void;
  /** Gone at upload time (its open upload is to be aborted), unless it was observed anew since it was claimed: then it is queued. */
  markGone(fileId: FileId): void;
  /** `waiting` files whose time has come are queued again, soonest first, at most 2,000 a call (`nextDueAt` stays in the past while there are more). Returns how many. */
  wakeDue(nowMs: number): number;
  nextDueAt(): number | null;
  /** `failed` and `waiting` files are queued now; null path: the whole folder. */
  retryNow(folderId: FolderId, path: RelativePath | null): number;

  /** Proven: if the file was observed anew meanwhile (identity differs) it is queued again. Batched: one transaction. */
  recordProofs(proofs: readonly { readonly fileId: FileId; readonly proof: Proof }[]): void;
  /** Proofs of files gone from disk (candidates for mirror deletes), in path order. */
  goneFiles(folderId: FolderId): readonly KnownFile[];
  /** After DeleteObject was confirmed (or the object was gone): forgets the row; if the file came back meanwhile, its proof, so that it is uploaded again. */
  forgetFile(fileId: FileId): void;
  /** Gone files of which nobody has decided anything yet, by id from `after` on. */
  goneUnnoticed(folderId: FolderId, after: number, limit: number): readonly KnownFile[];
  /** Held back from now on. A file that comes back is none of these any more, and begins anew when it goes again. */
  noticeGone(folderId: FolderId, fileIds: readonly FileId[], atMs: number): void;
  /** Longest gone first. */
  pendingDeletes(
    folderId: FolderId,
    which: { readonly decision: PendingDelete['decision']; readonly noticedBefore: number; readonly limit: number },
  ): readonly PendingDelete[];
  pendingTotals(
    folderId: FolderId,
  ): Readonly<Record<PendingDelete['decision'], { readonly files: number; readonly bytes: number }>>;
  /** One file, or all held ones noticed until then. Returns how many. */
  decideDeletes(
    folderId: FolderId,
    decision: PendingDelete['decision'],
    which: { readonly noticedBefore: number } | { readonly fileId: FileId },
  ): number;
  /** All but what is `kept`: deletes are off, and begin anew when they are on again. */
  clearPendingDeletes(folderId: FolderId): void;
  /**
   * Written before DeleteObject is sent: from now on the object proves nothing, so that a file that comes back while its fate is unknown is uploaded. false: the file isn't gone any
   * more, or its object isn't ours to delete.
   */
  intendDelete(fileId: FileId): boolean;
  /**
   * The object isn't the one that we put there. `conflict`: the file is `failed`, with its old proof's ETag; `overwrite`: queued, and may replace exactly that object; `leave`: it stays, and the file
   * counts as not confirmed. A file that a worker has is left to it.
   */
  disputeObject(
    fileId: FileId,
    next:
      | { readonly kind: 'conflict' }
      | { readonly kind: 'overwrite'; readonly etag: string }
      | { readonly kind: 'leave' },
  ): void;
  file(folderId: FolderId, path: RelativePath): KnownFile | null;
  /** In the byte order of whole UTF-8 paths, as S3 lists keys; streamed in pages, gone files included; for verify and export. */
  files(folderId: FolderId): IterableIterator<KnownFile>;

  /** In the same bucket over the same connection, best first, 16 at most; a lookup is bounded however many files there are. */
  copyCandidates(
    file: Pick<QueuedFile, 'id' | 'folderId' | 'path' | 'sizeBytes' | 'mtimeMs' | 'identity'>,
    reach: CopyReach,
  ): readonly CopyCandidate[];

  /** Written before CreateMultipartUpload. Any other open upload of the file goes to the abort queue in the same transaction. */
  intendUpload(intent: UploadIntent): UploadRow;
  /** Throws `not-found` when the row was settled meanwhile: the caller aborts S3's upload itself. */
  uploadCreated(id: UploadRowId, uploadId: S3UploadId): void;
  openUpload(fileId: FileId): UploadRow | null;
  uploads(state: UploadRow['state']): readonly UploadRow[];
  parts(id: UploadRowId): readonly PartRow[];
  recordParts(parts: readonly { readonly uploadRowId: UploadRowId; readonly part: PartRow }[]): void;
  /** Forgets parts that S3 doesn't confirm. */
  dropParts(id: UploadRowId, partNumbers: readonly number[]): void;
  /** Proof recorded, upload and parts removed, in one transaction. */
  uploadProven(id: UploadRowId, proof: Proof): void;
  /** To the abort queue, durable until `uploadGone`. */
  abandonUpload(id: UploadRowId): void;
  uploadGone(id: UploadRowId): void;

  recordActivity(rows: readonly NewActivity[]): void;
  activity(query: {
    readonly before: number | null;
    readonly limit: number;
    readonly folderId: FolderId | null;
    readonly search: string;
    readonly actions: readonly ActivityAction[];
  }): { readonly rows: readonly ActivityRow[]; readonly hasMore: boolean; readonly total: number };
  /** Files and bytes uploaded and retries made since `sinceMs`. */
  activitySince(sinceMs: number): { readonly files: number; readonly bytes: number; readonly retries: number };
  lastUploadAt(folderId: FolderId): number | null;

  /** One open issue per (folder, path, code): seen again, its count and time rise. */
  raiseIssue(issue: {
    readonly folderId: FolderId | null;
    readonly path: string | null;
    readonly error: ErrorView;
    readonly atMs: number;
  }): void;
  /** The cause is over. null path: the folder's own issues of those codes; undefined codes: all. */
  settleIssues(folderId: FolderId | null, path: string | null, codes?: readonly string[]): void;
  /** Issues of a folder's paths not raised again since `beforeMs`, of these codes: a scan that no longer sees them settles them. */
  settleIssuesBefore(folderId: FolderId, codes: readonly string[], beforeMs: number): void;
  issues(): readonly IssueView[];
  issue(id: IssueId): IssueView | null;
  issueCount(folderId?: FolderId): number;

  /** Kept per store and class, the newest 100. */
  recordTuning(row: TuningRow): void;
  /** What a benchmark measured takes the place of all that was known of one store and class. */
  replaceTuning(store: string, sizeClass: SizeClass, rows: readonly TuningRow[]): void;
  /** Newest first. */
  tuning(store: string, sizeClass: SizeClass): readonly TuningRow[];

  addMeter(rows: readonly MeterRow[]): void;
  /** Both days included. */
  meter(fromDay: string, toDay: string): readonly MeterRow[];
  /** What acceleration cost in a month, with what is reserved. */
  accelerationSpend(month: string): { readonly bytes: number; readonly usd: Usd };
  /** Before the bytes are sent: a process that is killed has then counted too much, never too little. false: the cap would be passed, nothing is reserved. */
  reserveAcceleration(what: AcceleratedBytes & { readonly capUsd: number }): boolean;
  /** What was reserved and not sent. */
  releaseAcceleration(what: AcceleratedBytes): void;
  /** Kept per store, the newest 100. */
  recordProbe(row: ProbeRow): void;
  /** Newest first. */
  probes(store: string, limit: number): readonly ProbeRow[];

  setting(key: string): unknown;
  setSetting(key: string, value: unknown): void;

  /** PRAGMA integrity_check and our own invariants; empty: sound. */
  check(): readonly string[];
  close(): void;
}

export interface OpenLedgerOptions {
  /** Holds ledger.sqlite and lock.sqlite; made if missing, mode 0700. */
  readonly dataDir: string;
  readonly smallFileLimitBytes: number;
  /** What the lock's holder is, for the sentence of whoever finds it taken: `sluice daemon`. */
  readonly holder: string;
}
