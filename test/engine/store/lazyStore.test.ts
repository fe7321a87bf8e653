import { describe, expect, it } from 'vitest';
import { lazyStore } from '../../../main/engine/store/lazyStore.ts';
import type { Store, StoreOptions } from '../../../main/engine/store/store.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { asObjectKey } from '../../../shared/ids.ts';
import { StoreConnection } from '../../../shared/settings.ts';

const options: StoreOptions = {
  target: {
    connection: StoreConnection.parse({ endpointUrl: 'http://127.0.0.1:9' }),
    bucket: 'lazy',
    policy: undefined,
  },
  credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
  maxSockets: 1,
  stallTimeoutMs: 1_000,
  onRequest: () => undefined,
};

function pretend(head: () => Promise<{ region: string | null }>) {
  const told: string[] = [];
  const sdk: Partial<Store> = {
    headBucket: async () => ({ region: 'from-the-sdk' }),
    headObject: async () => null,
    listObjects: async function* () {
      yield { key: asObjectKey('k'), sizeBytes: 1, etag: 'e', lastModifiedMs: 0 };
    },
    close: () => void told.push('sdk closed'),
  };
  const store = lazyStore(options, { headBucket: head, close: () => void told.push('data closed') }, async () => {
    told.push('sdk loaded');
    return { createStore: () => sdk as Store };
  });
  return { store, told };
}

async function taken<T>(all: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of all) items.push(item);
  return items;
}

describe('the store that loads the SDK when it must', () => {
  it('does not for the question whether the bucket is there', async () => {
    const { store, told } = pretend(async () => ({ region: 'eu-west-1' }));
    expect(await store.headBucket()).toEqual({ region: 'eu-west-1' });
    store.close();
    expect(told).toEqual(['data closed']);
  });

  it('asks the SDK, which tries again and knows the words, when that question fails', async () => {
    const { store, told } = pretend(async () => {
      throw new SluiceError('store-timeout', 'no answer');
    });
    expect(await store.headBucket()).toEqual({ region: 'from-the-sdk' });
    expect(told).toEqual(['sdk loaded']);
  });

  it('loads it once, and closes it', async () => {
    const { store, told } = pretend(async () => ({ region: null }));
    await Promise.all([store.headObject(asObjectKey('k')), taken(store.listObjects(''))]);
    store.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual(['sdk loaded', 'data closed', 'sdk closed']);
  });

  it('opens nothing any more after it was closed', async () => {
    const { store, told } = pretend(async () => ({ region: null }));
    store.close();
    await expect(store.headObject(asObjectKey('k'))).rejects.toMatchObject({ code: 'interrupted' });
    expect(told).toEqual(['data closed']);
  });
});
