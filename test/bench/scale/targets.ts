import { MiB } from '../../../shared/units.ts';
import type { Figures, ScaleFigures } from './measure.ts';

export interface TargetRow {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** At most this. */
  readonly target: number;
  readonly met: boolean;
}

/** What was measured beside what is promised of a million files on two cores. */
export function targets({ firstScan, rescan, watch, claims }: ScaleFigures, files: number): readonly TargetRow[] {
  const row = (what: string, of: Figures, name: string, unit: string, target: number, scale = 1): TargetRow => {
    const value = of[name];
    if (value === undefined) throw new Error(`nothing says ${name}`);
    return { what, value: value / scale, unit, target, met: value / scale <= target };
  };
  const missing = (of: Figures, name: string): TargetRow => ({
    what: `files not found by it (${name})`,
    value: files - (of[name] ?? 0),
    unit: '',
    target: 0,
    met: of[name] === files,
  });
  return [
    row('first scan into an empty ledger', firstScan, 'wallMs', 's', 9, 1_000),
    missing(firstScan, 'filesTotal'),
    row('… peak memory', firstScan, 'peakRssBytes', 'MiB', 200, MiB),
    row('scan with nothing changed', rescan, 'wallMs', 's', 4, 1_000),
    missing(rescan, 'filesUnchanged'),
    row('… peak memory', rescan, 'peakRssBytes', 'MiB', 200, MiB),
    row('start to watching, scanned', watch, 'watchingMs', 's', 15, 1_000),
    row('… and scanned again', watch, 'settledMs', 's', 15, 1_000),
    row('memory while watching', watch, 'watchingRssBytes', 'MiB', 300, MiB),
    row('CPU while nothing happens', watch, 'idleCpuPercent', '% of a core', 0.3),
    row('change to queue beyond the settle time, p50', watch, 'latencyBeyondSettleP50Ms', 'ms', 100),
    row('… p99', watch, 'latencyBeyondSettleP99Ms', 'ms', 500),
    row('claim with all queued, p99', claims, 'claimP99Ms', 'ms', 0.1),
    row('… and a twentieth backing off, p99', claims, 'claimWhileWaitingP99Ms', 'ms', 0.1),
    row('ledger, all proven', claims, 'ledgerBytesPerFile', 'bytes a file', 250),
  ];
}

export function tableOf(rows: readonly TargetRow[]): string {
  const lines = rows.map(
    ({ what, value, unit, target, met }) =>
      `| ${what} | ${value.toPrecision(3)} ${unit} | ${target} ${unit} | ${met ? 'met' : 'missed'} |`,
  );
  return ['| what | measured | at most | |', '| --- | ---: | ---: | --- |', ...lines].join('\n');
}
