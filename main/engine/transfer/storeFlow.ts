import type { ErrorView } from '../../../shared/errors.ts';
import type { Lane } from '../ledger/ledger.ts';
import { type ConcurrencyState, concurrencyAfter, laneHabits, newConcurrency } from '../plan/concurrency.ts';
import { newRetryBudget, retryEarned, retryTaken } from '../plan/retryBudget.ts';
import type { BusyMs, Clock } from '../ports.ts';
import type { SendTiming } from '../store/store.ts';
import { createRequestRate, sleep } from './requestRate.ts';
import { createSendWatches, type SendWatch } from './sendWatches.ts';

/** How much goes to one store at a time, how fast and how often again: all that is learnt of it while it is used. */
export interface StoreFlow {
  /** Connections of a lane, 1…max. */
  limit(lane: Lane): number;
  /** Resolves when the store's request rate lets one more go. */
  admit(key: string, signal: AbortSignal): Promise<void>;
  /** Resolves when the retry budget has one for us. */
  retry(signal: AbortSignal): Promise<void>;
  /** One request with a body begins; the watch hears how it goes. */
  begin(send: SendStart): OpenSend;
  /** Bytes per second to this store with large bodies in flight; null: not measured yet. */
  bytesPerSecond(): number | null;
  /** Connections of a lane that it has settled at, and work per second there; null: it hasn't. */
  settled(lane: Lane): { readonly connections: number } | null;
  isThrottled(): boolean;
  stop(): void;
}

export interface SendStart {
  readonly lane: Lane;
  readonly key: string;
  readonly sizeBytes: number;
  /** May be sent a second time while it is in flight. */
  readonly mayHedge: boolean;
  readonly isHedge: boolean;
  onHedge(): void;
  onStraggler(): void;
}

export interface OpenSend {
  sent(bytes: number): void;
  /** `timing` null: nothing was sent (unchanged). */
  succeeded(timing: SendTiming | null): void;
  failed(error: ErrorView): void;
  /** By us: says nothing of the store. */
  cancelled(): void;
}

export interface StoreFlowOptions {
  readonly clock: Clock;
  readonly max: () => number;
  readonly busyMs: BusyMs;
  /** Held at this many in both lanes, whatever is measured (benchmark); absent: found by the controller. */
  readonly pinned?: number | undefined;
  /** From history; null: not known. */
  readonly start: (lane: Lane) => number | null;
  /** The link is held back by the user: what is slow is meant to be. */
  readonly isLimited: () => boolean;
  /** A limit changed: look who may go. */
  readonly onChange: () => void;
}

interface LaneFlow {
  state: ConcurrencyState;
  inFlight: number;
  answerMs: number | null;
}

const tickMs = 25;
const lookEveryTicks = 10;

export function createStoreFlow(options: StoreFlowOptions): StoreFlow {
  const { clock, max } = options;
  const rate = createRequestRate(clock);
  const startOf = (lane: Lane): number => options.start(lane) ?? laneHabits[lane].start;
  const newLane = (lane: Lane): LaneFlow => ({
    state: newConcurrency(Math.min(max(), startOf(lane)), clock.now()),
    inFlight: 0,
    answerMs: null,
  });
  const lanes: Record<Lane, LaneFlow> = { small: newLane('small'), large: newLane('large') };
  const watches = createSendWatches({ clock, isHeldBack: () => options.isLimited() || rate.isThrottled() });
  let retries = newRetryBudget(clock.now());
  let bytes = 0;
  let completions = 0;
  let ticks = 0;
  let ticking = false;
  let stopped = false;
  let cancelTick: () => void = () => undefined;
  let busySince = { atMs: clock.now(), busyMs: options.busyMs() };
  const measured = { bytes: 0, sinceMs: 0, rate: null as number | null };

  const tick = (): void => {
    ticking = false;
    const busy = lanes.small.inFlight + lanes.large.inFlight > 0;
    const atMs = clock.now();
    const busyMs = options.busyMs();
    const busyShare = Math.min(1, (busyMs - busySince.busyMs) / Math.max(1, atMs - busySince.atMs));
    busySince = { atMs, busyMs };
    let changed = false;
    for (const lane of ['small', 'large'] as const) {
      const flow = lanes[lane];
      const before = flow.state.limit;
      const sample = { atMs, bytes, completions, inFlight: flow.inFlight, answerMs: flow.answerMs, busyShare };
      flow.state = concurrencyAfter(flow.state, sample, { max: max(), lane: laneHabits[lane] });
      flow.answerMs = null;
      changed ||= flow.state.limit > before;
    }
    measure(atMs);
    bytes = 0;
    completions = 0;
    if (++ticks % lookEveryTicks === 0) watches.look();
    if (busy) schedule();
    if (changed) options.onChange();
  };

  /** Only while large bodies are under way: a thousand tiny files say little about what the link carries. */
  const measure = (atMs: number): void => {
    if (lanes.large.inFlight === 0) {
      measured.bytes = 0;
      measured.sinceMs = atMs;
      return;
    }
    measured.bytes += bytes;
    const elapsedMs = atMs - measured.sinceMs;
    if (elapsedMs < 1_000) return;
    const now = (measured.bytes * 1000) / elapsedMs;
    if (now > 0) measured.rate = measured.rate === null ? now : measured.rate + (now - measured.rate) * 0.3;
    measured.bytes = 0;
    measured.sinceMs = atMs;
  };

  const schedule = (): void => {
    if (ticking || stopped) return;
    ticking = true;
    cancelTick = clock.after(tickMs, tick);
  };

  return {
    limit: (lane) => Math.min(max(), options.pinned ?? lanes[lane].state.limit),
    admit: rate.admit,
    retry: async (signal) => {
      const { budget, waitMs } = retryTaken(retries, clock.now());
      retries = budget;
      if (waitMs > 0) await sleep(clock, waitMs, signal);
    },
    begin: (send) => {
      const flow = lanes[send.lane];
      const startedAtMs = clock.now();
      flow.inFlight++;
      const watch: SendWatch = watches.open(send);
      schedule();
      let open = true;
      const close = (): void => {
        if (!open) return;
        open = false;
        flow.inFlight--;
      };
      return {
        sent: (count) => {
          bytes += count;
          watch.sent(count);
        },
        succeeded: (timing) => {
          close();
          watch.ended(timing !== null);
          if (timing === null) return;
          completions++;
          retries = retryEarned(retries);
          rate.succeeded(send.key);
          const answerMs = timing.answerMs;
          flow.answerMs = flow.answerMs === null ? answerMs : Math.min(flow.answerMs, answerMs);
          watches.answered(answerMs);
        },
        failed: (error) => {
          close();
          watch.ended(false);
          if (error.code === 'store-throttled') rate.rejected(send.key, startedAtMs, error.retryAfterMs ?? 0);
        },
        cancelled: () => {
          close();
          watch.ended(false);
        },
      };
    },
    bytesPerSecond: () => measured.rate,
    settled: (lane) => {
      const { phase, limit } = lanes[lane].state;
      return phase.kind === 'grow' ? null : { connections: phase.kind === 'try' ? phase.from : limit };
    },
    isThrottled: rate.isThrottled,
    stop: () => {
      stopped = true;
      cancelTick();
    },
  };
}
