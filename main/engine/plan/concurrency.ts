/*
 * How many requests of one lane go to one store at a time, found by trying: AzCopy's tuner (multiply, keep what gives a fifth of linear, else step back), but running for
 * ever, with the round trip's inflation (Netflix's gradient limiter) to say which way to try next. Pure: state and sample in, state out.
 */

/** What happened since the last sample, some 10…100 ms ago. */
export interface ConcurrencySample {
  /** ms, monotonic */
  readonly atMs: number;
  /** Put on the wire by all lanes of this store. */
  readonly bytes: number;
  /** Requests of all lanes that the store answered with success. */
  readonly completions: number;
  /** Requests of this lane in flight now. */
  readonly inFlight: number;
  /** From the last byte sent to the first of the answer, ms; the smallest since the last sample, null: none was answered. */
  readonly answerMs: number | null;
  /** Of this machine's cores, what this process kept busy since the last sample, 0…1. */
  readonly busyShare: number;
}

export interface ConcurrencyState {
  /** 1…max */
  readonly limit: number;
  readonly phase: Phase;
  /** Units of work (see `requestBytes`) per second at `limit`, smoothed; null until a window was measured. */
  readonly rate: number | null;
  /** The best rate seen lately in this regime: steps down are measured against it, so that many small losses don't add up. */
  readonly peak: number;
  /** Smallest answer time of this path, ms; drifts up so that a longer path is learnt. */
  readonly baseAnswerMs: number | null;
  readonly answerMs: number | null;
  readonly window: Window;
  readonly sampledAtMs: number;
}

type Phase =
  /** ×2 while it pays. `before`: limit and rate that the last doubling started from. */
  | { readonly kind: 'grow'; readonly before: { readonly limit: number; readonly rate: number } | null }
  /** Holds until `untilMs`, then tries a step. */
  | {
      readonly kind: 'hold';
      readonly untilMs: number;
      readonly holdMs: number;
      readonly next: 'up' | 'down';
      readonly odd: number;
    }
  | { readonly kind: 'try'; readonly from: number; readonly rate: number; readonly holdMs: number };

interface Window {
  /** Until then what comes is still of the old limit. */
  readonly fromMs: number;
  /** Answers still to come of requests begun under the old limit. */
  readonly stale: number;
  readonly bytes: number;
  readonly completions: number;
  readonly samples: number;
  readonly saturated: number;
  /** Sum of the samples' shares. */
  readonly busy: number;
}

export interface ConcurrencyBounds {
  /** 1…250 */
  readonly max: number;
  readonly lane: LaneHabits;
}

export interface LaneHabits {
  /** Where an unknown store is begun with. */
  readonly start: number;
  /** A window is at least so long, ms: bytes of large bodies are told only every 100 ms. */
  readonly windowMs: number;
  /** Answers that make a window, per request in flight: requests that began together end together, so one round may tell too much or too little. */
  readonly rounds: number;
  /** Of the linear gain; less isn't worth the connections (AzCopy: 0.2). Those of small files cost less. */
  readonly worthwhile: number;
  /** On a link that isn't slow, fewer save nothing and leave it idle between two requests. */
  readonly fewest: number;
}

export const laneHabits = {
  small: { start: 32, windowMs: 60, rounds: 2, worthwhile: 0.12, fewest: 16 },
  large: { start: 4, windowMs: 250, rounds: 1, worthwhile: 0.2, fewest: 4 },
} as const satisfies Record<string, LaneHabits>;

/** A request costs as much as this many bytes: so that small files and large ones are weighed in one measure (127 µs of CPU, engine-facts.md). */
const requestBytes = 128 * 1024;
/** What of the best rate may be lost by a step down. */
const tolerated = 0.96;
/** Above this the processor is what they wait for (AzCopy watches it too): more of them would only wait longer, and cost memory. */
const mostBusy = 0.7;
const longestWindowMs = 3_000;
const longestSettleMs = 2_000;
const shortestHoldMs = 500;
const longestHoldMs = 15_000;
/** Another network: the rate outside of this range of what it was. */
const regime = { below: 0.5, above: 1.6 };

export function newConcurrency(start: number, nowMs: number): ConcurrencyState {
  return {
    limit: Math.max(1, Math.round(start)),
    phase: { kind: 'grow', before: null },
    rate: null,
    peak: 0,
    baseAnswerMs: null,
    answerMs: null,
    window: emptyWindow(nowMs),
    sampledAtMs: nowMs,
  };
}

/** Takes one sample. The limit stays within 1…`bounds.max` whatever is sampled. */
export function concurrencyAfter(
  given: ConcurrencyState,
  sample: ConcurrencySample,
  bounds: ConcurrencyBounds,
): ConcurrencyState {
  const limit = Math.max(1, Math.min(given.limit, bounds.max));
  const state = withAnswer({ ...given, limit, sampledAtMs: sample.atMs }, sample.answerMs);
  const window = added(state.window, sample, limit);
  if (!isFull(window, sample.atMs, state, bounds)) return { ...state, window };
  const elapsedMs = sample.atMs - window.fromMs;
  const rate = ((window.bytes + window.completions * requestBytes) * 1000) / elapsedMs;
  // A limit that isn't reached says nothing, nor does an outage.
  const tells = window.samples > 0 && window.saturated >= 0.7 * window.samples && rate > 0;
  if (!tells) return { ...state, window: emptyWindow(sample.atMs) };
  const isBusy = window.busy > mostBusy * window.samples;
  const next = decide(state, rate, isBusy, sample.atMs, bounds);
  return { ...next, limit: Math.max(1, Math.min(next.limit, bounds.max)) };
}

function decide(
  state: ConcurrencyState,
  rate: number,
  isBusy: boolean,
  nowMs: number,
  { max, lane }: ConcurrencyBounds,
): ConcurrencyState {
  const { phase, limit } = state;
  const inflated = inflation(state) > 2;
  switch (phase.kind) {
    case 'grow': {
      const { before } = phase;
      const paid = before === null || gainShare(before, { limit, rate }) >= lane.worthwhile;
      if (paid && limit < max && !isBusy) {
        const next = Math.min(max, limit * 2);
        return moved(measured(state, rate), next, { kind: 'grow', before: { limit, rate } }, nowMs, lane);
      }
      if (paid) return moved(measured(state, rate), limit, holding(nowMs, shortestHoldMs, 'down'), nowMs, lane);
      // Part of the last doubling may have paid: half of it is kept when there was any gain, and small steps find the rest.
      const kept = rate > 1.05 * before.rate && !inflated ? Math.ceil((before.limit + limit) / 2) : before.limit;
      return moved(
        measured(state, Math.max(rate, before.rate)),
        kept,
        holding(nowMs, shortestHoldMs, 'up'),
        nowMs,
        lane,
      );
    }
    case 'hold': {
      const changed = state.rate !== null && (rate < state.rate * regime.below || rate > state.rate * regime.above);
      if (changed) {
        // Twice in a row it is no hiccup: what was learnt is of another network.
        if (phase.odd === 0) return { ...state, phase: { ...phase, odd: 1 }, window: emptyWindow(nowMs) };
        const faster = rate > (state.rate ?? 0);
        const fresh = { ...state, rate, peak: rate };
        if (!faster) return moved(fresh, limit, holding(nowMs, shortestHoldMs, 'down'), nowMs, lane);
        return moved(fresh, limit, { kind: 'grow', before: null }, nowMs, lane);
      }
      const known = measured(state, rate);
      if (nowMs < phase.untilMs) return { ...known, phase: { ...phase, odd: 0 }, window: emptyWindow(nowMs) };
      const up = (phase.next === 'up' || limit <= fewest(lane, known.rate ?? rate)) && limit < max && !isBusy;
      const step = Math.max(1, Math.round(limit * (!up && inflation(state) > 4 ? 0.5 : 0.25)));
      const next = up
        ? Math.min(max, limit + step)
        : Math.min(limit, Math.max(fewest(lane, known.rate ?? rate), limit - step));
      if (next === limit)
        return { ...known, phase: holding(nowMs, longer(phase.holdMs), 'up'), window: emptyWindow(nowMs) };
      const tried = { kind: 'try', from: limit, rate: known.rate ?? rate, holdMs: phase.holdMs } as const;
      return moved(known, next, tried, nowMs, lane);
    }
    case 'try': {
      const { from } = phase;
      const up = limit > from;
      const good = up
        ? gainShare({ limit: from, rate: phase.rate }, { limit, rate }) >= lane.worthwhile && rate > 1.02 * phase.rate
        : rate >= tolerated * Math.max(phase.rate, state.peak);
      // What was worth it is tried again at once, the other direction after a while.
      if (good)
        return moved(measured(state, rate), limit, holding(nowMs, shortestHoldMs, up ? 'up' : 'down'), nowMs, lane);
      const peak = state.peak + (phase.rate - state.peak) * 0.1;
      const next = up ? 'down' : 'up';
      return moved({ ...state, peak }, from, holding(nowMs, longer(phase.holdMs), next), nowMs, lane);
    }
  }
}

/** On a link that crawls one after the other is best. */
const fewest = (lane: LaneHabits, rate: number): number =>
  rate > 4 * 2 ** 20 ? lane.fewest : rate > 2 ** 19 ? Math.ceil(lane.fewest / 2) : 1;

const holding = (nowMs: number, holdMs: number, next: 'up' | 'down'): Phase => ({
  kind: 'hold',
  untilMs: nowMs + holdMs,
  holdMs,
  next,
  odd: 0,
});
const longer = (holdMs: number): number => Math.min(longestHoldMs, holdMs * 1.6);

/** How much of the linear gain came: 1 is all of it. */
function gainShare(
  before: { readonly limit: number; readonly rate: number },
  after: { readonly limit: number; readonly rate: number },
): number {
  return (after.rate / before.rate - 1) / (after.limit / before.limit - 1);
}

function moved(
  state: ConcurrencyState,
  limit: number,
  phase: Phase,
  nowMs: number,
  lane: LaneHabits,
): ConcurrencyState {
  if (limit === state.limit) return { ...state, phase, window: emptyWindow(nowMs) };
  // New connections shake hands and start slowly: about four round trips until they carry what they can.
  const settleMs = limit < state.limit ? 0 : Math.min(longestSettleMs, 4.5 * (state.baseAnswerMs ?? 0));
  // And what was begun before isn't counted, where requests end soon enough to wait for.
  const stale = lane.rounds > 1 ? state.limit : 0;
  return { ...state, limit, phase, window: emptyWindow(nowMs + settleMs, stale) };
}

function measured(state: ConcurrencyState, rate: number): ConcurrencyState {
  const smoothed = state.rate === null ? rate : state.rate + (rate - state.rate) * 0.4;
  return { ...state, rate: smoothed, peak: Math.max(state.peak, smoothed) };
}

const emptyWindow = (fromMs: number, stale = 0): Window => ({
  fromMs,
  stale,
  bytes: 0,
  completions: 0,
  samples: 0,
  saturated: 0,
  busy: 0,
});

function added(window: Window, sample: ConcurrencySample, limit: number): Window {
  if (window.stale > 0) {
    const stale = sample.atMs > window.fromMs + longestSettleMs ? 0 : window.stale - sample.completions;
    return stale > 0 ? { ...window, stale } : emptyWindow(Math.max(window.fromMs, sample.atMs));
  }
  if (sample.atMs <= window.fromMs) return window;
  // Parts begun under a higher limit go on: nothing can be said of the lower one before they ended.
  if (sample.inFlight > Math.max(limit + 1, 1.1 * limit)) return emptyWindow(sample.atMs);
  return {
    ...window,
    bytes: window.bytes + sample.bytes,
    completions: window.completions + sample.completions,
    samples: window.samples + 1,
    saturated: window.saturated + (sample.inFlight >= 0.9 * limit ? 1 : 0),
    busy: window.busy + sample.busyShare,
  };
}

/** A round of all in flight, or enough time that the bytes alone tell. */
function isFull(window: Window, atMs: number, state: ConcurrencyState, bounds: ConcurrencyBounds): boolean {
  const elapsedMs = atMs - window.fromMs;
  const roundTripMs = state.answerMs ?? 0;
  const { windowMs, rounds } = bounds.lane;
  if (elapsedMs < Math.min(longestWindowMs, Math.max(windowMs, 2 * roundTripMs))) return false;
  if (elapsedMs >= longestWindowMs) return true;
  const enough = Math.max(24, rounds * state.limit);
  return window.completions >= enough || elapsedMs >= Math.max(3 * windowMs, 8 * roundTripMs);
}

function withAnswer(state: ConcurrencyState, answerMs: number | null): ConcurrencyState {
  if (answerMs === null) return state;
  const { baseAnswerMs } = state;
  const base = baseAnswerMs === null ? answerMs : Math.min(answerMs, baseAnswerMs + (answerMs - baseAnswerMs) * 0.002);
  const smoothed = state.answerMs === null ? answerMs : state.answerMs + (answerMs - state.answerMs) * 0.2;
  return { ...state, baseAnswerMs: base, answerMs: smoothed };
}

const inflation = ({ answerMs, baseAnswerMs }: ConcurrencyState): number =>
  answerMs === null || baseAnswerMs === null ? 1 : answerMs / Math.max(1, baseAnswerMs);
