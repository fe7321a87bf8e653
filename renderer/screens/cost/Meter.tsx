import { Collapsible } from '@base-ui/react/collapsible';
import { ChevronRight } from 'lucide-react';
import type { MeterReport } from '../../../shared/cost.ts';
import { formatUsd } from '../../../shared/money.ts';
import { formatBytes, formatCount } from '../../../shared/units.ts';
import { CostPlot } from '../../charts/CostPlot.tsx';
import { PathText } from '../../components/PathText.tsx';
import { PriceLine } from './PriceLine.tsx';

/** This month, from the requests and bytes that were made. */
export function Meter({ report }: { readonly report: MeterReport }) {
  const { usdPerGb, targetUsdPerGb, requestUsd, addedStorageUsd, budget } = report;
  const limit = budget.kind === 'none' ? null : budget.limitUsd;
  return (
    <section className="card" aria-labelledby="meter">
      <div className="card-head">
        <h2 id="meter" className="card-title">
          This month
        </h2>
        <p className="rate-now">
          <span className="rate-figure">{formatUsd(requestUsd + addedStorageUsd)}</span> {report.month}, UTC
        </p>
      </div>
      {report.days.length > 0 && <CostPlot days={report.days} budget={limit} />}
      <p className="plot-summary">
        {report.days.length === 0
          ? 'Nothing was asked of a store this month.'
          : `${formatUsd(requestUsd)} for requests (${formatCount(report.writes)} writes, ${formatCount(report.reads)} reads) and ${formatUsd(addedStorageUsd)} for a month of keeping the ${formatBytes(report.bytes)} that went up.`}
      </p>
      <dl className="folder-facts cost-facts">
        <div>
          <dt>Cost per GB</dt>
          <dd>
            {usdPerGb === null
              ? 'nothing went up'
              : `${formatUsd(usdPerGb)}, ${usdPerGb < targetUsdPerGb ? 'under' : 'over'} the target of ${formatUsd(targetUsdPerGb)}`}
          </dd>
        </div>
        <div>
          <dt>All that is kept</dt>
          <dd>{formatUsd(report.keptUsdPerMonth)} a month</dd>
        </div>
      </dl>
      {report.lines.length > 0 && (
        <Collapsible.Root>
          <Collapsible.Trigger className="disclosure">
            <ChevronRight size={14} aria-hidden className="disclosure-icon" />
            By folder and by day
          </Collapsible.Trigger>
          <Collapsible.Panel>
            <FolderTable report={report} />
            <DayTable report={report} />
          </Collapsible.Panel>
        </Collapsible.Root>
      )}
    </section>
  );
}

function FolderTable({ report }: { readonly report: MeterReport }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label="Cost by folder">
      <table>
        <thead>
          <tr>
            <th scope="col">Folder</th>
            <th scope="col" className="number">
              Writes
            </th>
            <th scope="col" className="number">
              Reads
            </th>
            <th scope="col" className="number">
              Requests
            </th>
            <th scope="col" className="number">
              Storage
            </th>
          </tr>
        </thead>
        <tbody>
          {report.lines.map((line) => (
            <tr key={`${line.folderId} ${line.endpointUrl} ${line.bucket} ${line.storageClass}`}>
              <td>
                {line.path ? <PathText path={line.path} limit={40} /> : 'No folder'} in <bdi>{line.bucket}</bdi>
                {line.unanswered > 0 && (
                  <div className="field-hint">
                    {formatCount(line.unanswered)} requests had no answer and are counted as charged
                  </div>
                )}
                <PriceLine prices={line.prices} />
              </td>
              <td className="number">{formatCount(line.writes)}</td>
              <td className="number">{formatCount(line.reads)}</td>
              <td className="number">{formatUsd(line.requestUsd)}</td>
              <td className="number">{formatUsd(line.addedStorageUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function DayTable({ report }: { readonly report: MeterReport }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label="Cost by day">
      <table>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" className="number">
              Uploaded
            </th>
            <th scope="col" className="number">
              Requests
            </th>
            <th scope="col" className="number">
              Storage
            </th>
          </tr>
        </thead>
        <tbody>
          {report.days.toReversed().map(({ day, bytes, requestUsd, addedStorageUsd }) => (
            <tr key={day}>
              <td>{day}</td>
              <td className="number">{formatBytes(bytes)}</td>
              <td className="number">{formatUsd(requestUsd)}</td>
              <td className="number">{formatUsd(addedStorageUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
