export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** A failed part waits this long; a failed file longer, an unreachable store longest between probes. */
export const backoffs = {
  part: { baseMs: 200, capMs: 20_000 },
  file: { baseMs: 2_000, capMs: 900_000 },
  probe: { baseMs: 1_000, capMs: 60_000 },
} as const satisfies Record<string, Backoff>;

/**
 * Exponential backoff with full jitter (AWS Architecture Blog, 2015): anywhere between nothing and the doubled delay, so that many clients don't
 * come back at once. What the store asks for (`Retry-After`) is a floor. `attempt` counts from 0; `random` in 0…1.
 */
export function retryDelayMs(attempt: number, { baseMs, capMs }: Backoff, random: number, retryAfterMs = 0): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.max(retryAfterMs, Math.round(ceiling * random));
}
