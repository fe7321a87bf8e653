import type { SyncSummary } from '../../../shared/events.ts';
import { sentenceFor } from '../../../shared/sentence.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../shared/units.ts';
import type { SyncResult } from './syncReport.ts';

/** The one honest sentence about the folder after a run. */
export function endSentence({ summary, error, counts }: SyncResult): string {
  const proven =
    counts === null
      ? 'what was finished is recorded'
      : `${formatCount(counts.filesProven)} of ${files(counts.filesTotal)} are safely in S3`;
  if (summary.exitCode === 130) return `Interrupted: ${proven}; run it again: it goes on where it stopped`;
  if (error !== null) return `Stopped: ${proven}`;
  if (counts === null) return summary.filesFailed > 0 ? `${files(summary.filesFailed)} failed` : 'Done';
  return sentenceFor({
    folders: 1,
    paused: false,
    pausedUntil: null,
    offlineReason: null,
    scanning: false,
    filesTotal: counts.filesTotal,
    filesProven: counts.filesProven,
    // The run is over: nothing is under way any more.
    filesToUpload: 0,
    etaMs: null,
    needUser: Math.max(summary.filesFailed, counts.issueCount),
    failure: null,
  }).text;
}

/** What was done, in figures; lines without what didn't happen. */
export function summaryFigures(summary: SyncSummary): readonly string[] {
  const done = [
    `${formatCount(summary.filesUploaded)} uploaded`,
    ...(summary.filesCopied > 0 ? [`${formatCount(summary.filesCopied)} copied`] : []),
    ...(summary.filesDeleted > 0 ? [`${formatCount(summary.filesDeleted)} deleted`] : []),
    `${formatCount(summary.filesUnchanged)} unchanged`,
    ...(summary.filesFailed > 0 ? [`${formatCount(summary.filesFailed)} failed`] : []),
  ];
  const lines = [`${files(summary.filesScanned)} scanned: ${done.join(', ')}`];
  const took = formatDuration(summary.durationMs);
  if (summary.bytesUploaded > 0) {
    lines.push(
      `${formatBytes(summary.bytesUploaded)} in ${took}, ${formatRate(summary.throughputBytesPerSecond)} (peak ${formatRate(summary.peakThroughputBytesPerSecond)})`,
    );
  } else lines.push(`Took ${took}`);
  const requests = Object.entries(summary.requests).filter(([, count]) => count > 0);
  const sent = requests.map(([operation, count]) => `${operation} ${formatCount(count)}`);
  lines.push(`Requests: ${sent.length === 0 ? 'none' : sent.join(', ')}`);
  const repeated = [
    ...(summary.retries > 0 ? [`${formatCount(summary.retries)} ${summary.retries === 1 ? 'retry' : 'retries'}`] : []),
    ...(summary.resumedParts > 0
      ? [
          `${formatCount(summary.resumedParts)} ${summary.resumedParts === 1 ? 'part was' : 'parts were'} already there and not sent again`,
        ]
      : []),
  ];
  if (repeated.length > 0) lines.push(repeated.join(', '));
  return lines;
}

export const files = (count: number): string => `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`;
