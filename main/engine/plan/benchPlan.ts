import type { BenchCell } from '../../../shared/bench.ts';
import { formatUsd, forRequests, forStorage, forVolume, gigabytes, monthsOfDays } from '../../../shared/money.ts';
import { noPriceFile, type Prices, pricesFor } from '../../../shared/prices.ts';
import { defaultEngineSettings } from '../../../shared/settings.ts';
import { formatBytes, GiB, MiB } from '../../../shared/units.ts';
import { planUpload, s3Limits } from './partPlan.ts';
import { sizeClassOf } from './tuner.ts';

/** What is to be measured. */
export interface BenchMatrix {
  /** Bytes, each > 0. */
  readonly sizes: readonly number[];
  /** Bytes, 5 MiB…5 GiB. */
  readonly partSizes: readonly number[];
  /** Connections, each 1…200. */
  readonly concurrency: readonly number[];
  /** Measured uploads of each cell, 2…50. */
  readonly iterations: number;
  /** Files of one measurement together have about this much. */
  readonly sampleBytes: number;
  /** The bucket takes accelerated uploads: each cell is measured both ways. */
  readonly accelerated: boolean;
  readonly maxObjectBytes?: number;
}

export interface BenchBudget {
  readonly bytes: number;
  /** null: no limit, or no price is known. */
  readonly dollars: number | null;
}

export interface BenchSizePlan {
  readonly sizeBytes: number;
  readonly files: number;
  /** The first is the default. */
  readonly cells: readonly BenchCell[];
  readonly merged: readonly string[];
  /** At most, with no cell stopped early. */
  readonly needs: BenchNeeds;
}

export interface BenchNeeds {
  readonly bytes: number;
  readonly requests: number;
  readonly dollars: number | null;
}

export interface BenchPlan {
  readonly sizes: readonly BenchSizePlan[];
  readonly left: readonly { readonly sizeBytes: number; readonly reason: string }[];
  readonly needs: BenchNeeds;
}

/** M15's matrix. */
export const fullMatrix = {
  sizes: [1 * MiB, 10 * MiB, 100 * MiB, 1 * GiB, 10 * GiB],
  partSizes: [16 * MiB, 64 * MiB, 128 * MiB, 256 * MiB],
  concurrency: [10, 25, 50, 100, 200],
  iterations: 5,
  sampleBytes: 256 * MiB,
} as const;

/** One size for each setting that the tuner has, and the ends of the matrix. */
export const quickMatrix = {
  sizes: [1 * MiB, 128 * MiB],
  partSizes: [16 * MiB, 64 * MiB],
  concurrency: [10, 50],
  iterations: 3,
  sampleBytes: 64 * MiB,
} as const;

export type BenchPrices = Pick<Prices, 'classes' | 'acceleration'>;
/** Of us-east-1. */
export const awsPrices: BenchPrices = pricesFor({ endpointUrl: null, region: null }, noPriceFile);
/** S3 Standard. */
export const writesDollars = (prices: BenchPrices, count: number): number =>
  forRequests(count, prices.classes.STANDARD.writes);
/** Sent, and kept for one hour: more is never billed, for it is deleted at once. */
export const bytesDollars = (prices: BenchPrices, bytes: number, accelerated: boolean): number =>
  forStorage(gigabytes(bytes), prices.classes.STANDARD.storage, monthsOfDays(1 / 24)) +
  (accelerated ? forVolume(gigabytes(bytes), prices.acceleration) : 0);

/** The default and what would be recommended are measured in turns once more, so often; never for medium files, which have no setting of their own. */
export const confirmPairs = (sizeBytes: number, iterations: number): number =>
  sizeClassOf(sizeBytes) === 'medium' ? 0 : Math.max(5, iterations);
/** Files that the engine sends at once in the large lane, and parts of one (transfer.ts, partPlan.ts). */
const largeFilesAtOnce = 6;
const largeLaneFromBytes = 8 * MiB;
const partsAtOnce = 20;
const mostFiles = 256;
/** Of one measurement: the bucket looked at; its objects and its uploads listed, and listed again to see that none is left. */
const lookingRequests = 5;
/** Of each file: looked at, and deleted; a delete costs nothing, a look hardly anything. */
const freeRequests = 2;

/** The cells that really differ, for each size that fits into the budget; sizes that don't are left out whole, the largest first. Pure. */
export function planBench(matrix: BenchMatrix, budget: BenchBudget, prices: BenchPrices | null): BenchPlan {
  const left: { sizeBytes: number; reason: string }[] = [];
  const planned: BenchSizePlan[] = [];
  const largest = matrix.maxObjectBytes ?? s3Limits.maxObjectBytes;
  for (const sizeBytes of [...new Set(matrix.sizes)].sort((a, b) => a - b)) {
    if (sizeBytes > largest) left.push({ sizeBytes, reason: `this store takes at most ${formatBytes(largest)}` });
    else planned.push(sizePlan(sizeBytes, matrix, prices));
  }
  const sizes: BenchSizePlan[] = [];
  let needs: BenchNeeds = { bytes: 0, requests: 0, dollars: prices && 0 };
  for (const plan of planned) {
    const next = sum(needs, plan.needs);
    if (fits(next, budget)) {
      sizes.push(plan);
      needs = next;
    } else {
      const dollars = next.dollars === null || budget.dollars === null ? '' : ` or ${formatUsd(next.dollars)}`;
      left.push({
        sizeBytes: plan.sizeBytes,
        reason: `it would take a budget of ${formatBytes(next.bytes)}${dollars}`,
      });
    }
  }
  return { sizes, left, needs };
}

/** What one measurement costs. */
export function cellNeeds(
  plan: Pick<BenchSizePlan, 'sizeBytes' | 'files'>,
  cell: BenchCell,
  prices: BenchPrices | null,
): BenchNeeds {
  const bytes = plan.sizeBytes * plan.files;
  const writes = cell.strategy === 'put' ? 1 : Math.ceil(plan.sizeBytes / cell.partSizeBytes) + 2;
  const priced = plan.files * writes + lookingRequests;
  const requests = priced + plan.files * freeRequests;
  const dollars = prices && writesDollars(prices, priced) + bytesDollars(prices, bytes, cell.accelerated);
  return { bytes, requests, dollars };
}

export const fits = (needs: BenchNeeds, budget: BenchBudget): boolean =>
  needs.bytes <= budget.bytes && (needs.dollars === null || budget.dollars === null || needs.dollars <= budget.dollars);

export const sum = (a: BenchNeeds, b: BenchNeeds): BenchNeeds => ({
  bytes: a.bytes + b.bytes,
  requests: a.requests + b.requests,
  dollars: a.dollars === null || b.dollars === null ? null : a.dollars + b.dollars,
});

/** The order of one round, shuffled by a seed (Fisher–Yates over mulberry32), so that no cell always runs after the same other. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed >>> 0;
  for (let at = result.length - 1; at > 0; at--) {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const other = Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (at + 1));
    [result[at], result[other]] = [result[other]!, result[at]!];
  }
  return result;
}

function sizePlan(sizeBytes: number, matrix: BenchMatrix, prices: BenchPrices | null): BenchSizePlan {
  const files = Math.max(1, Math.min(mostFiles, Math.floor(matrix.sampleBytes / sizeBytes)));
  const merged: string[] = [];
  const cells = new Map<string, BenchCell>();
  const standard = planned(sizeBytes, 'auto');
  const defaultCell: BenchCell = { kind: 'default', ...standard, connections: null, accelerated: false };
  for (const partSize of [...new Set(matrix.partSizes)]) {
    const { strategy, partSizeBytes } = planned(sizeBytes, partSize);
    const parts = strategy === 'put' ? 1 : Math.ceil(sizeBytes / partSizeBytes);
    for (const wanted of [...new Set(matrix.concurrency)]) {
      const connections = Math.min(wanted, mostInFlight(sizeBytes, files, parts));
      for (const accelerated of matrix.accelerated ? [false, true] : [false]) {
        const cell: BenchCell = { kind: 'pinned', strategy, partSizeBytes, connections, accelerated };
        const name = JSON.stringify(cell);
        if (cells.has(name)) merged.push(mergedSentence(partSize, wanted, cell));
        cells.set(name, cell);
      }
    }
  }
  const all = [defaultCell, ...cells.values()];
  const warmUp = cellNeeds({ sizeBytes, files }, defaultCell, prices);
  let needs = warmUp;
  for (const cell of all)
    for (let round = 0; round < matrix.iterations; round++)
      needs = sum(needs, cellNeeds({ sizeBytes, files }, cell, prices));
  // Which cell will be best isn't known yet: the dearest is reckoned with.
  const dearest = all
    .map((cell) => cellNeeds({ sizeBytes, files }, cell, prices))
    .reduce((most, one) => (one.requests > most.requests ? one : most));
  for (let pair = 0; pair < confirmPairs(sizeBytes, matrix.iterations); pair++)
    needs = sum(sum(needs, dearest), dearest);
  return { sizeBytes, files, cells: all, merged: [...new Set(merged)], needs };
}

/** As the engine itself plans it. */
function planned(
  sizeBytes: number,
  partSizeBytes: number | 'auto',
): { readonly strategy: 'put' | 'multipart'; readonly partSizeBytes: number } {
  const plan = planUpload({
    sizeBytes,
    bandwidthBytesPerSecond: null,
    memoryBytes: defaultEngineSettings.memoryBytes,
    maxConnections: 250,
    partSizeBytes,
    maxObjectBytes: Number.POSITIVE_INFINITY,
  });
  return { strategy: plan.strategy, partSizeBytes: plan.strategy === 'put' ? 0 : plan.partSizeBytes };
}

/** More connections than this stay idle, however many there are. */
function mostInFlight(sizeBytes: number, files: number, parts: number): number {
  if (sizeBytes <= largeLaneFromBytes) return files;
  return Math.min(files, largeFilesAtOnce) * Math.min(parts, partsAtOnce);
}

function mergedSentence(partSize: number, wanted: number, { strategy, partSizeBytes, connections }: BenchCell): string {
  const as = strategy === 'put' ? 'one PutObject' : `${formatBytes(partSizeBytes)} parts`;
  return `${formatBytes(partSize)} parts with ${wanted} connections is the same as ${as} with ${connections}`;
}
