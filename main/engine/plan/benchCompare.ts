import type { BenchCell, BenchReport } from '../../../shared/bench.ts';

export interface BenchChange {
  readonly sizeBytes: number;
  readonly cell: BenchCell;
  /** This run's mean by the last one's. */
  readonly ratio: number;
  /** The intervals don't touch. */
  readonly isClear: boolean;
}

/** What changed since the last run against the same bucket, for each setting that both measured. Pure. */
export function compareBenches(before: BenchReport, after: BenchReport): readonly BenchChange[] {
  const changes: BenchChange[] = [];
  const named = (sizeBytes: number, files: number, cell: BenchCell): string => JSON.stringify([sizeBytes, files, cell]);
  const known = new Map(
    before.sizes.flatMap(({ sizeBytes, files, cells }) =>
      cells.map(({ cell, interval }) => [named(sizeBytes, files, cell), interval] as const),
    ),
  );
  for (const { sizeBytes, files, cells } of after.sizes) {
    for (const { cell, interval } of cells) {
      const old = known.get(named(sizeBytes, files, cell));
      if (!old || !interval) continue;
      const apart = (a: number | null, b: number | null): boolean => a !== null && b !== null && a > b;
      const isClear = apart(interval.low, old.high) || apart(old.low, interval.high);
      changes.push({ sizeBytes, cell, ratio: interval.mean / old.mean, isClear });
    }
  }
  return changes;
}
