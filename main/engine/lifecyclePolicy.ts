import { setImmediate } from 'node:timers/promises';
import type { LifecyclePreview } from '../../shared/cost.ts';
import { SluiceError } from '../../shared/errors.ts';
import { refuseExpiry } from '../../shared/policy.ts';
import type { Prices } from '../../shared/prices.ts';
import type { Ledger } from './ledger/ledger.ts';
import { priceNote } from './plan/forecast.ts';
import { clearsUploads, mergeLifecycle } from './plan/lifecycleDiff.ts';
import { openLifecycleEffect } from './plan/lifecycleEffect.ts';
import { objectKey } from './plan/objectKey.ts';
import { type BucketAdmin, openBucketAdmin } from './store/bucketAdmin.ts';
import type { LiveLifecycle } from './store/lifecycleXml.ts';
import type { Store, StoreOptions } from './store/store.ts';

export interface LifecycleTarget {
  readonly store: StoreOptions;
  /** For the unfinished uploads; null: they are not looked for. */
  readonly uploads: Pick<Store, 'listMultipartUploads'> | null;
  readonly prefix: string;
  readonly prices: Prices;
  /** What the ledger knows to be in the bucket below the prefix. */
  readonly known: Iterable<KnownInBucket>;
  readonly nowMs: number;
}

export interface KnownInBucket {
  readonly key: string;
  readonly sizeBytes: number;
  readonly provenAt: number;
  readonly storageClass: string | null;
}

/** The objects of all folders of a bucket, as far as their keys are below the prefix. */
export function* knownObjects(
  ledger: Pick<Ledger, 'folders' | 'files'>,
  place: { readonly bucket: string; readonly endpointUrl: string | null; readonly prefix: string },
): IterableIterator<KnownInBucket> {
  for (const folder of ledger.folders()) {
    if (folder.bucket !== place.bucket || folder.connection.endpointUrl !== place.endpointUrl) continue;
    if (!folder.prefix.startsWith(place.prefix) && !place.prefix.startsWith(folder.prefix)) continue;
    const { storageClass } = folder.objects;
    for (const { path, proof } of ledger.files(folder.id)) {
      const key = objectKey(folder.prefix, path);
      if (proof && key.startsWith(place.prefix))
        yield { key, sizeBytes: proof.sizeBytes, provenAt: proof.provenAt, storageClass };
    }
  }
}

const dayMs = 86_400_000;
/** The ledger is read on the thread that decides: it lets others have their turn. */
const filesATurn = 1_000;

/** The recommended rules beside the live ones, and what they would do to what is known. Changes nothing. */
export async function previewLifecycle(target: LifecycleTarget): Promise<LifecyclePreview> {
  return withAdmin(target, async (admin) => previewOf(target, admin, await admin.readLifecycle()));
}

/** As previewed: refused with `policy-refused` where nothing may be deleted, with `conflict` when the live policy is no longer the one of that revision, with `lifecycle-unreadable` when it can't be merged. */
export async function applyLifecycle(target: LifecycleTarget, revision: string): Promise<LifecyclePreview> {
  const { policy } = target.store.target;
  if (policy) refuseExpiry(policy);
  return withAdmin(target, async (admin) => {
    const live = await admin.readLifecycle();
    if (live.revision !== revision)
      throw new SluiceError('conflict', 'The lifecycle policy is not the one that was looked at', {
        remedy: 'Look at the difference again, then apply it.',
        retryable: false,
      });
    const merge = mergeOf(live, target.prefix);
    if (merge.refusal !== null) throw new SluiceError('lifecycle-unreadable', merge.refusal);
    const after = merge.changes ? await admin.writeLifecycle(live, merge.write) : live;
    return previewOf(target, admin, after);
  });
}

const mergeOf = (live: LiveLifecycle, prefix: string) =>
  mergeLifecycle(
    live.rules.map(({ facts }) => facts),
    prefix,
    live.oldStyle,
  );

async function previewOf(target: LifecycleTarget, admin: BucketAdmin, live: LiveLifecycle): Promise<LifecyclePreview> {
  const { prefix, prices, nowMs } = target;
  const rules = live.rules.map(({ facts }) => facts);
  const merge = mergeOf(live, prefix);
  const replaced = new Set(merge.write.map(({ id }) => id));
  const then = [...rules.filter(({ id }) => !replaced.has(id)), ...merge.write];
  const effect = openLifecycleEffect(then, prices);
  let turn = 0;
  for (const { key, sizeBytes, provenAt, storageClass } of target.known) {
    if (++turn % filesATurn === 0) await setImmediate();
    effect.add({ key, sizeBytes, storageClass, ageDays: Math.max(0, nowMs - provenAt) / dayMs });
  }
  const [facts, uploads] = await Promise.all([admin.facts(), countUploads(target)]);
  const { objectsKnown, effects, ...total } = effect.total();
  return {
    ...{ revision: live.revision, lines: [...merge.lines], changes: merge.changes, refusal: merge.refusal },
    ...{ objectsKnown, effects: [...effects], ...total, traps: [...total.traps] },
    strays: { uploads, withoutRule: !clearsUploads(rules, prefix) },
    bucket: facts.map((fact) => ({ ...fact })),
    prices: priceNote(prices),
  };
}

async function countUploads({ uploads, prefix }: LifecycleTarget): Promise<number> {
  let count = 0;
  if (uploads) for await (const _ of uploads.listMultipartUploads(prefix)) count++;
  return count;
}

async function withAdmin<T>({ store }: LifecycleTarget, use: (admin: BucketAdmin) => Promise<T>): Promise<T> {
  const admin = openBucketAdmin(store);
  try {
    return await use(admin);
  } finally {
    admin.close();
  }
}
