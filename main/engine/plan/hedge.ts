/** A part in flight, and what is known of its kind. */
export interface HedgeFacts {
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly elapsedMs: number;
  /** Its own speed over the last seconds. */
  readonly bytesPerSecond: number;
  /** Of parts of about this size that went through lately, ms, any order. */
  readonly recentMs: readonly number[];
  /** Parts sent to this store so far, and those sent twice on suspicion. */
  readonly parts: { readonly count: number; readonly bytes: number };
  readonly hedged: { readonly count: number; readonly bytes: number };
  /** The others go as usual: else it is the link or the store that is slow, and more would make it worse. */
  readonly othersGoWell: boolean;
}

/** Fewer tell nothing of the tail. */
const fewestRecent = 8;
const budget = { parts: 0.05, bytes: 0.02 };

/** Send it again on a new connection, first to finish wins? Only far beyond the 90th percentile of its kind, and when the second is likely to be there first. */
export function shouldHedge(facts: HedgeFacts): boolean {
  const { recentMs, elapsedMs, sizeBytes, sentBytes, parts, hedged } = facts;
  if (!facts.othersGoWell || recentMs.length < fewestRecent) return false;
  const sorted = recentMs.toSorted((a, b) => a - b);
  const p90 = sorted[Math.ceil(0.9 * sorted.length) - 1]!;
  const median = sorted[Math.ceil(0.5 * sorted.length) - 1]!;
  if (elapsedMs < Math.max(1.5 * p90, p90 + 500)) return false;
  const leftMs =
    sentBytes >= sizeBytes
      ? Number.POSITIVE_INFINITY
      : ((sizeBytes - sentBytes) * 1000) / Math.max(1, facts.bytesPerSecond);
  if (leftMs < median) return false;
  return hedged.count + 1 <= budget.parts * parts.count && hedged.bytes + sizeBytes <= budget.bytes * parts.bytes;
}
