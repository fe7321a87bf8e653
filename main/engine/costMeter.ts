import { z } from 'zod';
import type { MeterReport } from '../../shared/cost.ts';
import { sumUsd, type Usd, usd } from '../../shared/money.ts';
import { type PriceFile, type Prices, pricesFor } from '../../shared/prices.ts';
import type { StoreConnection } from '../../shared/settings.ts';
import type { FolderRow, Ledger, MeterRow } from './ledger/ledger.ts';
import { dayOfMs, monthOfMs } from './plan/budget.ts';
import { monthOf } from './plan/forecast.ts';
import { meterReport, type PricesOf, rowCost } from './plan/meterCost.ts';
import type { Clock } from './ports.ts';
import type { MeteredRequest } from './store/meteredAs.ts';
import { createMeterTally } from './transfer/meterTally.ts';
import { type MeteredCount, type StoreKey, storeKeyOf } from './transfer/sendProtocol.ts';

/** Counts every request that left for a store, and writes the sums to the ledger once a second: at ten thousand requests a second that is one transaction. */
export interface CostMeter {
  onMetered(connection: StoreConnection, bucket: string): (request: MeteredRequest) => void;
  merge(counts: readonly MeteredCount[]): void;
  /** Writes what came together. The ledger's errors are thrown. */
  flush(): void;
  /** Of this month, UTC: requests, and a month of keeping what went up. */
  spentUsd(): Usd;
  report(month: string, budgetUsd: number | null): MeterReport;
  prices(connection: Pick<StoreConnection, 'endpointUrl' | 'region'>, bucket: string): Prices;
  /** A bucket's region as its store told it. */
  learnRegion(connection: StoreConnection, bucket: string, region: string | null): void;
  stop(): void;
}

const flushEveryMs = 1_000;
const regionsKey = 'bucketRegions';
const Regions = z.record(z.string(), z.string()).catch({});

export function createCostMeter({
  ledger,
  clock,
  prices: file,
  onFlushed,
  onFatal,
}: {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly prices: PriceFile;
  readonly onFlushed: () => void;
  readonly onFatal: (error: unknown) => void;
}): CostMeter {
  const tally = createMeterTally();
  let cancelFlush: (() => void) | null = null;
  let spent: { month: string; usd: Usd } | null = null;
  let regions = Regions.parse(ledger.setting(regionsKey) ?? {});

  const regionOf = ({ endpointUrl, region }: Pick<StoreConnection, 'endpointUrl' | 'region'>, bucket: string) =>
    region ?? regions[placeKey(endpointUrl, bucket)] ?? null;
  /** A region that was learnt since holds for what was counted before, too. */
  const pricesOf: PricesOf = ({ endpoint, region, bucket }) => {
    const endpointUrl = endpoint === '' ? null : endpoint;
    return pricesFor({ endpointUrl, region: regionOf({ endpointUrl, region: region || null }, bucket) }, file);
  };

  const scheduleFlush = (): void => {
    cancelFlush ??= clock.after(flushEveryMs, () => {
      cancelFlush = null;
      try {
        flush();
      } catch (error) {
        onFatal(error);
      }
    });
  };

  const flush = (): void => {
    cancelFlush?.();
    cancelFlush = null;
    if (tally.isEmpty()) return;
    const folders = new Map(ledger.folders().map((folder) => [folder.id, folder]));
    const day = dayOfMs(clock.now());
    const rows = tally.take().map((count) => rowOf(count, day, folders));
    ledger.addMeter(rows);
    if (spent?.month === day.slice(0, 7)) spent.usd = sumUsd(spent.usd, costOf(rows));
    onFlushed();
  };

  const rowOf = (count: MeteredCount, day: string, folders: ReadonlyMap<number, FolderRow>): MeterRow => {
    const [connection, bucket] = JSON.parse(count.store) as [StoreConnection, string];
    const { outcome, operation, folderId, bytes } = count;
    return {
      day,
      folderId: folderId ?? 0,
      endpoint: connection.endpointUrl ?? '',
      region: regionOf(connection, bucket) ?? '',
      bucket,
      storageClass: (folderId !== null && folders.get(folderId)?.objects.storageClass) || 'STANDARD',
      operation,
      answered: outcome === 'taken' || outcome === 'answered' ? count.count : 0,
      refused: outcome === 'refused' ? count.count : 0,
      unanswered: outcome === 'unanswered' ? count.count : 0,
      bytes: outcome === 'taken' ? bytes : 0,
      unansweredBytes: outcome === 'unanswered' ? bytes : 0,
    };
  };

  const costOf = (rows: readonly MeterRow[]): Usd =>
    sumUsd(
      ...rows.flatMap((row) => {
        const { requests, addedStorage } = rowCost(row, pricesOf(row));
        return [requests, addedStorage];
      }),
    );

  const rowsOf = (month: string): readonly MeterRow[] => ledger.meter(`${month}-01`, `${month}-31`);

  /** By the sums that the ledger keeps: an average size a folder, exact where a class has no minimum. */
  const keptUsd = (): Usd =>
    sumUsd(
      ...ledger.folders().map((folder) => {
        const { filesProven, bytesProven } = ledger.counts(folder.id);
        if (filesProven === 0) return usd(0);
        const each = monthOf(
          bytesProven / filesProven,
          pricesFor({ ...folder.connection, region: regionOf(folder.connection, folder.bucket) }, file),
          folder.objects.storageClass,
        );
        return usd(each * filesProven);
      }),
    );

  return {
    onMetered: (connection, bucket) => {
      const key: StoreKey = storeKeyOf(connection, bucket);
      return (request) => {
        tally.add(key, request);
        scheduleFlush();
      };
    },
    merge: (counts) => {
      tally.merge(counts);
      scheduleFlush();
    },
    flush,
    spentUsd: () => {
      const month = monthOfMs(clock.now());
      if (spent?.month !== month) spent = { month, usd: costOf(rowsOf(month)) };
      return spent.usd;
    },
    report: (month, budgetUsd) =>
      meterReport({ month, rows: rowsOf(month), folders: ledger.folders(), pricesOf, kept: keptUsd(), budgetUsd }),
    prices: (connection, bucket) =>
      pricesFor({ endpointUrl: connection.endpointUrl, region: regionOf(connection, bucket) }, file),
    learnRegion: (connection, bucket, region) => {
      const key = placeKey(connection.endpointUrl, bucket);
      if (region === null || regions[key] === region) return;
      regions = { ...regions, [key]: region };
      ledger.setSetting(regionsKey, regions);
    },
    stop: () => {
      cancelFlush?.();
      cancelFlush = null;
    },
  };
}

/** AWS has one name for a bucket, whichever of its endpoints it is asked by: the accelerated one is never asked for the region. */
const placeKey = (endpointUrl: string | null, bucket: string): string =>
  `${endpointUrl === null || isAws(endpointUrl) ? '' : endpointUrl} ${bucket}`;
const isAws = (url: string): boolean => /^https:\/\/(?:[^/]*\.)?amazonaws\.com(?:\/|$)/.test(url);
