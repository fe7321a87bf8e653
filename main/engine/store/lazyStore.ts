import { SluiceError } from '../../../shared/errors.ts';
import type { DataStore, Store, StoreOptions } from './store.ts';

/**
 * A Store that loads the AWS SDK (100 ms of the thread, 30 MiB) at the first request that needs it: a run with nothing to send, or with small files only, never does.
 * `data` answers what needs no SDK; where it fails, the SDK's retries and words decide. `load` may throw `bad-settings`.
 */
export function lazyStore(
  options: StoreOptions,
  data: Pick<DataStore, 'headBucket' | 'close'>,
  load: () => Promise<typeof import('./createStore.ts')> = () => import('./createStore.ts'),
): Store {
  let opening: Promise<Store> | undefined;
  let closed = false;
  const open = (): Promise<Store> => {
    if (closed) return Promise.reject(new SluiceError('interrupted', 'Sluice is stopping'));
    opening ??= load().then(({ createStore }) => createStore(options));
    return opening;
  };

  return {
    target: options.target,
    headBucket: () => data.headBucket().catch(async () => (await open()).headBucket()),
    accelerationStatus: async () => (await open()).accelerationStatus(),
    enableAcceleration: async () => (await open()).enableAcceleration(),
    listBuckets: async () => (await open()).listBuckets(),
    createMultipartUpload: async (input) => (await open()).createMultipartUpload(input),
    completeMultipartUpload: async (input) => (await open()).completeMultipartUpload(input),
    copyObject: async (input) => (await open()).copyObject(input),
    uploadPartCopy: async (input) => (await open()).uploadPartCopy(input),
    bucketVersioning: async () => (await open()).bucketVersioning(),
    abortMultipartUpload: async (input) => (await open()).abortMultipartUpload(input),
    listParts: (input) => listed(open, (store) => store.listParts(input)),
    listMultipartUploads: (prefix) => listed(open, (store) => store.listMultipartUploads(prefix)),
    headObject: async (key) => (await open()).headObject(key),
    listObjects: (prefix) => listed(open, (store) => store.listObjects(prefix)),
    deleteObject: async (input) => (await open()).deleteObject(input),
    close: () => {
      closed = true;
      data.close();
      // One that could not be opened has nothing to close; whoever asked it has heard why.
      void opening?.then((store) => store.close()).catch(() => undefined);
    },
  };
}

async function* listed<T>(open: () => Promise<Store>, list: (store: Store) => AsyncIterable<T>): AsyncGenerator<T> {
  yield* list(await open());
}
