import type { RateSample } from '../../shared/syncApi.ts';

export interface RateSummary {
  /** Bytes per second. */
  readonly average: number;
  readonly fastest: number;
  /** Covered by the samples, at least 1. */
  readonly minutes: number;
}

export function summarizeRate(samples: readonly RateSample[]): RateSummary {
  const first = samples.at(0);
  const last = samples.at(-1);
  if (!first || !last) return { average: 0, fastest: 0, minutes: 1 };
  const sum = samples.reduce((total, { bytesPerSecond }) => total + bytesPerSecond, 0);
  const fastest = samples.reduce((top, { bytesPerSecond }) => Math.max(top, bytesPerSecond), 0);
  return { average: sum / samples.length, fastest, minutes: Math.max(1, Math.round((last.at - first.at) / 60_000)) };
}
