import type { StorageAlarm, StorageAnalysis } from '../../shared/cost.ts';
import { errorView, SluiceError } from '../../shared/errors.ts';
import { formatUsd, forStorage, gigabytes, months } from '../../shared/money.ts';
import { type PricedClass, type Prices, pricedClass } from '../../shared/prices.ts';
import { formatCount } from '../../shared/units.ts';
import { monthOf, priceNote } from './plan/forecast.ts';
import { adviceBySize, type SizeGroup, savingsOf, sizeClasses, sizeClassOf } from './plan/storageSavings.ts';
import { classOfStorageType } from './plan/storageTypes.ts';
import { openBucketAdmin } from './store/bucketAdmin.ts';
import type { BucketMetrics, CloudWatch } from './store/cloudWatch.ts';
import { resolveEndpoint } from './store/endpoint.ts';
import type { StoreOptions } from './store/store.ts';

/** A bucket to be looked at as a whole. */
export interface BucketAccount {
  readonly store: StoreOptions;
  readonly prices: Prices;
  /** The bucket's region; null: not known. */
  readonly region: string | null;
  readonly nowMs: number;
}

/** How much a bucket holds, by class: from CloudWatch's daily figures where there are any, else by listing it, which `list` asks for in any case. Throws the store's codes. */
export async function analyzeStorage(account: BucketAccount, list: boolean): Promise<StorageAnalysis> {
  let fallbackReason = list ? 'Listing was asked for.' : null;
  if (!list) {
    const found = await fromCloudWatch(account).catch((error: unknown) => errorView(error).message);
    if (typeof found !== 'string') return found;
    fallbackReason = found;
  }
  return fromListing(account, fallbackReason);
}

/** The analysis, or why there can't be one from CloudWatch. */
async function fromCloudWatch(account: BucketAccount): Promise<StorageAnalysis | string> {
  const watch = await cloudWatchOf(account);
  if (watch === null) return 'This store has no CloudWatch: its objects were listed.';
  try {
    const metrics = await watch.metrics(account.nowMs);
    if (metrics === null) return 'CloudWatch has no figures of this bucket yet: its objects were listed.';
    return analysisOf(metrics, account.prices);
  } finally {
    watch.close();
  }
}

function analysisOf({ bytes, objects, measuredAtMs }: BucketMetrics, prices: Prices): StorageAnalysis {
  const byClass = new Map<PricedClass, number>();
  for (const [type, size] of bytes) {
    const storageClass = classOfStorageType(type);
    byClass.set(storageClass, (byClass.get(storageClass) ?? 0) + size);
  }
  const total = [...byClass.values()].reduce((sum, size) => sum + size, 0);
  const classes = [...byClass].map(([storageClass, size]) => ({
    storageClass,
    bytes: size,
    objects: null,
    usdPerMonth: forStorage(gigabytes(size), prices.classes[storageClass].storage, months(1)),
  }));
  // CloudWatch counts objects over all classes: they are shared out by volume.
  const groups: SizeGroup[] = [...byClass].map(([storageClass, size]) => ({
    storageClass,
    bytes: size,
    objects: total > 0 ? Math.max(1, Math.round((objects * size) / total)) : 0,
  }));
  return {
    ...{ source: 'cloudwatch', fallbackReason: null, measuredAt: measuredAtMs, classes, bytes: total, objects },
    usdPerMonth: classes.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0),
    savings: savingsOf(groups, prices),
    bySize: [],
    prices: priceNote(prices),
  };
}

async function fromListing(
  { store, prices, nowMs }: BucketAccount,
  fallbackReason: string | null,
): Promise<StorageAnalysis> {
  const admin = openBucketAdmin(store);
  const groups = new Map<string, { storageClass: PricedClass; objects: number; bytes: number; usd: number }>();
  const bySize = sizeClasses.map(() => ({ objects: 0, bytes: 0 }));
  try {
    for await (const page of admin.listByClass('')) {
      for (const { sizeBytes, storageClass: name } of page) {
        const storageClass = pricedClass(name);
        const at = sizeClassOf(sizeBytes);
        const key = `${storageClass} ${at}`;
        const group = groups.get(key) ?? { storageClass, objects: 0, bytes: 0, usd: 0 };
        groups.set(key, group);
        group.objects++;
        group.bytes += sizeBytes;
        group.usd += monthOf(sizeBytes, prices, storageClass);
        bySize[at]!.objects++;
        bySize[at]!.bytes += sizeBytes;
      }
    }
  } finally {
    admin.close();
  }
  const all = [...groups.values()];
  const classes = [...new Set(all.map(({ storageClass }) => storageClass))].map((storageClass) => {
    const of = all.filter((group) => group.storageClass === storageClass);
    return {
      storageClass,
      bytes: sum(of, ({ bytes }) => bytes),
      objects: sum(of, ({ objects }) => objects),
      usdPerMonth: sum(of, ({ usd }) => usd),
    };
  });
  return {
    ...{ source: 'list', fallbackReason, measuredAt: nowMs, classes },
    bytes: sum(classes, ({ bytes }) => bytes),
    objects: sum(classes, ({ objects }) => objects),
    usdPerMonth: sum(classes, ({ usdPerMonth }) => usdPerMonth),
    savings: savingsOf(all, prices),
    bySize: adviceBySize(bySize, prices),
    prices: priceNote(prices),
  };
}

/** `/` is in no bucket's name: no other bucket's alarm can be called like one of these. */
const alarmNames = (bucket: string) => ({
  cost: `sluice/${bucket}/storage-cost`,
  objects: `sluice/${bucket}/object-count`,
});

export async function storageAlarms(account: BucketAccount): Promise<StorageAlarm[]> {
  const { cost, objects } = alarmNames(account.store.target.bucket);
  return withCloudWatch(account, async (watch) =>
    (await watch.alarms([cost, objects])).map((alarm) => ({ ...alarm, notifies: [...alarm.notifies] })),
  );
}

export async function createStorageAlarms(
  account: BucketAccount,
  wanted: {
    readonly storageUsdPerMonth: number | null;
    readonly objects: number | null;
    readonly topicArn: string | null;
  },
): Promise<StorageAlarm[]> {
  const { bucket } = account.store.target;
  const names = alarmNames(bucket);
  await withCloudWatch(account, async (watch) => {
    if (wanted.storageUsdPerMonth !== null) {
      const types = [...((await watch.metrics(account.nowMs))?.bytes.keys() ?? ['StandardStorage'])];
      const perGb = (type: string): number => account.prices.classes[classOfStorageType(type)].storage;
      await watch.putAlarm({
        name: names.cost,
        description: `Made by Sluice: storing s3://${bucket} costs more than ${formatUsd(wanted.storageUsdPerMonth)} a month`,
        threshold: wanted.storageUsdPerMonth,
        topicArn: wanted.topicArn,
        metric: { kind: 'cost', usdPerByte: new Map(types.map((type) => [type, perGb(type) * gigabytes(1)])) },
      });
    }
    if (wanted.objects !== null)
      await watch.putAlarm({
        name: names.objects,
        description: `Made by Sluice: s3://${bucket} holds more than ${formatCount(wanted.objects)} objects`,
        threshold: wanted.objects,
        topicArn: wanted.topicArn,
        metric: { kind: 'objects' },
      });
  });
  return storageAlarms(account);
}

/** Only the two that are ours by their names. */
export async function removeStorageAlarms(account: BucketAccount): Promise<string[]> {
  const found = (await storageAlarms(account)).map(({ name }) => name);
  await withCloudWatch(account, (watch) => watch.removeAlarms(found));
  return found;
}

async function withCloudWatch<T>(account: BucketAccount, use: (watch: CloudWatch) => Promise<T>): Promise<T> {
  const watch = await cloudWatchOf(account);
  if (watch === null)
    throw new SluiceError('usage', 'This store has no CloudWatch, so there can be no alarms in it', {
      remedy: "Set a monthly budget instead: it is Sluice's own and works with every store.",
    });
  try {
    return await use(watch);
  } finally {
    watch.close();
  }
}

/** null: the store is none of AWS's, and nobody named a stand-in. */
async function cloudWatchOf({ store, region }: BucketAccount): Promise<CloudWatch | null> {
  const { connection, bucket } = store.target;
  const named = process.env.AWS_ENDPOINT_URL_CLOUDWATCH || null;
  const { host } = resolveEndpoint(connection);
  if (named === null && connection.endpointUrl !== null && !/(?:^|\.)amazonaws\.com(?:\.cn)?$/.test(host ?? ''))
    return null;
  const { openCloudWatch } = await import('./store/cloudWatch.ts');
  return openCloudWatch({
    bucket,
    region: region ?? connection.region ?? 'us-east-1',
    endpointUrl: named,
    credentials: store.credentials,
  });
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
