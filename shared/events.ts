import type { ErrorView } from './errors.ts';
import type { FolderId } from './ids.ts';
import type { ActivityAction } from './syncApi.ts';

/** One finished file, as `sync --json` prints it (cli.md). */
export interface FileEvent {
  readonly type: 'file';
  readonly folderId: FolderId;
  readonly path: string;
  readonly key: string;
  readonly action: Exclude<ActivityAction, 'failed'>;
  readonly bytes: number;
  readonly parts: number;
  readonly durationMs: number;
  readonly retries: number;
  readonly etag: string | null;
  readonly checksum: string | null;
  readonly accelerated: boolean;
  /** Set: the file failed for good in this run. */
  readonly error?: ErrorView;
}

export interface ScanEvent {
  readonly type: 'scan';
  readonly folderId: FolderId;
  readonly phase: 'started' | 'progress' | 'finished';
  readonly filesScanned: number;
  readonly bytesScanned: number;
  readonly filesToUpload: number;
  readonly bytesToUpload: number;
  readonly excluded: number;
}

export interface ProgressEvent {
  readonly type: 'progress';
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
  readonly etaMs: number | null;
  readonly connections: number;
  /** The scan isn't finished: totals are "at least". */
  readonly totalsAtLeast: boolean;
}

/** Something that needs the user, or that explains why a file waits. */
export interface IssueEvent {
  readonly type: 'issue';
  readonly folderId: FolderId | null;
  readonly error: ErrorView;
}

export type EngineEvent = FileEvent | ScanEvent | ProgressEvent | IssueEvent;

/** The last line of `sync --json`. */
export interface SyncSummary {
  readonly type: 'summary';
  readonly filesScanned: number;
  readonly filesUploaded: number;
  readonly filesUnchanged: number;
  readonly filesCopied: number;
  readonly filesDeleted: number;
  readonly filesFailed: number;
  readonly bytesUploaded: number;
  readonly bytesSent: number;
  /** By S3 operation name. */
  readonly requests: Readonly<Record<string, number>>;
  readonly retries: number;
  readonly resumedParts: number;
  /** Parts sent a second time because the first was far slower than its kind. */
  readonly hedges: number;
  /** Requests cut off and sent again because they stood still while others went through. */
  readonly stragglers: number;
  /** Requests that the store refused because they were too many. */
  readonly throttled: number;
  /** Bytes sent in vain: of failed tries, and of parts that a second try overtook. */
  readonly bytesWasted: number;
  readonly partLatencyMs: { readonly p50: number | null; readonly p99: number | null };
  readonly throughputBytesPerSecond: number;
  readonly peakThroughputBytesPerSecond: number;
  readonly durationMs: number;
  readonly maxRssBytes: number;
  readonly exitCode: number;
}
