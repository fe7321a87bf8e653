import type { MeterLine, MeterReport } from '../../../shared/cost.ts';
import { forStorage, gigabytes, months, perGb, sumUsd, type Usd, usd } from '../../../shared/money.ts';
import { classPrices, type Prices, targetUsdPerGb } from '../../../shared/prices.ts';
import type { FolderRow, MeterRow } from '../ledger/ledger.ts';
import { budgetState } from './budget.ts';
import { priceNote, requestCost } from './forecast.ts';

export type PricesOf = (row: Pick<MeterRow, 'endpoint' | 'region' | 'bucket'>) => Prices;

/** What one row of the meter costs: linear in its counts, so that rows may be added up in any order. */
export function rowCost(row: MeterRow, prices: Prices): { readonly requests: Usd; readonly addedStorage: Usd } {
  const charged = row.answered + row.unanswered;
  const { cost } = requestCost({ [row.operation]: charged }, prices, row.storageClass);
  const own = classPrices(prices, row.storageClass);
  const bytes = row.bytes + row.unansweredBytes;
  return { requests: cost, addedStorage: forStorage(gigabytes(bytes), own.storage, months(1)) };
}

/** A month's meter, by folder and bucket and by day. */
export function meterReport({
  month,
  rows,
  folders,
  pricesOf,
  kept,
  budgetUsd,
}: {
  readonly month: string;
  readonly rows: readonly MeterRow[];
  readonly folders: readonly FolderRow[];
  readonly pricesOf: PricesOf;
  /** What the objects that are known cost for a month. */
  readonly kept: Usd;
  readonly budgetUsd: number | null;
}): MeterReport {
  const groups = new Map<string, MeterRow[]>();
  const days = new Map<string, { requestUsd: Usd; addedStorageUsd: Usd; bytes: number }>();
  for (const row of rows) {
    const key = JSON.stringify([row.folderId, row.endpoint, row.bucket, row.storageClass]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
    const { requests, addedStorage } = rowCost(row, pricesOf(row));
    const day = days.get(row.day) ?? { requestUsd: usd(0), addedStorageUsd: usd(0), bytes: 0 };
    days.set(row.day, {
      requestUsd: sumUsd(day.requestUsd, requests),
      addedStorageUsd: sumUsd(day.addedStorageUsd, addedStorage),
      bytes: day.bytes + row.bytes,
    });
  }
  const lines = [...groups.values()].map((group) => lineOf(group, folders, pricesOf));
  const requestUsd = sumUsd(...lines.map((line) => usd(line.requestUsd)));
  const addedStorageUsd = sumUsd(...lines.map((line) => usd(line.addedStorageUsd)));
  const bytes = sum(lines, (line) => line.bytes);
  const spent = sumUsd(requestUsd, addedStorageUsd);
  return {
    month,
    lines: lines.toSorted((a, b) => b.requestUsd + b.addedStorageUsd - (a.requestUsd + a.addedStorageUsd)),
    days: [...days].map(([day, figures]) => ({ day, ...figures })).sort((a, b) => (a.day < b.day ? -1 : 1)),
    writes: sum(lines, (line) => line.writes),
    reads: sum(lines, (line) => line.reads),
    bytes,
    requestUsd,
    addedStorageUsd,
    usdPerGb: perGb(spent, gigabytes(bytes)),
    targetUsdPerGb,
    keptUsdPerMonth: kept,
    budget: budgetState(budgetUsd, spent),
  };
}

function lineOf(rows: readonly MeterRow[], folders: readonly FolderRow[], pricesOf: PricesOf): MeterLine {
  const first = rows[0]!;
  const folder = folders.find(({ id }) => id === first.folderId);
  const requests: Record<string, number> = {};
  for (const row of rows)
    requests[row.operation] = (requests[row.operation] ?? 0) + row.answered + row.refused + row.unanswered;
  const charged: Record<string, number> = {};
  for (const row of rows) charged[row.operation] = (charged[row.operation] ?? 0) + row.answered + row.unanswered;
  const prices = pricesOf(first);
  const { writes, reads, free } = requestCost(charged, prices, first.storageClass);
  const costs = rows.map((row) => rowCost(row, pricesOf(row)));
  const requestUsd = sumUsd(...costs.map((cost) => cost.requests));
  const addedStorageUsd = sumUsd(...costs.map((cost) => cost.addedStorage));
  const bytes = sum(rows, (row) => row.bytes);
  return {
    folderId: folder?.id ?? null,
    path: folder?.path ?? null,
    bucket: first.bucket,
    endpointUrl: first.endpoint === '' ? null : first.endpoint,
    storageClass: first.storageClass,
    requests,
    writes,
    reads,
    free,
    unanswered: sum(rows, (row) => row.unanswered),
    refused: sum(rows, (row) => row.refused),
    bytes,
    unansweredBytes: sum(rows, (row) => row.unansweredBytes),
    requestUsd,
    addedStorageUsd,
    usdPerGb: perGb(sumUsd(requestUsd, addedStorageUsd), gigabytes(bytes)),
    prices: priceNote(prices),
  };
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
