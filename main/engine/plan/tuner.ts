import type { StoreConnection } from '../../../shared/settings.ts';
import { formatBytes, formatCount, formatRate, GiB, MiB } from '../../../shared/units.ts';
import type { SizeClass } from '../ledger/ledger.ts';
import { s3Limits } from './partPlan.ts';

/** What a setting once gave. */
export interface TuningSample {
  readonly partSizeBytes: number;
  /** Connections that the controller had settled at. */
  readonly concurrency: number;
  readonly bytesPerSecond: number;
}

export interface TuningChoice {
  /** null: as the table says. */
  readonly partSizeBytes: number | null;
  readonly startConcurrency: number | null;
  /** What this store gave with the best setting, at least; null: not known. */
  readonly bytesPerSecond: number | null;
  readonly explores: boolean;
  /** Sentences, for `plan` and screens. */
  readonly reasons: readonly string[];
}

export interface TuningInput {
  /** Of this store and size class, newest first. */
  readonly history: readonly TuningSample[];
  readonly sizeBytes: number;
  /** What the table says. */
  readonly tablePartSizeBytes: number;
  /** The user fixed it: nothing is chosen or tried. */
  readonly partSizeFixed: boolean;
  /** 0 ≤ value < 1; null: only say what is best (plan), never explore. */
  readonly random: number | null;
}

/** Fewer say nothing: one lucky sample must not decide. */
const fewestSamples = 3;
const samplesPerSetting = 20;
const exploringShare = 0.08;
/** So much better than the table's own must another size surely be. */
const worthChanging = 1.05;
export const tunedPartRange = { min: 16 * MiB, max: 512 * MiB } as const;

/** Names a store in the tuning history: who signs in makes no difference to its speed. */
export const tuningStoreOf = (connection: Pick<StoreConnection, 'endpointUrl'>, bucket: string): string =>
  JSON.stringify([connection.endpointUrl, bucket]);

export function sizeClassOf(sizeBytes: number): SizeClass {
  if (sizeBytes <= 1 * MiB) return 'small';
  if (sizeBytes < 100 * MiB) return 'medium';
  return sizeBytes <= 5 * GiB ? 'large' : 'huge';
}

/** Picks from what was measured: the setting whose lower confidence bound is best; now and then a neighbour is tried so that there is something to pick from. Pure. */
export function tune(input: TuningInput): TuningChoice {
  const { history, tablePartSizeBytes, partSizeFixed, random } = input;
  const settings = [...groups(history)].map(([partSizeBytes, samples]) => ({ partSizeBytes, ...bounds(samples) }));
  const known = settings.filter(({ count }) => count >= fewestSamples);
  const best = known.toSorted((a, b) => b.low - a.low)[0];
  const table = known.find(({ partSizeBytes }) => partSizeBytes === tablePartSizeBytes);
  const reasons: string[] = [];
  const all = history
    .slice(0, samplesPerSetting)
    .map(({ concurrency }) => concurrency)
    .sort((a, b) => a - b);
  const median = all.length >= fewestSamples ? all[Math.floor((all.length - 1) / 2)]! : null;
  const startConcurrency = median === null ? null : Math.max(1, Math.round(median * 0.75));
  if (startConcurrency !== null)
    reasons.push(
      `begins with ${startConcurrency} connections: ${formatCount(all.length)} earlier uploads to this store settled at about ${median}`,
    );
  const bytesPerSecond = best === undefined ? null : best.low;
  if (partSizeFixed || input.sizeBytes < 100 * MiB)
    return { partSizeBytes: null, startConcurrency, bytesPerSecond, explores: false, reasons };

  if (random !== null && random < exploringShare) {
    const tried = neighbour(input, random / exploringShare);
    if (tried !== null) {
      reasons.push(`tries ${formatBytes(tried)} parts, to learn whether they are faster (at most one upload in ten)`);
      return { partSizeBytes: tried, startConcurrency, bytesPerSecond, explores: true, reasons };
    }
  }
  if (
    best &&
    table &&
    best !== table &&
    best.low > table.mean * worthChanging &&
    mayTune(best.partSizeBytes, input.sizeBytes)
  ) {
    reasons.push(
      `${formatBytes(best.partSizeBytes)} parts gave at least ${formatRate(best.low)} in ${formatCount(best.count)} uploads, ${formatBytes(tablePartSizeBytes)} parts ${formatRate(table.mean)}`,
    );
    return { partSizeBytes: best.partSizeBytes, startConcurrency, bytesPerSecond, explores: false, reasons };
  }
  if (table)
    reasons.push(
      `${formatBytes(tablePartSizeBytes)} parts gave ${formatRate(table.mean)} in ${formatCount(table.count)} uploads: nothing better is known`,
    );
  return { partSizeBytes: null, startConcurrency, bytesPerSecond, explores: false, reasons };
}

function groups(history: readonly TuningSample[]): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const { partSizeBytes, bytesPerSecond } of history) {
    const rates = found.get(partSizeBytes) ?? [];
    if (rates.length < samplesPerSetting) rates.push(bytesPerSecond);
    found.set(partSizeBytes, rates);
  }
  return found;
}

/** Mean, and a bound that the true mean is above with some 95 %: twice the standard error, which for few samples is taken as at least a tenth of the mean. */
function bounds(rates: readonly number[]): { count: number; mean: number; low: number } {
  const count = rates.length;
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / count;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / Math.max(1, count - 1);
  const error = Math.max(Math.sqrt(variance), mean * 0.1) / Math.sqrt(count);
  return { count, mean, low: Math.max(0, mean - 2 * error) };
}

function neighbour({ tablePartSizeBytes, sizeBytes }: TuningInput, which: number): number | null {
  const tried = which < 0.5 ? tablePartSizeBytes / 2 : tablePartSizeBytes * 2;
  return mayTune(tried, sizeBytes) ? tried : null;
}

/** Within the preferred range and S3's limits, and leaving enough parts that they can go side by side. */
export function mayTune(partSizeBytes: number, sizeBytes: number): boolean {
  const parts = Math.ceil(sizeBytes / partSizeBytes);
  return (
    partSizeBytes >= tunedPartRange.min &&
    partSizeBytes <= tunedPartRange.max &&
    parts <= s3Limits.maxParts &&
    parts >= 4
  );
}
