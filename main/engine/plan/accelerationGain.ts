/** One round of a probe: the same bytes over both endpoints, one after the other. Bytes per second, > 0. */
export interface ProbeRound {
  readonly regional: number;
  readonly accelerated: number;
}

export interface GainEstimate {
  /** How many times as fast the accelerated endpoint is; geometric mean. 1: as fast. */
  readonly ratio: number;
  /** The interval that holds the true ratio with 95 %, however often one looked on the way. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
  /** Of the regional endpoint, bytes per second. */
  readonly regionalBytesPerSecond: number;
  readonly verdict: 'faster' | 'not-faster' | 'undecided';
}

/** Less than this isn't paid for: S3 itself doesn't charge where acceleration isn't faster. */
export const worthwhileGain = 1.05;
/** A probe looks after each round from the third to the eighth: six looks, so each may err in a sixth of 5 %. */
export const minRounds = 3;
export const maxRounds = 8;

/**
 * What the rounds say. Pairs, because both endpoints share the weather of their minute; logarithms, because a ratio is skewed; Student's t, because there are few; Bonferroni over
 * the looks, so that stopping at the first clear one doesn't make noise look like a fact. null: no round.
 */
export function estimateGain(rounds: readonly ProbeRound[]): GainEstimate | null {
  const n = rounds.length;
  if (n === 0) return null;
  const logs = rounds.map(({ regional, accelerated }) => Math.log(accelerated / regional));
  const mean = logs.reduce((sum, log) => sum + log, 0) / n;
  const regionalBytesPerSecond = Math.exp(rounds.reduce((sum, { regional }) => sum + Math.log(regional), 0) / n);
  const base = { ratio: Math.exp(mean), rounds: n, regionalBytesPerSecond };
  if (n < minRounds) return { ...base, low: 0, high: Number.POSITIVE_INFINITY, verdict: 'undecided' };
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (n - 1);
  // Clocks and sockets have a grain: three equal rounds don't make it nought.
  const error = Math.max(Math.sqrt(variance), leastSpread) / Math.sqrt(n);
  const reach = tAt(n - 1) * error;
  const [low, high] = [Math.exp(mean - reach), Math.exp(mean + reach)];
  const verdict = low > worthwhileGain ? 'faster' : high < worthwhileGain ? 'not-faster' : 'undecided';
  return { ...base, low, high, verdict };
}

/** Whether another round is worth its bytes: not when it is clear, nor when it stays unclear. */
export function needsRound(rounds: readonly ProbeRound[]): boolean {
  if (rounds.length < minRounds) return true;
  return rounds.length < maxRounds && estimateGain(rounds)?.verdict === 'undecided';
}

const leastSpread = 0.01;

/** Two-sided quantiles of Student's t at 1 − 0.05/6, for 2…7 degrees of freedom. */
const quantiles = [10.89, 6.58, 5.17, 4.5, 4.11, 3.86];
const tAt = (freedom: number): number => quantiles[Math.min(freedom, 7) - 2]!;

export interface ProbeTimes {
  readonly nowMs: number;
  readonly lastProbeAtMs: number | null;
  readonly networkChangedAtMs: number | null;
  /** What transfers over the chosen endpoint give now, over what the probe promised of it; null: nothing was sent lately. */
  readonly observedOverPromised: number | null;
}

/** When to measure again, and why; null: what is known holds. */
export function probeDue(
  times: ProbeTimes,
): 'never-measured' | 'daily' | 'network-changed' | 'slower-than-promised' | null {
  const { nowMs, lastProbeAtMs, networkChangedAtMs, observedOverPromised } = times;
  if (lastProbeAtMs === null) return 'never-measured';
  const ageMs = nowMs - lastProbeAtMs;
  if (ageMs >= dayMs) return 'daily';
  if (ageMs < restMs) return null;
  if (networkChangedAtMs !== null && networkChangedAtMs > lastProbeAtMs) return 'network-changed';
  return observedOverPromised !== null && observedOverPromised < disappointing ? 'slower-than-promised' : null;
}

const dayMs = 86_400_000;
/** Between two probes at least, whatever happens: each costs bytes. */
const restMs = 300_000;
const disappointing = 0.6;
