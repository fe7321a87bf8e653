import { SluiceError } from '../../../shared/errors.ts';
import { type AdminPolicy, refuseEncryption, refusePlace, refuseRegion } from '../../../shared/policy.ts';
import type { DataStore, FoundBucket, Store, StoreTarget } from './store.ts';

/** Nothing is asked of a bucket, and no byte sent to it, that the administrator's policy doesn't allow: whoever calls. Throws `policy-refused`. */
export function policedDataStore(target: StoreTarget, store: DataStore): DataStore {
  const { policy } = target;
  if (!policy) return store;
  const allowed = gate(policy, target, store.headBucket);
  return {
    ...store,
    headBucket: allowed.headBucket,
    headObject: async (key) => {
      await allowed.enter();
      return store.headObject(key);
    },
    putObject: async (input) => {
      await allowed.enter();
      refuseEncryption(policy, asked(input.policy.sse));
      const stored = await store.putObject(input);
      refuseEncryption(policy, stored.sse ?? null);
      return stored;
    },
    uploadPart: async (input) => {
      await allowed.enter();
      return store.uploadPart(input);
    },
  };
}

export function policedStore(target: StoreTarget, store: Store): Store {
  const { policy } = target;
  if (!policy) return store;
  const allowed = gate(policy, target, store.headBucket);
  const entered =
    <Input, Result>(request: (input: Input) => Promise<Result>) =>
    async (input: Input): Promise<Result> => {
      await allowed.enter();
      return request(input);
    };
  const listed = <Input, Item>(request: (input: Input) => AsyncIterable<Item>) =>
    async function* (input: Input): AsyncGenerator<Item> {
      await allowed.enter();
      yield* request(input);
    };
  return {
    ...store,
    headBucket: allowed.headBucket,
    createMultipartUpload: entered(async (input) => {
      refuseEncryption(policy, asked(input.policy.sse));
      return store.createMultipartUpload(input);
    }),
    completeMultipartUpload: entered(store.completeMultipartUpload),
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
  };
}

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
  return {
    headBucket,
    enter: async (): Promise<void> => {
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
    },
  };
}

const asked = (sse: { readonly kind: string }): string | null => (sse.kind === 'bucket-default' ? null : sse.kind);
