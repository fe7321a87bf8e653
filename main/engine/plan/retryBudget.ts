/** How many retries a store may be sent: a share of what it took, and a few per second on top, so that an ill store isn't hammered. Pure token bucket. */
export interface RetryBudget {
  readonly tokens: number;
  readonly filledAtMs: number;
}

/** Per request that went through (Finagle's retry budget; the SRE book says a tenth). */
const earned = 0.1;
const perSecond = 2;
const most = 50;
/** Nobody waits longer than ten seconds: the store may be well again. */
const mostOwed = 20;

export const newRetryBudget = (nowMs: number): RetryBudget => ({ tokens: 10, filledAtMs: nowMs });

export const retryEarned = (budget: RetryBudget): RetryBudget =>
  budget.tokens >= most ? budget : { ...budget, tokens: Math.min(most, budget.tokens + earned) };

/** Takes a retry. `waitMs` 0: go; else it has its turn after so long (the token is taken already). */
export function retryTaken(
  budget: RetryBudget,
  nowMs: number,
): { readonly budget: RetryBudget; readonly waitMs: number } {
  const refill = (Math.max(0, nowMs - budget.filledAtMs) / 1000) * perSecond;
  const tokens = Math.max(-mostOwed, Math.min(most, budget.tokens + refill) - 1);
  return { budget: { tokens, filledAtMs: nowMs }, waitMs: tokens >= 0 ? 0 : Math.ceil((-tokens / perSecond) * 1000) };
}
