import type { BenchCellResult, BenchSample, BenchVerdict } from '../../../shared/bench.ts';
import { formatBytes, formatRate } from '../../../shared/units.ts';
import { meanInterval, pairedRatio } from './benchStatistics.ts';
import { multipartThresholdBytes, tablePartSize } from './partPlan.ts';
import { mayTune, sizeClassOf, tune } from './tuner.ts';

/** Why this cell needs no further round: even at its best it is slower than the best one at its worst; null: it goes on. Pure. */
export function hopeless(cell: BenchCellResult, all: readonly BenchCellResult[]): string | null {
  // The default is what all others are held against.
  if (cell.cell.kind === 'default' || cell.rates.length < 2) return null;
  const { high } = meanInterval(cell.rates);
  const measured = all.filter(({ rates }) => rates.length >= 2).map(({ rates }) => meanInterval(rates));
  const floor = Math.max(0, ...measured.map(({ low }) => low ?? 0));
  if (high === null || high >= floor) return null;
  return `at most ${formatRate(high)}, while the best gives at least ${formatRate(floor)} (both at 95 % confidence)`;
}

/** The cell worth holding against the default once more: the best mean of those that the tuner can be told of; null: none beat it. Pure. */
export function candidateOf(sizeBytes: number, cells: readonly BenchCellResult[]): BenchCellResult | null {
  // A size that is one PutObject in the large lane has no setting of its own.
  if (sizeClassOf(sizeBytes) === 'medium') return null;
  const standard = cells.find(({ cell }) => cell.kind === 'default');
  if (!standard || standard.rates.length === 0) return null;
  const best = cells
    .filter((one) => one.stopped === null && one.rates.length > 0 && !one.cell.accelerated)
    .filter(({ cell }) => isTunable(sizeBytes, cell.partSizeBytes))
    .toSorted((a, b) => meanInterval(b.rates).mean - meanInterval(a.rates).mean)[0];
  return best === undefined || best === standard ? null : best;
}

const isTunable = (sizeBytes: number, partSizeBytes: number): boolean =>
  sizeBytes < multipartThresholdBytes
    ? partSizeBytes === 0
    : partSizeBytes === tablePartSize(sizeBytes) || mayTune(partSizeBytes, sizeBytes);

/** What the tuner is told: how the default and the candidate did. It decides by its own rule, so what is recommended is what the engine then does. */
export function samplesFor(
  sizeBytes: number,
  files: number,
  candidate: BenchCellResult,
  standard: BenchCellResult,
): BenchSample[] {
  const bytes = sizeBytes * files;
  const concurrency = candidate.cell.connections ?? 1;
  const rows = (partSizeBytes: number, rates: readonly number[]): BenchSample[] =>
    rates.map((bytesPerSecond) => ({ partSizeBytes, concurrency, bytesPerSecond, bytes }));
  const { partSizeBytes } = candidate.cell;
  if (partSizeBytes === standard.cell.partSizeBytes) return rows(partSizeBytes, candidate.rates);
  return [...rows(standard.cell.partSizeBytes, standard.rates), ...rows(partSizeBytes, candidate.rates)];
}

/** The size's sentence, from fresh measurements of both in turns: those that chose the candidate would flatter it. Pure. */
export function verdictOf(
  sizeBytes: number,
  candidate: BenchCellResult | null,
  confirmed: readonly { readonly standard: number; readonly applied: number }[],
  samples: readonly BenchSample[],
): BenchVerdict {
  const keep = (why: string): BenchVerdict => ({ kind: 'keep-default', sentence: `${why}: keep the default` });
  if (sizeClassOf(sizeBytes) === 'medium') return keep('files of this size have no setting of their own');
  if (candidate === null) return keep('no other setting was faster');
  if (confirmed.length < 2) return keep('not measured to the end');
  const ratio = pairedRatio(confirmed.map(({ standard, applied }) => ({ before: standard, after: applied })));
  if (ratio.low === null || ratio.low <= 1) return keep('no difference measured');
  const choice = tune({
    history: samples,
    sizeBytes,
    tablePartSizeBytes: tablePartSize(sizeBytes),
    partSizeFixed: false,
    random: null,
  });
  const partSizeBytes = sizeBytes < multipartThresholdBytes ? 0 : (choice.partSizeBytes ?? tablePartSize(sizeBytes));
  const connections = choice.startConcurrency ?? candidate.cell.connections ?? 1;
  const parts = partSizeBytes === 0 ? 'one PutObject' : `${formatBytes(partSizeBytes)} parts`;
  const percent = (value: number): string => `${Math.round((value - 1) * 100)} %`;
  return {
    kind: 'better',
    partSizeBytes,
    connections,
    ratio,
    sentence: `${parts}, beginning with ${connections} connections: ${percent(ratio.mean)} faster than the default (${percent(ratio.low)} at least, at 95 % confidence)`,
  };
}
