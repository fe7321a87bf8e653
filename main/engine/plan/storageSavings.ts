import type { Saving, StorageAnalysis } from '../../../shared/cost.ts';
import { forRequests, forVolume, gigabytes, minusUsd, type Usd, usd } from '../../../shared/money.ts';
import { type PricedClass, type Prices, storageClasses } from '../../../shared/prices.ts';
import { formatBytes, GiB, KiB, MiB } from '../../../shared/units.ts';
import { monthOf } from './forecast.ts';
import { smallestMovedBytes } from './lifecycleRules.ts';

/** Objects of about one size in one class. */
export interface SizeGroup {
  readonly storageClass: PricedClass;
  readonly objects: number;
  readonly bytes: number;
}

const colder: Readonly<Record<PricedClass, readonly PricedClass[]>> = {
  STANDARD: ['STANDARD_IA', 'ONEZONE_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'],
  INTELLIGENT_TIERING: ['GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'],
  STANDARD_IA: ['GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'],
  ONEZONE_IA: ['GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'],
  GLACIER_IR: ['GLACIER', 'DEEP_ARCHIVE'],
  GLACIER: ['DEEP_ARCHIVE'],
  DEEP_ARCHIVE: [],
};

/** What moving each class's objects into each colder one would save, with what speaks against it. Objects below 128 KiB stay: S3 doesn't move them, and they would cost more. */
export function savingsOf(groups: readonly SizeGroup[], prices: Prices): Saving[] {
  return storageClasses.flatMap((from) => {
    const all = groups.filter((group) => group.storageClass === from && group.objects > 0);
    const large = all.filter(({ objects, bytes }) => bytes / objects >= smallestMovedBytes);
    if (large.length === 0) return [];
    const left = all.length - large.length;
    return colder[from].map((to) => savingOf(from, to, large, left > 0, prices));
  });
}

function savingOf(
  from: PricedClass,
  to: PricedClass,
  groups: readonly SizeGroup[],
  leavesSmall: boolean,
  prices: Prices,
): Saving {
  let objects = 0;
  let bytes = 0;
  let saved: Usd = usd(0);
  for (const group of groups) {
    objects += group.objects;
    bytes += group.bytes;
    const each = group.bytes / group.objects;
    saved = usd(saved + group.objects * minusUsd(monthOf(each, prices, from), monthOf(each, prices, to)));
  }
  const own = prices.classes[to];
  const transitionUsd = forRequests(objects, own.transitions);
  const retrievalUsd = forVolume(gigabytes(bytes), own.retrieval);
  const traps = [
    ...(own.minimumDays > 0
      ? [`Charged for at least ${own.minimumDays} days: deleting or replacing earlier costs the rest.`]
      : []),
    ...(own.retrieval > 0
      ? [
          `Reading it all back once costs ${round(retrievalUsd)} USD${saved > 0 ? `, ${round(retrievalUsd / saved)} months of what it saves` : ''}.`,
        ]
      : []),
    ...(to === 'GLACIER' || to === 'DEEP_ARCHIVE'
      ? ['Must be restored before it can be read, which takes hours.']
      : []),
    ...(to === 'ONEZONE_IA' ? ['Kept in one zone only: lost if that zone is.'] : []),
    ...(leavesSmall ? [`Objects below ${formatBytes(smallestMovedBytes)} are not moved.`] : []),
  ];
  return {
    ...{ from, to, objects, bytes, transitionUsd, retrievalUsd, traps },
    usdPerMonth: saved,
    paysBackAfterMonths: saved > 0 ? transitionUsd / saved : null,
  };
}

const round = (value: number): string => (value >= 10 ? value.toFixed(0) : value.toPrecision(2));

export const sizeClasses: readonly { readonly label: string; readonly upTo: number }[] = [
  { label: `below ${formatBytes(128 * KiB)}`, upTo: 128 * KiB },
  { label: `${formatBytes(128 * KiB)} to ${formatBytes(MiB)}`, upTo: MiB },
  { label: `${formatBytes(MiB)} to ${formatBytes(128 * MiB)}`, upTo: 128 * MiB },
  { label: `${formatBytes(128 * MiB)} to ${formatBytes(5 * GiB)}`, upTo: 5 * GiB },
  { label: `from ${formatBytes(5 * GiB)}`, upTo: Number.POSITIVE_INFINITY },
];

export const sizeClassOf = (sizeBytes: number): number => sizeClasses.findIndex(({ upTo }) => sizeBytes < upTo);

/** What to do with objects of a size that are kept for a year and hardly read (M12). */
export function adviceBySize(
  bySize: readonly { readonly objects: number; readonly bytes: number }[],
  prices: Prices,
): StorageAnalysis['bySize'] {
  return sizeClasses.flatMap(({ label }, at) => {
    const { objects = 0, bytes = 0 } = bySize[at] ?? {};
    if (objects === 0) return [];
    const best = cheapestForAYear(bytes / objects, prices);
    const advice =
      best === 'STANDARD'
        ? 'Leave them in STANDARD, or pack many into one archive file before uploading: classes for rare access charge small objects as larger ones.'
        : `${best} is cheapest for what is kept a year and hardly read.`;
    return [{ label, objects, bytes, advice, usdPerMonth: usd(objects * monthOf(bytes / objects, prices, best)) }];
  });
}

/** Moved there after 30 days, by keeping and moving alone. Archives need hours to be read: only what can be read at once is compared. */
export function cheapestForAYear(sizeBytes: number, prices: Prices): PricedClass {
  const readable: readonly PricedClass[] = ['STANDARD', 'STANDARD_IA', 'GLACIER_IR'];
  const cost = (to: PricedClass): number =>
    to === 'STANDARD'
      ? 12 * monthOf(sizeBytes, prices, to)
      : monthOf(sizeBytes, prices, 'STANDARD') + 11 * monthOf(sizeBytes, prices, to) + prices.classes[to].transitions;
  return readable.reduce((best, each) => (cost(each) < cost(best) ? each : best));
}
