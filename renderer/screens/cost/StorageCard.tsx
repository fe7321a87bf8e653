import { useState } from 'react';
import type { Saving, StorageAnalysis } from '../../../shared/cost.ts';
import { formatUsd } from '../../../shared/money.ts';
import type { FolderView } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount } from '../../../shared/units.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { fullTime } from '../../text/timeAgo.ts';
import { Alarms } from './Alarms.tsx';
import { PriceLine } from './PriceLine.tsx';

/** What the whole bucket holds, asked for by a click: it may cost requests. */
export function StorageCard({ folder }: { readonly folder: FolderView }) {
  const api = useApi();
  const { busy, run } = useAction();
  const [analysis, setAnalysis] = useState<StorageAnalysis | null>(null);
  const look = (list: boolean) => run(async () => setAnalysis(await api.analyzeStorage({ folderId: folder.id, list })));
  return (
    <section className="card stack" aria-labelledby="storage">
      <div className="card-head">
        <h2 id="storage" className="card-title">
          Storage in <bdi>{folder.bucket}</bdi>
        </h2>
        <Button busy={busy} onClick={() => look(false)}>
          {analysis ? 'Look again' : 'Look at the bucket'}
        </Button>
      </div>
      {!analysis && (
        <p className="muted">
          From CloudWatch where it knows the bucket, else by listing it: one request for a thousand objects.
        </p>
      )}
      {analysis && <Analysis analysis={analysis} onList={() => look(true)} />}
      <Alarms folder={folder} />
    </section>
  );
}

function Analysis({ analysis, onList }: { readonly analysis: StorageAnalysis; readonly onList: () => void }) {
  const { source, fallbackReason, classes, savings, bySize } = analysis;
  return (
    <div className="stack">
      <p role="status">
        {formatCount(analysis.objects)} objects, {formatBytes(analysis.bytes)}, {formatUsd(analysis.usdPerMonth)} a
        month, {source === 'cloudwatch' ? `by CloudWatch on ${fullTime(analysis.measuredAt)}` : 'by listing the bucket'}
        .{fallbackReason !== null && ` ${fallbackReason}`}
      </p>
      {source === 'cloudwatch' && (
        <div>
          <Button onClick={onList}>List it instead, for the sizes of objects</Button>
        </div>
      )}
      <Table label="Storage by class" head={['Class', 'Size', 'A month']}>
        {classes.map(({ storageClass, bytes, usdPerMonth }) => (
          <tr key={storageClass}>
            <td>{storageClass}</td>
            <td className="number">{formatBytes(bytes)}</td>
            <td className="number">{formatUsd(usdPerMonth)}</td>
          </tr>
        ))}
      </Table>
      {savings.length > 0 && (
        <Table label="What other classes would save" head={['Move', 'Saves a month', 'Costs once']}>
          {savings.map((saving) => (
            <SavingRow key={`${saving.from} ${saving.to}`} saving={saving} />
          ))}
        </Table>
      )}
      {bySize.length > 0 && (
        <Table label="Advice by size of object" head={['Size', 'Objects', 'Together']}>
          {bySize.map(({ label, objects, bytes, advice }) => (
            <tr key={label}>
              <td>
                {label}
                <div className="field-hint">{advice}</div>
              </td>
              <td className="number">{formatCount(objects)}</td>
              <td className="number">{formatBytes(bytes)}</td>
            </tr>
          ))}
        </Table>
      )}
      <PriceLine prices={analysis.prices} />
    </div>
  );
}

function SavingRow({ saving }: { readonly saving: Saving }) {
  return (
    <tr>
      <td>
        {saving.from} → {saving.to}
        {saving.traps.map((trap) => (
          <div key={trap} className="field-hint">
            {trap}
          </div>
        ))}
      </td>
      <td className="number">{formatUsd(saving.usdPerMonth)}</td>
      <td className="number">{formatUsd(saving.transitionUsd)}</td>
    </tr>
  );
}

function Table({
  label,
  head,
  children,
}: {
  readonly label: string;
  readonly head: readonly string[];
  readonly children: React.ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((title, at) => (
              <th key={title} scope="col" className={at > 0 ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
