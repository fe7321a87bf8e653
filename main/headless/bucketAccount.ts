import type { Prices } from '../../shared/prices.ts';
import { pricesFor } from '../../shared/prices.ts';
import { readPriceFile } from '../engine/insight/priceFile.ts';
import { machinePolicy } from '../engine/policyFile.ts';
import type { BucketAccount } from '../engine/storageAnalysis.ts';
import type { StoreOptions } from '../engine/store/store.ts';
import { checkCaBundle, parseStoreFlags } from './flags/storeFlags.ts';
import type { CommandHost } from './host.ts';
import type { S3Location } from './s3Uri.ts';

/** A bucket that was found to be there, with the prices of its region. Throws the store's codes and `bad-settings` for a broken `prices.json`. */
export async function bucketAccount(
  host: CommandHost,
  { bucket }: S3Location,
  raw: unknown,
  dataDir: string,
): Promise<BucketAccount & { readonly prices: Prices }> {
  const connection = parseStoreFlags(raw, host);
  await checkCaBundle(connection);
  const [{ createDataStore }, { chainCredentials }] = await Promise.all([
    import('../engine/store/createDataStore.ts'),
    import('../engine/store/credentials.ts'),
  ]);
  const file = readPriceFile(dataDir);
  const store: StoreOptions = {
    target: { connection, bucket, policy: machinePolicy() },
    credentials: chainCredentials(connection),
    maxSockets: 8,
    stallTimeoutMs: 30_000,
    onRequest: () => undefined,
  };
  const data = createDataStore(store);
  try {
    const found = await data.headBucket();
    const region = connection.region ?? found.region;
    const prices = pricesFor({ endpointUrl: connection.endpointUrl, region }, file);
    return { store, prices, region, nowMs: host.now() };
  } finally {
    data.close();
  }
}
