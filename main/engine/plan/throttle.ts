/*
 * What a store that says 503 SlowDown or 429 is asked for: a token bucket whose rate is learnt from what the store really answered in the second before, cut on
 * throttling and raised along a cubic (CUBIC, RFC 9438; the SDK's adaptive mode): quickly back to what was known to work, then carefully beyond. The number of connections
 * is none of its business. Pure.
 */
export interface ThrottleState {
  /** Requests per second that last worked; null: not throttled. */
  readonly known: number | null;
  readonly tokens: number;
  readonly filledAtMs: number;
  /** Nothing goes before. */
  readonly resumeAtMs: number;
  /** Since the first rejection: what was delivered until then may be far less than the store takes, so it is doubled every second until the next one. */
  readonly isSearching: boolean;
  /** Rejections of what was sent before say nothing new. */
  readonly cutAtMs: number;
}

export const unthrottled: ThrottleState = {
  known: null,
  tokens: 0,
  filledAtMs: 0,
  resumeAtMs: 0,
  isSearching: false,
  cutAtMs: Number.NEGATIVE_INFINITY,
};

const cut = 0.9;
/** Relative to the known rate: (1 - cut) is regained after about 3.7 s, then 10 % more are reached as long after. */
const curve = 0.002;
const regainMs = Math.cbrt((1 - cut) / curve) * 1000;
/** A store without a word about throttling for so long isn't held back any more. */
const forgetMs = 60_000;
/** The first rejection: whatever window the store counts in is used up. */
const firstPauseMs = 1_000;
const laterPauseMs = 100;
/** Sent at once after a lull, in seconds of the rate. */
const burstSeconds = 0.05;

/** Requests per second allowed now; null: as many as like. */
export function throttleRate({ known, resumeAtMs, isSearching }: ThrottleState, nowMs: number): number | null {
  if (known === null || nowMs - resumeAtMs > forgetMs) return null;
  if (isSearching) return Math.max(0.5, known * cut * 2 ** (Math.max(0, nowMs - resumeAtMs) / 1000));
  const seconds = (Math.max(0, nowMs - resumeAtMs) - regainMs) / 1000;
  return Math.max(0.5, Math.min(2 * known, known * (1 + curve * seconds ** 3)));
}

/** While nothing is sent, answers to what was sent before still come in: the store took more than was known when it first refused. */
export function throttleDelivered(state: ThrottleState, nowMs: number, delivered: number): ThrottleState {
  const { known, resumeAtMs } = state;
  return known !== null && nowMs <= resumeAtMs && delivered > known ? { ...state, known: delivered } : state;
}

/** Takes a token. `waitMs` 0: go; else ask again after it. */
export function throttleTake(
  state: ThrottleState,
  nowMs: number,
): { readonly state: ThrottleState; readonly waitMs: number } {
  const rate = throttleRate(state, nowMs);
  if (rate === null) return { state: state.known === null ? state : unthrottled, waitMs: 0 };
  if (nowMs < state.resumeAtMs) return { state, waitMs: state.resumeAtMs - nowMs };
  // Twice what worked, and no refusal: what is known is too little. The curve begins anew from there.
  if (!state.isSearching && state.known !== null && rate >= 2 * state.known)
    return throttleTake({ ...state, known: rate, resumeAtMs: nowMs - regainMs }, nowMs);
  const filled = state.tokens + ((nowMs - Math.max(state.filledAtMs, state.resumeAtMs)) / 1000) * rate;
  const tokens = Math.min(Math.max(1, rate * burstSeconds), Math.max(state.tokens, filled));
  const next = { ...state, tokens, filledAtMs: nowMs };
  if (tokens >= 1) return { state: { ...next, tokens: tokens - 1 }, waitMs: 0 };
  return { state: next, waitMs: Math.max(1, Math.ceil(((1 - tokens) / rate) * 1000)) };
}

/** The store asked to slow down. `delivered`: requests it took in the second before; `sentAtMs`: when the rejected one went out. */
export function throttleRejected(
  state: ThrottleState,
  rejection: {
    readonly nowMs: number;
    readonly sentAtMs: number;
    readonly delivered: number;
    readonly retryAfterMs: number;
  },
): ThrottleState {
  const { nowMs, sentAtMs, delivered, retryAfterMs } = rejection;
  if (sentAtMs < state.cutAtMs) {
    return { ...state, resumeAtMs: Math.max(state.resumeAtMs, retryAfterMs > 0 ? nowMs + retryAfterMs : 0) };
  }
  const before = throttleRate(state, nowMs);
  // After a pause less was delivered than the store would have taken.
  const known = Math.max(1, before === null ? delivered : Math.max(delivered, before / 2));
  const pauseMs = Math.max(retryAfterMs, before === null ? firstPauseMs : laterPauseMs);
  const isSearching = before === null;
  return { known, tokens: 0, filledAtMs: nowMs, resumeAtMs: nowMs + pauseMs, isSearching, cutAtMs: nowMs };
}
