import { useState } from 'react';
import type { StorageAlarm } from '../../../shared/cost.ts';
import type { FolderView } from '../../../shared/syncApi.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { TextField } from '../../components/TextField.tsx';
import { parseUsd } from './parseUsd.ts';

/** Alarms in CloudWatch, only where there is one; made and removed by a click, never by themselves. */
export function Alarms({ folder }: { readonly folder: FolderView }) {
  const api = useApi();
  const { busy, run } = useAction();
  const [alarms, setAlarms] = useState<readonly StorageAlarm[] | null>(null);
  const [cost, setCost] = useState('');
  const [objects, setObjects] = useState('');
  if (folder.endpointUrl !== null) return null;
  const folderId = folder.id;
  const storageUsdPerMonth = parseUsd(cost);
  const count = objects.trim() === '' ? null : Number(objects);
  const valid =
    storageUsdPerMonth !== undefined &&
    (count === null || (Number.isInteger(count) && count > 0)) &&
    (storageUsdPerMonth !== null || count !== null);
  const look = () => run(async () => setAlarms((await api.storageAlarms({ folderId })).alarms));
  const make = () =>
    run(async () => {
      const wanted = { storageUsdPerMonth: storageUsdPerMonth ?? null, objects: count, topicArn: null };
      setAlarms((await api.createStorageAlarms({ folderId, ...wanted })).alarms);
    }, 'The alarms are set in CloudWatch');
  const remove = () =>
    run(async () => {
      await api.removeStorageAlarms({ folderId });
      setAlarms([]);
    }, 'The alarms of Sluice are removed');
  return (
    <div className="stack">
      <h3 className="field-label">Alarms in CloudWatch</h3>
      {alarms !== null && alarms.length === 0 && <p className="muted">Sluice has made none for this bucket.</p>}
      {alarms?.map(({ name, metric, threshold, state }) => (
        <p key={name}>
          {metric} above {threshold}: {state}
        </p>
      ))}
      <div className="cost-form">
        <TextField label="Storage costs more than, USD a month" inputMode="decimal" value={cost} onChange={setCost} />
        <TextField label="More objects than" inputMode="numeric" value={objects} onChange={setObjects} />
        <Button busy={busy} onClick={look}>
          Show alarms
        </Button>
        <Button busy={busy} disabled={!valid} onClick={make}>
          Set alarms
        </Button>
        {alarms !== null && alarms.length > 0 && (
          <Button busy={busy} onClick={remove}>
            Remove alarms
          </Button>
        )}
      </div>
    </div>
  );
}
