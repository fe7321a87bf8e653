import type { StoreConnection } from '../../shared/settings.ts';
import { machinePolicy } from '../engine/policyFile.ts';
import type { Store } from '../engine/store/store.ts';

/** `use` with a bucket that was found to be there. Throws `no-such-bucket`, `wrong-keys` and the other store codes. */
export async function withBucket<T>(
  connection: StoreConnection,
  bucket: string,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  // The SDK takes a quarter of a second to load: only commands that need it pay.
  const [{ createStore }, { chainCredentials }] = await Promise.all([
    import('../engine/store/createStore.ts'),
    import('../engine/store/credentials.ts'),
  ]);
  const store = createStore({
    target: { connection, bucket, policy: machinePolicy() },
    credentials: chainCredentials(connection),
    maxSockets: 8,
    stallTimeoutMs: 30_000,
    onRequest: () => {},
  });
  try {
    await store.headBucket();
    return await use(store);
  } finally {
    store.close();
  }
}
