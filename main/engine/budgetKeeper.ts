import type { BudgetState } from '../../shared/cost.ts';
import type { ErrorView, SluiceError } from '../../shared/errors.ts';
import type { Ledger } from './ledger/ledger.ts';
import { budgetNear, budgetReached, budgetState } from './plan/budget.ts';
import type { Clock } from './ports.ts';

/** Holds the month's spending against its budget: warns when it is near, stops uploads when it is used up, lets them go on when the month or the budget is another. */
export interface BudgetKeeper {
  state(): BudgetState;
  /** Something was spent, or the budget is another. */
  check(): void;
  stop(): void;
}

/** While uploads are held nothing is spent, and only the calendar can let them go. */
const lookAgainMs = 60_000;

export function createBudgetKeeper(options: {
  readonly ledger: Pick<Ledger, 'raiseIssue' | 'settleIssues'>;
  readonly clock: Clock;
  readonly limitUsd: () => number | null;
  readonly spentUsd: () => number;
  /** null: uploads may go on. */
  readonly hold: (reason: SluiceError | null) => void;
  readonly onIssue: (error: ErrorView) => void;
  readonly onFatal: (error: unknown) => void;
}): BudgetKeeper {
  const { ledger, clock } = options;
  let kind: BudgetState['kind'] = 'none';
  let cancelTimer: () => void = () => undefined;
  let stopped = false;

  const state = (): BudgetState =>
    budgetState(options.limitUsd(), options.limitUsd() === null ? 0 : options.spentUsd());

  const check = (): void => {
    if (stopped) return;
    const now = state();
    if (now.kind === 'reached') {
      cancelTimer();
      cancelTimer = clock.after(lookAgainMs, () => {
        try {
          check();
        } catch (error) {
          options.onFatal(error);
        }
      });
    }
    if (now.kind === kind) return;
    const before = kind;
    kind = now.kind;
    ledger.settleIssues(null, null, ['budget-near', 'budget-reached']);
    if (now.kind === 'reached' || now.kind === 'near') {
      const error = now.kind === 'reached' ? budgetReached(now) : budgetNear(now);
      ledger.raiseIssue({ folderId: null, path: null, error: error.view(), atMs: clock.now() });
      if (now.kind === 'reached') options.hold(error);
      options.onIssue(error.view());
    }
    if (before === 'reached') options.hold(null);
  };

  return {
    state,
    check,
    stop: () => {
      stopped = true;
      cancelTimer();
    },
  };
}
