import { join } from 'node:path';
import type { BenchCell, BenchCellResult, BenchReport, BenchSizeResult } from '../../../shared/bench.ts';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import type { SyncSummary } from '../../../shared/events.ts';
import type { StoreConnection } from '../../../shared/settings.ts';
import { formatBytes, formatRate } from '../../../shared/units.ts';
import type { EngineOptions, SyncEngine } from '../engine.ts';
import {
  type BenchBudget,
  type BenchNeeds,
  type BenchPlan,
  type BenchPrices,
  type BenchSizePlan,
  bytesDollars,
  cellNeeds,
  confirmPairs,
  fits,
  shuffled,
  sum,
  writesDollars,
} from '../plan/benchPlan.ts';
import { meanInterval } from '../plan/benchStatistics.ts';
import { candidateOf, hopeless, samplesFor, verdictOf } from '../plan/benchVerdict.ts';
import { sizeClassOf } from '../plan/tuner.ts';
import type { Store } from '../store/store.ts';
import { type BenchPlace, makeBenchPlace, makeSource } from './benchPlace.ts';
import { clearBucket } from './clearBucket.ts';
import { measureUpload } from './measureUpload.ts';

export interface BenchRun {
  readonly dataDir: string;
  readonly engine: Omit<EngineOptions, 'dataDir' | 'settings'>;
  readonly createEngine: (options: EngineOptions) => Promise<SyncEngine>;
  readonly openStore: (onRequest: (operation: string) => void) => Store;
  readonly connection: StoreConnection;
  readonly bucket: string;
  readonly prefix: string;
  readonly plan: BenchPlan;
  readonly iterations: number;
  readonly budget: BenchBudget & { readonly seconds: number | null };
  readonly prices: BenchPrices | null;
  /** Connection that uploads accelerated, or why none does. */
  readonly acceleration: { readonly connection: StoreConnection } | { readonly reason: string };
  readonly seed: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BenchProgress) => void;
}

export interface BenchProgress {
  /** Uploads measured, and how many there are at most. */
  readonly done: number;
  readonly total: number;
  readonly sizeBytes: number;
  readonly cell: BenchCell;
  /** With what the tuner would know after --apply. */
  readonly isApplied: boolean;
  readonly bytesPerSecond: number | null;
}

/** Of a size's share of the time; the rest is for default and recommendation in turns. */
const measuringShare = 0.55;
type Stop = { readonly why: string };

/**
 * Measures, and takes away what it wrote, however it ends: only a kill or a bucket that refuses to delete leaves something, which the marker names. Never spends more than the
 * budget: what won't fit isn't begun, and an upload whose failures would exceed it is cut off. Throws `disk-full`, ledger codes, and what the cleaning failed with; what ended the measuring is in the report.
 */
export async function runBench(run: BenchRun): Promise<BenchReport> {
  const startedAt = run.now();
  const clock = performance.now();
  const place = await makeBenchPlace(run.dataDir, run, startedAt);
  const store = run.openStore((operation) => {
    state.spent = sum(state.spent, requestsSpent(1, writes.has(operation) ? 1 : 0, run.prices));
  });
  const state = {
    run,
    place,
    store,
    spent: { bytes: 0, requests: 0, dollars: run.prices && 0 } as BenchNeeds,
    measured: 0,
    elapsedMs: () => performance.now() - clock,
    stop: null as Stop | null,
  };
  const sizes: BenchSizeResult[] = [];
  let end: BenchReport['end'] = { kind: 'finished' };
  try {
    // Who may not list can't be sure to leave nothing.
    await clearBucket(store, place.marker.prefix, false);
    for (const [at, plan] of run.plan.sizes.entries()) sizes.push(await measureSize(state, plan, at));
  } catch (error) {
    end = { kind: 'stopped', error: errorView(run.signal.aborted ? run.signal.reason : error) };
  } finally {
    await leave(place, store);
  }
  const { acceleration } = run;
  return {
    ...{ format: 'sluice-bench', version: 1, id: place.marker.prefix.slice(-17, -1), sluice: run.engine.version },
    ...{ startedAt, durationMs: Math.round(state.elapsedMs()), bucket: run.bucket },
    ...{ endpointUrl: run.connection.endpointUrl, seed: run.seed, iterations: run.iterations },
    budget: { ...run.budget },
    spent: { ...state.spent },
    sizes,
    left: [...run.plan.left],
    acceleration: 'reason' in acceleration ? { measured: false, ...acceleration } : { measured: true, reason: '' },
    end,
  };
}

/** Until the bucket is clean the marker stays. */
async function leave(place: BenchPlace, store: Store): Promise<void> {
  try {
    await clearBucket(store, place.marker.prefix, true);
    await place.remove();
  } catch (error) {
    place.release();
    throw error;
  } finally {
    store.close();
  }
}

interface State {
  readonly run: BenchRun;
  readonly place: BenchPlace;
  readonly store: Store;
  spent: BenchNeeds;
  measured: number;
  readonly elapsedMs: () => number;
  /** Budget or time is used up: what was measured counts. */
  stop: Stop | null;
}

async function measureSize(state: State, plan: BenchSizePlan, at: number): Promise<BenchSizeResult> {
  const { run } = state;
  const { sizeBytes, files } = plan;
  const results: BenchCellResult[] = plan.cells.map((cell) => ({ cell, rates: [], interval: null, stopped: null }));
  const standard = results[0]!;
  const totalMs = run.budget.seconds === null ? null : run.budget.seconds * 1000;
  const beganMs = state.elapsedMs();
  const shareMs = totalMs === null ? Number.POSITIVE_INFINITY : (totalMs - beganMs) / (run.plan.sizes.length - at);
  const isLate = (share: number): boolean => state.elapsedMs() - beganMs > shareMs * share;
  const source = await makeSource(state.place, plan, run.signal);
  // Caches, name look-ups and the store itself warm up by an upload that doesn't count.
  await measure(state, plan, standard.cell, source, []);
  for (let round = 0; round < run.iterations && state.stop === null && !isLate(measuringShare); round++) {
    for (const result of shuffled(results, run.seed + at * 1000 + round)) {
      if (result.stopped !== null) continue;
      if (state.stop !== null || isLate(measuringShare)) break;
      const rate = await measure(state, plan, result.cell, source, []);
      if (rate === null) break;
      result.rates.push(rate);
    }
    // After the last round there is nothing left to spare.
    if (round + 1 < run.iterations) for (const result of results) result.stopped ??= hopeless(result, results);
  }
  const why = state.stop?.why ?? (isLate(measuringShare) ? 'the time for this size was used up' : null);
  for (const result of results) if (result.rates.length < run.iterations && why !== null) result.stopped ??= why;
  const complete = results.map((result) =>
    // Fewer rounds for all is no reason against one.
    result.stopped === why && result.rates.length >= 2 ? { ...result, stopped: null } : result,
  );
  const candidate = candidateOf(sizeBytes, complete);
  const samples = candidate === null ? [] : samplesFor(sizeBytes, files, candidate, standard);
  const confirmed: { standard: number; applied: number }[] = [];
  for (let pair = 0; candidate !== null && pair < confirmPairs(sizeBytes, run.iterations); pair++) {
    if (state.stop !== null || isLate(1)) break;
    // In turns, and who goes first changes.
    const order = pair % 2 === 0 ? (['standard', 'applied'] as const) : (['applied', 'standard'] as const);
    const rates = { standard: 0, applied: 0 };
    for (const which of order)
      rates[which] =
        (await measure(state, plan, standard.cell, source, which === 'applied' ? samples : [])) ?? Number.NaN;
    if (Number.isFinite(rates.standard) && Number.isFinite(rates.applied)) confirmed.push(rates);
  }
  return {
    ...{ sizeBytes, files, confirmed, samples },
    sizeClass: sizeClassOf(sizeBytes),
    merged: [...plan.merged],
    cells: results.map((result) => ({
      ...result,
      interval: result.rates.length === 0 ? null : meanInterval(result.rates),
    })),
    verdict: verdictOf(sizeBytes, candidate, confirmed, samples),
  };
}

/** Bytes per second; null: budget or time ended it. */
async function measure(
  state: State,
  plan: BenchSizePlan,
  cell: BenchCell,
  source: string,
  samples: BenchSizeResult['samples'],
): Promise<number | null> {
  const { run, place } = state;
  const needs = cellNeeds(plan, cell, run.prices);
  const timeLeftMs = run.budget.seconds === null ? null : run.budget.seconds * 1000 - state.elapsedMs();
  if (!fits(sum(state.spent, needs), run.budget)) state.stop ??= { why: budgetWhy(run.budget) };
  if (timeLeftMs !== null && timeLeftMs <= 0) state.stop ??= { why: 'the time was used up' };
  if (state.stop !== null) return null;
  run.onProgress({
    ...{
      done: state.measured,
      total: mostMeasurements(run),
      sizeBytes: plan.sizeBytes,
      cell,
      isApplied: samples.length > 0,
    },
    bytesPerSecond: null,
  });
  const limit = new AbortController();
  const stopFor = (why: string): void => {
    state.stop ??= { why };
    limit.abort(new SluiceError('interrupted', why));
  };
  const timer = timeLeftMs === null ? undefined : setTimeout(() => stopFor('the time was used up'), timeLeftMs);
  let isCut = true;
  const prefix = `${place.marker.prefix}${state.measured}/`;
  try {
    const { bytesPerSecond } = await measureUpload(
      run.createEngine,
      run.engine,
      place.path,
      {
        ...{ cell, source, prefix, samples, sizeBytes: plan.sizeBytes, files: plan.files, bucket: run.bucket },
        connection: cell.accelerated && 'connection' in run.acceleration ? run.acceleration.connection : run.connection,
        signal: AbortSignal.any([run.signal, limit.signal]),
        onSent: (sent, wasted) => {
          // What failed will be sent again: it counts before it is.
          const expected = Math.max(sent, needs.bytes + wasted);
          if (state.spent.bytes + expected > run.budget.bytes) stopFor(budgetWhy(run.budget));
        },
      },
      (summary) => {
        state.spent = sum(state.spent, spentIn(summary, cell, run.prices));
      },
    );
    isCut = false;
    run.onProgress({
      ...{
        done: state.measured + 1,
        total: mostMeasurements(run),
        sizeBytes: plan.sizeBytes,
        cell,
        isApplied: samples.length > 0,
      },
      bytesPerSecond,
    });
    return bytesPerSecond;
  } catch (error) {
    if (limit.signal.aborted && !run.signal.aborted) return null;
    throw error;
  } finally {
    clearTimeout(timer);
    state.measured++;
    await clearBucket(state.store, prefix, isCut);
  }
}

const writes = new Set([
  'PutObject',
  'UploadPart',
  'CreateMultipartUpload',
  'CompleteMultipartUpload',
  'ListParts',
  'ListObjectsV2',
  'ListMultipartUploads',
]);

function spentIn(summary: SyncSummary, cell: BenchCell, prices: BenchPrices | null): BenchNeeds {
  const counted = Object.entries(summary.requests);
  const requests = counted.reduce((all, [, count]) => all + count, 0);
  const priced = counted.reduce((all, [name, count]) => all + (writes.has(name) ? count : 0), 0);
  const bytes = summary.bytesSent;
  const dollars = prices && writesDollars(prices, priced) + bytesDollars(prices, bytes, cell.accelerated);
  return { bytes, requests, dollars };
}

const requestsSpent = (requests: number, priced: number, prices: BenchPrices | null): BenchNeeds => ({
  ...{ bytes: 0, requests },
  dollars: prices && writesDollars(prices, priced),
});

const budgetWhy = ({ bytes }: BenchBudget): string => `the budget (${formatBytes(bytes)}) was used up`;

const mostMeasurements = (run: BenchRun): number =>
  run.plan.sizes.reduce(
    (all, { sizeBytes, cells }) =>
      all + 1 + cells.length * run.iterations + 2 * confirmPairs(sizeBytes, run.iterations),
    0,
  );

/** `16.0 MiB parts × 20`, for tables and progress. */
export function cellName(cell: BenchCell): string {
  const how = cell.strategy === 'put' ? 'one PutObject' : `${formatBytes(cell.partSizeBytes)} parts`;
  const by = cell.kind === 'default' ? 'default: ' : '';
  const connections = cell.connections === null ? '' : ` × ${cell.connections}`;
  return `${by}${how}${connections}${cell.accelerated ? ', accelerated' : ''}`;
}

export const rateText = (interval: BenchCellResult['interval']): string => {
  if (interval === null) return 'not measured';
  const { mean, low, high } = interval;
  const spread = low === null || high === null ? '' : ` (${formatRate(Math.max(0, low))} to ${formatRate(high)})`;
  return `${formatRate(mean)}${spread}`;
};

export const reportPath = (directory: string, { startedAt, id }: Pick<BenchReport, 'startedAt' | 'id'>): string =>
  join(directory, `bench-${new Date(startedAt).toISOString().replace(/[:.]/g, '-')}-${id.slice(0, 6)}`);
