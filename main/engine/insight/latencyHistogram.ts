/** Upper bounds in seconds, on both sides of the target of 5 s. */
export const latencyBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

export interface LatencyHistogram {
  /** One per bound, not cumulated, and a last one for what took longer. */
  readonly counts: readonly number[];
  readonly sumSeconds: number;
  readonly count: number;
}

/** Counts durations by their size; a bounded memory for any number of them. */
export function createLatencyHistogram(): { record(seconds: number): void; reading(): LatencyHistogram } {
  const counts: number[] = new Array(latencyBounds.length + 1).fill(0);
  let sumSeconds = 0;
  let count = 0;
  return {
    record: (seconds) => {
      const found = latencyBounds.findIndex((bound) => seconds <= bound);
      const at = found < 0 ? latencyBounds.length : found;
      counts[at] = counts[at]! + 1;
      sumSeconds += seconds;
      count++;
    },
    reading: () => ({ counts: [...counts], sumSeconds, count }),
  };
}

/** The share of what was counted that took at most `seconds`, which has to be one of the bounds; null: nothing was counted. */
export function shareWithin(
  { counts, count }: LatencyHistogram,
  seconds: (typeof latencyBounds)[number],
): number | null {
  if (count === 0) return null;
  const within = counts.slice(0, latencyBounds.indexOf(seconds) + 1).reduce((sum, one) => sum + one, 0);
  return within / count;
}
