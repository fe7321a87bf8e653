import { SluiceError } from '../../shared/errors.ts';
import type { AdminPolicy } from '../../shared/policy.ts';
import { StoreConnection } from '../../shared/settings.ts';
import type { SecretStore } from './engine.ts';
import { createDataStore } from './store/createDataStore.ts';
import { chainCredentials } from './store/credentials.ts';
import { lazyStore } from './store/lazyStore.ts';
import type { CredentialsProvider, Store, StoreOptions } from './store/store.ts';
import { storeKeyOf } from './transfer/sendProtocol.ts';

/** One client per bucket and connection for the control thread; the worker threads make their own. */
export interface StoreBook {
  store(connection: StoreConnection, bucket: string): Store;
  credentials(connection: StoreConnection): CredentialsProvider;
  /** Stores are made anew from here on, under the policy of now. */
  renew(): void;
  close(): void;
}

/** Enough for completing, listing and looking while the workers send. */
const controlSockets = 16;
export const stallTimeoutMs = 60_000;

export interface StoreBookOptions {
  readonly secrets: SecretStore;
  readonly chainCredentials?: ((connection: StoreConnection) => CredentialsProvider) | undefined;
  readonly onRequest: (operation: string) => void;
  readonly onMetered?: (connection: StoreConnection, bucket: string) => StoreOptions['onMetered'];
  /** The administrator's, as it is now. */
  readonly policy: () => AdminPolicy | undefined;
}

export function createStoreBook(options: StoreBookOptions): StoreBook {
  const stores = new Map<string, Store>();
  const providers = new Map<string, CredentialsProvider>();

  const credentials = (connection: StoreConnection): CredentialsProvider => {
    const key = JSON.stringify(connection);
    let provider = providers.get(key);
    if (!provider) {
      provider =
        connection.credentials.kind === 'chain'
          ? (options.chainCredentials ?? chainCredentials)(connection)
          : stored(connection.credentials.ref);
      providers.set(key, provider);
    }
    return provider;
  };

  const stored =
    (ref: string): CredentialsProvider =>
    async () => {
      const keys = await options.secrets.get(ref);
      if (!keys)
        throw new SluiceError('no-credentials', 'The access key of this folder is no longer in the secret store', {
          remedy: 'Add the folder again with its access key.',
        });
      return keys;
    };

  return {
    credentials,
    store: (connection, bucket) => {
      const key = storeKeyOf(connection, bucket);
      let store = stores.get(key);
      if (!store) {
        const storeOptions: StoreOptions = {
          target: { connection: StoreConnection.parse(connection), bucket, policy: options.policy() },
          credentials: credentials(connection),
          maxSockets: controlSockets,
          stallTimeoutMs,
          onRequest: options.onRequest,
          onMetered: options.onMetered?.(connection, bucket),
        };
        store = lazyStore(storeOptions, createDataStore(storeOptions));
        stores.set(key, store);
      }
      return store;
    },
    renew: () => {
      for (const store of stores.values()) store.close();
      stores.clear();
    },
    close: () => {
      for (const store of stores.values()) store.close();
      stores.clear();
    },
  };
}
