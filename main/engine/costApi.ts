import { resolve } from 'node:path';
import type { FolderId } from '../../shared/ids.ts';
import type { EngineSettings, StoreConnection } from '../../shared/settings.ts';
import type { SyncApi } from '../../shared/syncApi.ts';
import type { CostMeter } from './costMeter.ts';
import { forecastFolder } from './forecastFolder.ts';
import type { Ledger } from './ledger/ledger.ts';
import { applyLifecycle, knownObjects, type LifecycleTarget, previewLifecycle } from './lifecyclePolicy.ts';
import { monthOfMs } from './plan/budget.ts';
import type { Clock } from './ports.ts';
import {
  analyzeStorage,
  type BucketAccount,
  createStorageAlarms,
  removeStorageAlarms,
  storageAlarms,
} from './storageAnalysis.ts';
import type { CredentialsProvider, Store, StoreOptions } from './store/store.ts';
import { stallTimeoutMs } from './storeBook.ts';

export type CostMethods = Pick<
  SyncApi,
  | 'costMeter'
  | 'forecastCost'
  | 'analyzeStorage'
  | 'storageAlarms'
  | 'createStorageAlarms'
  | 'removeStorageAlarms'
  | 'previewLifecycle'
  | 'applyLifecycle'
>;

export interface CostApiOptions {
  readonly ledger: Ledger;
  readonly costs: CostMeter;
  readonly clock: Clock;
  readonly settings: () => EngineSettings;
  readonly dataDir: string;
  readonly store: (connection: StoreConnection, bucket: string) => Store;
  readonly credentials: (connection: StoreConnection) => CredentialsProvider;
  readonly onRequest: (operation: string) => void;
}

/** The part of SyncApi that is about money. */
export function createCostApi(options: CostApiOptions): CostMethods {
  const { ledger, costs, clock, settings } = options;

  const storeOptions = (connection: StoreConnection, bucket: string): StoreOptions => ({
    target: { connection, bucket, policy: options.store(connection, bucket).target.policy },
    credentials: options.credentials(connection),
    maxSockets: 4,
    stallTimeoutMs,
    onRequest: options.onRequest,
    onMetered: costs.onMetered(connection, bucket),
  });

  /** Prices are a region's: a bucket of AWS whose region isn't known yet is asked for it once. */
  const accountOf = async (folderId: FolderId): Promise<BucketAccount> => {
    const { connection, bucket } = ledger.folder(folderId);
    const { region } = await options.store(connection, bucket).headBucket();
    costs.learnRegion(connection, bucket, region);
    return {
      store: storeOptions(connection, bucket),
      prices: costs.prices(connection, bucket),
      region: connection.region ?? region,
      nowMs: clock.now(),
    };
  };

  const lifecycleOf = async (folderId: FolderId): Promise<LifecycleTarget> => {
    const { connection, bucket, prefix } = ledger.folder(folderId);
    const { store, prices, nowMs } = await accountOf(folderId);
    return {
      ...{ store, prices, prefix, nowMs },
      uploads: options.store(connection, bucket),
      known: knownObjects(ledger, { bucket, prefix, endpointUrl: connection.endpointUrl }),
    };
  };

  return {
    costMeter: async ({ month }) => {
      costs.flush();
      return costs.report(month ?? monthOfMs(clock.now()), settings().monthlyBudgetUsd);
    },
    forecastCost: async ({ path, bucket, prefix, endpointUrl, region, rules, storageClass }) =>
      forecastFolder({
        ...{ path: resolve(path), bucket, prefix, endpointUrl, rules, storageClass, ledger },
        dataDir: options.dataDir,
        settings: settings(),
        prices: costs.prices({ endpointUrl, region }, bucket),
        signal: new AbortController().signal,
      }),
    analyzeStorage: async ({ folderId, list }) => analyzeStorage(await accountOf(folderId), list),
    storageAlarms: async ({ folderId }) => ({ alarms: await storageAlarms(await accountOf(folderId)) }),
    createStorageAlarms: async ({ folderId, ...wanted }) => ({
      alarms: await createStorageAlarms(await accountOf(folderId), wanted),
    }),
    removeStorageAlarms: async ({ folderId }) => ({ removed: await removeStorageAlarms(await accountOf(folderId)) }),
    previewLifecycle: async ({ folderId }) => previewLifecycle(await lifecycleOf(folderId)),
    applyLifecycle: async ({ folderId, revision }) => applyLifecycle(await lifecycleOf(folderId), revision),
  };
}
