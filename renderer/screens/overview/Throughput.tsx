import { Collapsible } from '@base-ui/react/collapsible';
import { ChevronRight } from 'lucide-react';
import type { RateSample, Totals } from '../../../shared/syncApi.ts';
import { formatRate } from '../../../shared/units.ts';
import { summarizeRate } from '../../charts/summarizeRate.ts';
import { ThroughputPlot } from '../../charts/ThroughputPlot.tsx';
import { clockTime } from '../../text/timeAgo.ts';

interface ThroughputProps {
  readonly samples: readonly RateSample[];
  readonly limit: number | null;
  readonly totals: Totals;
}

export function Throughput({ samples, limit, totals }: ThroughputProps) {
  const { average, fastest, minutes } = summarizeRate(samples);
  return (
    <section className="card" aria-labelledby="throughput">
      <div className="card-head">
        <h2 id="throughput" className="card-title">
          Throughput
        </h2>
        <p className="rate-now">
          <span className="rate-figure">{formatRate(totals.bytesPerSecond)}</span> now
        </p>
      </div>
      <ThroughputPlot samples={samples} limit={limit} />
      <p className="plot-summary">
        {samples.length === 0
          ? 'Nothing measured yet.'
          : fastest === 0
            ? `Nothing was uploaded in the last ${minutes} min.`
            : `Last ${minutes} min: ${formatRate(average)} on average, ${formatRate(fastest)} at most`}
        {limit !== null && (
          <span className="plot-limit">
            <svg viewBox="0 0 22 4" aria-hidden="true" className="plot-limit-key">
              <path d="M0 2h22" />
            </svg>
            limited to {formatRate(limit)}
          </span>
        )}
      </p>
      {samples.length > 0 && (
        <Collapsible.Root>
          <Collapsible.Trigger className="disclosure">
            <ChevronRight size={14} aria-hidden className="disclosure-icon" />
            As a table
          </Collapsible.Trigger>
          <Collapsible.Panel>
            <RateTable samples={samples} />
          </Collapsible.Panel>
        </Collapsible.Root>
      )}
    </section>
  );
}

/** Every tenth second is what a person can still read. */
function RateTable({ samples }: { readonly samples: readonly RateSample[] }) {
  const rows = samples.filter((_sample, index) => (samples.length - 1 - index) % 10 === 0).reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label="Throughput as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col" className="number">
              Throughput
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, bytesPerSecond }) => (
            <tr key={at}>
              <td>{clockTime(at)}</td>
              <td className="number">{formatRate(bytesPerSecond)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
