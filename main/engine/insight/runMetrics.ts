import type { SyncSummary } from '../../../shared/events.ts';
import { createLatencyHistogram, type LatencyHistogram } from './latencyHistogram.ts';

/** What a run did, counted as it happens; becomes the summary of `sync --json`. */
export interface RunMetrics {
  readonly counts: {
    filesScanned: number;
    filesUploaded: number;
    filesUnchanged: number;
    filesCopied: number;
    filesDeleted: number;
    filesFailed: number;
    bytesUploaded: number;
    bytesSent: number;
    retries: number;
    resumedParts: number;
    /** Parts sent a second time on suspicion, and requests cut off because they stood still. */
    hedges: number;
    stragglers: number;
    /** Requests that the store refused because they were too many. */
    throttled: number;
    /** Sent in vain: of failed tries, and of those a second one overtook. */
    bytesWasted: number;
  };
  requests(operations: readonly string[]): void;
  sent(bytes: number): void;
  partLatency(ms: number): void;
  /** Once a second: keeps the peak. Returns bytes per second since the last call. */
  sampleRate(): number;
  summary(exitCode: number): SyncSummary;
  /** What is exported: all since the engine began. */
  reading(): {
    readonly counts: Readonly<RunMetrics['counts']>;
    readonly requests: Readonly<Record<string, number>>;
    readonly latency: LatencyHistogram;
  };
}

/** Latencies kept for the percentiles; beyond, a uniform sample (reservoir, Vitter's algorithm R). */
const reservoirSize = 4096;

export function createRunMetrics(now: () => number, random: () => number): RunMetrics {
  const startedAt = now();
  const requestCounts = new Map<string, number>();
  const latencies: number[] = [];
  const histogram = createLatencyHistogram();
  let latenciesSeen = 0;
  let sampledAt = startedAt;
  let sampledBytes = 0;
  let peak = 0;
  const counts = {
    filesScanned: 0,
    filesUploaded: 0,
    filesUnchanged: 0,
    filesCopied: 0,
    filesDeleted: 0,
    filesFailed: 0,
    bytesUploaded: 0,
    bytesSent: 0,
    retries: 0,
    resumedParts: 0,
    hedges: 0,
    stragglers: 0,
    throttled: 0,
    bytesWasted: 0,
  };

  const sampleRate = (): number => {
    const at = now();
    const elapsed = at - sampledAt;
    if (elapsed <= 0) return 0;
    const rate = ((counts.bytesSent - sampledBytes) * 1000) / elapsed;
    sampledAt = at;
    sampledBytes = counts.bytesSent;
    // A sliver of time gives absurd rates; a run shorter than a sample has its average as peak.
    if (elapsed >= 500) peak = Math.max(peak, rate);
    return rate;
  };

  return {
    counts,
    requests: (operations) => {
      for (const operation of operations) requestCounts.set(operation, (requestCounts.get(operation) ?? 0) + 1);
    },
    sent: (bytes) => {
      counts.bytesSent += bytes;
    },
    partLatency: (ms) => {
      latenciesSeen++;
      histogram.record(ms / 1000);
      if (latencies.length < reservoirSize) latencies.push(ms);
      else {
        const at = Math.floor(random() * latenciesSeen);
        if (at < reservoirSize) latencies[at] = ms;
      }
    },
    sampleRate,
    reading: () => ({
      counts: { ...counts },
      requests: Object.fromEntries(requestCounts),
      latency: histogram.reading(),
    }),
    summary: (exitCode) => {
      const durationMs = now() - startedAt;
      const throughput = durationMs > 0 ? (counts.bytesUploaded * 1000) / durationMs : 0;
      return {
        type: 'summary',
        ...counts,
        requests: Object.fromEntries([...requestCounts].sort(([a], [b]) => (a < b ? -1 : 1))),
        partLatencyMs: { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) },
        throughputBytesPerSecond: Math.round(throughput),
        peakThroughputBytesPerSecond: Math.round(Math.max(peak, throughput)),
        durationMs: Math.round(durationMs),
        maxRssBytes: process.resourceUsage().maxRSS * 1024,
        exitCode,
      };
    },
  };
}

/** Nearest rank; null: nothing was measured. */
function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]! * 100) / 100;
}
