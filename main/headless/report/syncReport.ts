import type { ErrorView } from '../../../shared/errors.ts';
import type { EngineEvent, SyncSummary } from '../../../shared/events.ts';
import type { Sentence } from '../../../shared/sentence.ts';
import type { TransferView } from '../../../shared/syncApi.ts';
import type { DryRunFile } from '../../engine/engine.ts';

/** What `sync` tells while it runs and when it ends. */
export interface SyncReport {
  started(): void;
  event(event: EngineEvent): void;
  /** What is moving now, and the sentence; at most 4 a second. */
  moving(now: { readonly transfers: readonly TransferView[] | null; readonly sentence: Sentence | null }): void;
  /** Dry run: one file that would be sent or deleted. */
  planned(file: DryRunFile): void;
  note(line: string): void;
  end(result: SyncResult): void;
}

export interface SyncResult {
  readonly summary: SyncSummary;
  /** What stopped the run; null: it went through. */
  readonly error: ErrorView | null;
  /** null: nothing is known of the folder. */
  readonly counts: FolderCounts | null;
}

/** Files of the synced folder, as the ledger counts them after the run. */
export interface FolderCounts {
  readonly filesTotal: number;
  readonly filesProven: number;
  /** Files that failed or can't be uploaded as they are, and what is wrong with the folder itself. */
  readonly issueCount: number;
}

export function emptySummary(exitCode: number): SyncSummary {
  return {
    type: 'summary',
    filesScanned: 0,
    filesUploaded: 0,
    filesUnchanged: 0,
    filesCopied: 0,
    filesDeleted: 0,
    filesFailed: 0,
    bytesUploaded: 0,
    bytesSent: 0,
    requests: {},
    retries: 0,
    resumedParts: 0,
    hedges: 0,
    stragglers: 0,
    throttled: 0,
    bytesWasted: 0,
    partLatencyMs: { p50: null, p99: null },
    throughputBytesPerSecond: 0,
    peakThroughputBytesPerSecond: 0,
    durationMs: 0,
    maxRssBytes: process.memoryUsage.rss(),
    exitCode,
  };
}
