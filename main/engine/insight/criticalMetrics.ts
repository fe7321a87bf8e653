import { type LatencyHistogram, shareWithin } from './latencyHistogram.ts';

export interface CriticalInput {
  readonly filesUploaded: number;
  readonly filesFailed: number;
  readonly retries: number;
  readonly requests: number;
  readonly latency: LatencyHistogram;
}

export interface CriticalMetric {
  readonly name: 'success' | 'part_latency' | 'retry';
  /** Share of the tries that went wrong, 0…1: files failed, parts slower than 5 s, requests made again. */
  readonly badShare: number;
  /** Below this the target is met. */
  readonly allowedShare: number;
  /** 1: nothing of the error budget is used; 0: all; below: overdrawn. */
  readonly budgetLeft: number;
  readonly met: boolean;
}

/**
 * The critical metrics (M14) that this engine can measure, against their targets: success above 99.99 %, p99 of a part below 5 s, retries below 1 %. Absent: nothing happened
 * yet that could be judged. Cost per GB, the gain of acceleration and the share of the link are not metered here, so nothing is said of them.
 */
export function criticalMetrics(input: CriticalInput): readonly CriticalMetric[] {
  const { filesUploaded, filesFailed, retries, requests, latency } = input;
  const within = shareWithin(latency, 5);
  return [
    ...judged(
      'success',
      filesUploaded + filesFailed === 0 ? null : filesFailed / (filesUploaded + filesFailed),
      0.0001,
    ),
    ...judged('part_latency', within === null ? null : 1 - within, 0.01),
    ...judged('retry', requests === 0 ? null : Math.min(1, retries / requests), 0.01),
  ];
}

const judged = (name: CriticalMetric['name'], badShare: number | null, allowedShare: number): CriticalMetric[] =>
  badShare === null
    ? []
    : [{ name, badShare, allowedShare, budgetLeft: 1 - badShare / allowedShare, met: badShare < allowedShare }];
