import { CircleDollarSign } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import type { MeterReport } from '../../../shared/cost.ts';
import { errorView } from '../../../shared/errors.ts';
import type { PolicyView } from '../../../shared/policy.ts';
import { useApi, useSnapshot } from '../../api/useEngine.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { Select } from '../../components/Select.tsx';
import { lockReason } from '../../text/lockReason.ts';
import { Budget } from './Budget.tsx';
import { LifecycleCard } from './LifecycleCard.tsx';
import { Meter } from './Meter.tsx';
import { StorageCard } from './StorageCard.tsx';

const refreshMs = 10_000;

export function CostScreen() {
  const api = useApi();
  const { folders } = useSnapshot();
  const [report, setReport] = useState<MeterReport | null>(null);
  const [policy, setPolicy] = useState<PolicyView | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const refresh = useCallback(async () => {
    try {
      const [view, meter] = await Promise.all([api.policy({}), api.costMeter({ month: null })]);
      setPolicy(view);
      setReport(meter);
      setFailure(null);
    } catch (error) {
      setFailure(errorView(error).message);
    }
  }, [api]);
  useEffect(() => {
    void refresh();
    const timer = setInterval(() => void refresh(), refreshMs);
    return () => clearInterval(timer);
  }, [refresh]);

  const folder = folders.find(({ id }) => String(id) === chosen) ?? folders[0];
  return (
    <>
      {failure && (
        <p className="field-error" role="alert">
          {failure}
        </p>
      )}
      {report && <Meter report={report} />}
      {report && policy && (
        <Budget state={report.budget} locked={lockReason(policy, 'monthlyBudgetUsd')} onSaved={refresh} />
      )}
      {folder ? (
        <>
          {folders.length > 1 && (
            <Select
              label="Bucket of"
              value={String(folder.id)}
              options={folders.map(({ id, path, uri }) => ({ value: String(id), label: `${path} → ${uri}` }))}
              onChange={setChosen}
            />
          )}
          <StorageCard key={`storage ${folder.id}`} folder={folder} />
          <LifecycleCard key={`lifecycle ${folder.id}`} folder={folder} />
        </>
      ) : (
        <EmptyState
          icon={CircleDollarSign}
          title="No bucket yet"
          text="Add a folder: before it starts you see what it will cost."
        />
      )}
    </>
  );
}
