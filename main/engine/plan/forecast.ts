import type { Forecast, PriceNote } from '../../../shared/cost.ts';
import { forRequests, forStorage, gigabytes, months, perGb, sumUsd, type Usd, usd } from '../../../shared/money.ts';
import { type ClassPrices, classPrices, type Prices, targetUsdPerGb } from '../../../shared/prices.ts';
import { chargedAsStandard, requestClass } from '../../../shared/requestClass.ts';

/** What an upload will cost, added up file by file from the plans that the uploader itself would make. */
export interface ForecastSum {
  add(file: { readonly sizeBytes: number; readonly strategy: 'put' | 'multipart'; readonly partCount: number }): void;
  unchanged(): void;
  total(): Forecast;
}

export function openForecast({
  prices,
  storageClass,
}: {
  readonly prices: Prices;
  /** null: the bucket's default, STANDARD. */
  readonly storageClass: string | null;
}): ForecastSum {
  const own = classPrices(prices, storageClass);
  // A run looks at its bucket once.
  const requests = new Map<string, number>([['HeadBucket', 1]]);
  const count = (operation: string, times = 1): void => {
    requests.set(operation, (requests.get(operation) ?? 0) + times);
  };
  let files = 0;
  let filesUnchanged = 0;
  let bytes = 0;
  let storage: Usd = usd(0);
  const padded = { files: 0, bytes: 0 };

  return {
    add: ({ sizeBytes, strategy, partCount }) => {
      files++;
      bytes += sizeBytes;
      if (strategy === 'put') count('PutObject');
      else {
        count('CreateMultipartUpload');
        count('UploadPart', partCount);
        count('CompleteMultipartUpload');
        // The finished object is looked at: its size, checksum and token.
        count('HeadObject');
      }
      storage = sumUsd(storage, monthOf(sizeBytes, prices, storageClass));
      const more = chargedBytes(sizeBytes, own) - sizeBytes;
      if (more > 0) {
        padded.files++;
        padded.bytes += more;
      }
    },
    unchanged: () => {
      filesUnchanged++;
    },
    total: () => {
      const { writes, reads, cost } = requestCost(Object.fromEntries(requests), prices, storageClass);
      return {
        files,
        bytes,
        filesUnchanged,
        requests: Object.fromEntries(requests),
        writes,
        reads,
        requestUsd: cost,
        storageUsdPerMonth: storage,
        usdPerGb: perGb(sumUsd(cost, storage), gigabytes(bytes)),
        targetUsdPerGb,
        storageClass: storageClass ?? 'STANDARD',
        padded,
        minimumDays: own.minimumDays,
        prices: priceNote(prices),
      };
    },
  };
}

/** Bytes that S3 charges for an object of this size: a minimum, and the index of the archives. */
export const chargedBytes = (sizeBytes: number, own: ClassPrices): number =>
  Math.max(sizeBytes, own.minimumBytes) + own.overheadBytes + own.overheadStandardBytes;

/** Keeping one object of this size for a month. */
export function monthOf(sizeBytes: number, prices: Prices, storageClass: string | null): Usd {
  const own = classPrices(prices, storageClass);
  const body = Math.max(sizeBytes, own.minimumBytes) + own.overheadBytes;
  return sumUsd(
    forStorage(gigabytes(body), own.storage, months(1)),
    forStorage(gigabytes(own.overheadStandardBytes), prices.classes.STANDARD.storage, months(1)),
  );
}

/** What requests cost, by S3's classes of them. Create and the parts of an upload count as STANDARD's whatever class the object gets. */
export function requestCost(
  requests: Readonly<Record<string, number>>,
  prices: Prices,
  storageClass: string | null,
): { readonly writes: number; readonly reads: number; readonly free: number; readonly cost: Usd } {
  const own = classPrices(prices, storageClass);
  const standard = prices.classes.STANDARD;
  const counts = { write: 0, read: 0, free: 0 };
  let cost: Usd = usd(0);
  for (const [operation, count] of Object.entries(requests)) {
    const kind = requestClass(operation);
    counts[kind] += count;
    if (kind === 'write')
      cost = sumUsd(cost, forRequests(count, chargedAsStandard(operation) ? standard.writes : own.writes));
    // Looking at an object costs what its class asks for reading.
    if (kind === 'read')
      cost = sumUsd(cost, forRequests(count, operation === 'HeadObject' ? own.reads : standard.reads));
  }
  return { writes: counts.write, reads: counts.read, free: counts.free, cost };
}

export const priceNote = ({ name, asOf, source, assumed }: Prices): PriceNote => ({ name, asOf, source, assumed });
