import {
  type ConcurrencyState,
  concurrencyAfter,
  laneHabits,
  newConcurrency,
} from '../../../main/engine/plan/concurrency.ts';
import type { SimulatedLink, SimulatedRequest } from './simulatedLink.ts';

export interface Drive {
  readonly lane: 'small' | 'large';
  readonly requestBytes: number;
  /** Requests to send; default: endless. */
  readonly requests?: number;
  readonly untilMs: number;
  readonly max?: number;
  readonly start?: number;
  /** Always so many: what the controller is compared with. */
  readonly fixed?: number;
  /** Of the processor, all the time; default: idle. */
  readonly busyShare?: number;
  readonly at?: (nowMs: number, link: SimulatedLink) => void;
}

export interface DriveTrace {
  /** Every 100 ms. */
  readonly limits: number[];
  /** Bytes that arrived by then. */
  readonly arrived: number[];
  readonly endedAtMs: number;
  readonly state: ConcurrencyState;
}

/** The controller on a simulated link, as the engine runs it: requests as many as it allows, progress told every 100 ms (large) or with the answer (small). */
export function drive(link: SimulatedLink, { lane, requestBytes, untilMs, max = 100, at, ...more }: Drive): DriveTrace {
  const bounds = { max, lane: laneHabits[lane] };
  let state = newConcurrency(more.fixed ?? more.start ?? bounds.lane.start, 0);
  let left = more.requests ?? Number.POSITIVE_INFINITY;
  const told = new Map<SimulatedRequest, number>();
  const limits: number[] = [];
  const arrived: number[] = [];
  let bytes = 0;
  let completions = 0;
  let answerMs: number | null = null;
  let sampledAt = 0;
  let reportedAt = 0;
  let tracedAt = 0;
  const report = (request: SimulatedRequest): void => {
    bytes += request.sentBytes - (told.get(request) ?? 0);
    told.set(request, request.sentBytes);
  };
  while (link.nowMs < untilMs && (left > 0 || link.inFlight.size > 0)) {
    at?.(link.nowMs, link);
    while (left > 0 && link.inFlight.size < state.limit) {
      link.start(requestBytes);
      left--;
    }
    for (const request of link.step()) {
      report(request);
      told.delete(request);
      completions++;
      const took = link.nowMs - (request.bodyDoneAtMs ?? link.nowMs);
      answerMs = answerMs === null ? took : Math.min(answerMs, took);
    }
    if (link.nowMs - reportedAt >= 100) {
      reportedAt = link.nowMs;
      for (const request of link.inFlight) report(request);
    }
    if (link.nowMs - sampledAt >= 25) {
      sampledAt = link.nowMs;
      const next = concurrencyAfter(
        state,
        {
          atMs: link.nowMs,
          bytes,
          completions,
          inFlight: link.inFlight.size,
          answerMs,
          busyShare: more.busyShare ?? 0,
        },
        bounds,
      );
      if (more.fixed === undefined) state = next;
      bytes = 0;
      completions = 0;
      answerMs = null;
    }
    if (link.nowMs - tracedAt >= 100) {
      tracedAt = link.nowMs;
      limits.push(state.limit);
      arrived.push(link.arrivedBytes);
    }
  }
  return { limits, arrived, endedAtMs: link.nowMs, state };
}

/** Of the capacity, between two times. */
export function utilisation({ arrived }: DriveTrace, fromMs: number, toMs: number, bytesPerSecond: number): number {
  const at = (ms: number): number => arrived[Math.min(arrived.length, Math.round(ms / 100)) - 1] ?? 0;
  return (at(toMs) - at(fromMs)) / ((bytesPerSecond * (toMs - fromMs)) / 1000);
}
