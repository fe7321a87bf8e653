import { SluiceError } from '../../../shared/errors.ts';
import { type AdminPolicy, refuseEncryption, refusePlace, refuseRegion } from '../../../shared/policy.ts';
import type { DataStore, FoundBucket, Store, StoreTarget } from './store.ts';

/**
 * Nothing is asked of a bucket, and no byte sent to it, that the administrator's policy doesn't allow: whoever calls. Each method is named here, so that one that is added to a store
 * doesn't compile until somebody decided what the policy says of it. Throws `policy-refused`.
 */
export function policedDataStore(target: StoreTarget, store: DataStore): DataStore {
  const { policy } = target;
  if (!policy) return store;
  const { headBucket, entered } = gate(policy, target, store.headBucket);
  const policed: Everything<DataStore> = {
    target: store.target,
    signsPayload: store.signsPayload,
    headBucket,
    headObject: entered(store.headObject),
    getObject: entered(store.getObject),
    partLayout: entered(store.partLayout),
    putObject: entered(async (input) => {
      refuseEncryption(policy, asked(input.policy.sse));
      const stored = await store.putObject(input);
      refuseEncryption(policy, stored.sse ?? null);
      return stored;
    }),
    uploadPart: entered(store.uploadPart),
    close: store.close,
  };
  return policed;
}

export function policedStore(target: StoreTarget, store: Store): Store {
  const { policy } = target;
  if (!policy) return store;
  const { headBucket, entered, listed } = gate(policy, target, store.headBucket);
  const policed: Everything<Store> = {
    target: store.target,
    headBucket,
    // Names, of buckets that may be forbidden: choosing one of those is refused.
    listBuckets: store.listBuckets,
    accelerationStatus: entered(store.accelerationStatus),
    enableAcceleration: entered(store.enableAcceleration),
    bucketVersioning: entered(store.bucketVersioning),
    createMultipartUpload: entered(async (input) => {
      refuseEncryption(policy, asked(input.policy.sse));
      return store.createMultipartUpload(input);
    }),
    completeMultipartUpload: entered(store.completeMultipartUpload),
    copyObject: entered(async (input) => {
      refuseEncryption(policy, asked(input.policy.sse));
      const copied = await store.copyObject(input);
      refuseEncryption(policy, copied.sse ?? null);
      return copied;
    }),
    uploadPartCopy: entered(store.uploadPartCopy),
    abortMultipartUpload: entered(store.abortMultipartUpload),
    listParts: listed(store.listParts),
    listMultipartUploads: listed(store.listMultipartUploads),
    headObject: entered(store.headObject),
    listObjects: listed(store.listObjects),
    deleteObject: entered(async (input) => {
      if (policy.deletes?.allow === 'never')
        throw new SluiceError('policy-refused', 'Deleting from the bucket is not allowed');
      return store.deleteObject(input);
    }),
    close: store.close,
  };
  return policed;
}

/** Optional methods too. */
type Everything<T> = { readonly [Name in keyof Required<T>]: T[Name] };

/** The bucket is asked for its region once, and only where regions are restricted. */
function gate(policy: AdminPolicy, { connection, bucket }: StoreTarget, ask: () => Promise<FoundBucket>) {
  let checked: Promise<void> | undefined;
  const headBucket = async (): Promise<FoundBucket> => {
    refusePlace(policy, connection, bucket);
    const found = await ask();
    refuseRegion(policy, bucket, found.region);
    checked ??= Promise.resolve();
    return found;
  };
  const enter = async (): Promise<void> => {
    if (checked) return checked;
    refusePlace(policy, connection, bucket);
    if (!policy.regions) {
      checked = Promise.resolve();
      return;
    }
    checked = headBucket().then(() => undefined);
    // A store that was away may be there the next time.
    checked.catch(() => {
      checked = undefined;
    });
    await checked;
  };
  return {
    headBucket,
    entered:
      <Input extends readonly unknown[], Result>(request: (...input: Input) => Promise<Result>) =>
      async (...input: Input): Promise<Result> => {
        await enter();
        return request(...input);
      },
    listed: <Input, Item>(request: (input: Input) => AsyncIterable<Item>) =>
      async function* (input: Input): AsyncGenerator<Item> {
        await enter();
        yield* request(input);
      },
  };
}

const asked = (sse: { readonly kind: string }): string | null => (sse.kind === 'bucket-default' ? null : sse.kind);
