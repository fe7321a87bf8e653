import { useState } from 'react';
import type { BudgetState } from '../../../shared/cost.ts';
import { formatUsd } from '../../../shared/money.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { TextField } from '../../components/TextField.tsx';
import { parseUsd } from './parseUsd.ts';

interface BudgetProps {
  readonly state: BudgetState;
  /** Why it can't be changed here. */
  readonly locked: string | null;
  readonly onSaved: () => Promise<void>;
}

/** A limit to what a month may cost: uploads stop when it is used up. */
export function Budget({ state, locked, onSaved }: BudgetProps) {
  const api = useApi();
  const { busy, run } = useAction();
  const [text, setText] = useState(state.kind === 'none' ? '' : String(state.limitUsd));
  const amount = parseUsd(text);
  const save = async () => {
    if (amount === undefined) return;
    const done = amount === null ? 'There is no monthly budget any more' : `Monthly budget: ${formatUsd(amount)}`;
    if (await run(() => api.updateSettings({ monthlyBudgetUsd: amount }), done)) await onSaved();
  };
  return (
    <section className="card stack" aria-labelledby="budget">
      <h2 id="budget" className="card-title">
        Monthly budget
      </h2>
      <p role="status">{budgetText(state)}</p>
      <form
        className="cost-form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField
          label="USD a month, over all folders"
          hint="Uploads stop when it is used up; nothing is lost. Empty: no budget."
          inputMode="decimal"
          locked={locked}
          placeholder="no budget"
          value={text}
          onChange={setText}
          error={amount === undefined ? 'Write an amount in USD, as 5 or 0.50, or leave it empty.' : undefined}
        />
        <Button type="submit" look="primary" busy={busy} disabled={amount === undefined || locked !== null}>
          Set the budget
        </Button>
      </form>
    </section>
  );
}

function budgetText(state: BudgetState): string {
  switch (state.kind) {
    case 'none':
      return 'No budget is set: uploads are never stopped for their cost.';
    case 'within':
      return `${formatUsd(state.spentUsd)} of ${formatUsd(state.limitUsd)} are used.`;
    case 'near':
      return `${formatUsd(state.spentUsd)} of ${formatUsd(state.limitUsd)} are used: it is nearly reached.`;
    case 'reached':
      return `The budget of ${formatUsd(state.limitUsd)} is used up (${formatUsd(state.spentUsd)}): uploads are stopped until next month, or until it is raised.`;
  }
}
