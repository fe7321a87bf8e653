import type { BudgetState } from '../../../shared/cost.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { formatUsd } from '../../../shared/money.ts';

/** From this share of it on, a budget is about to be reached. */
const nearShare = 0.8;

/** Where a month stands against its budget; null: there is none. */
export function budgetState(limitUsd: number | null, spentUsd: number): BudgetState {
  if (limitUsd === null) return { kind: 'none' };
  const kind = spentUsd >= limitUsd ? 'reached' : spentUsd >= limitUsd * nearShare ? 'near' : 'within';
  return { kind, limitUsd, spentUsd };
}

/** What is said when nothing more is sent for the sake of the budget. */
export function budgetReached(state: Extract<BudgetState, { readonly limitUsd: number }>): SluiceError {
  return new SluiceError(
    'budget-reached',
    `This month's budget of ${formatUsd(state.limitUsd)} is used up (${formatUsd(state.spentUsd)}): nothing more is uploaded`,
  );
}

export function budgetNear(state: Extract<BudgetState, { readonly limitUsd: number }>): SluiceError {
  return new SluiceError(
    'budget-near',
    `${formatUsd(state.spentUsd)} of this month's budget of ${formatUsd(state.limitUsd)} are used`,
  );
}

/** `2026-11` and `2026-11-25`: S3 bills by UTC. */
export const monthOfMs = (ms: number): string => new Date(ms).toISOString().slice(0, 7);
export const dayOfMs = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
