import { accelerationUnder } from '../../shared/policy.ts';
import type { EngineSettings } from '../../shared/settings.ts';
import { type ClientRegion, findClientRegion } from './clientRegion.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import {
  type AccelerationFacts,
  type AccelerationStatus,
  decideAcceleration,
  smallestAcceleratedBytes,
} from './plan/accelerate.ts';
import { estimateGain, type GainEstimate } from './plan/accelerationGain.ts';
import { tuningStoreOf } from './plan/tuner.ts';
import type { Clock } from './ports.ts';
import { acceleratedConnection, mayAccelerate } from './store/acceleratedConnection.ts';
import type { Store } from './store/store.ts';
import { type BucketAcceleration, createBucketAcceleration } from './transfer/acceleratedRoute.ts';
import { storeKeyOf } from './transfer/sendProtocol.ts';

export interface BucketFacts {
  readonly status: AccelerationStatus;
  readonly bucketRegion: string | null;
  readonly client: ClientRegion | null;
}

export interface AccelerationBookOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly settings: () => EngineSettings;
  readonly findRegion?: (setting: string) => Promise<ClientRegion | null>;
}

/** A bucket's status takes effect within half an hour of a change, so it is asked that often. */
const factsKeptMs = 1_800_000;
/** What couldn't be asked is asked again sooner. */
const failureKeptMs = 60_000;

/** The accelerated endpoint of each folder's bucket, for transfer: what is known of it is asked once a while, when a file is large enough to matter. */
export function createAccelerationBook({
  ledger,
  clock,
  settings,
  findRegion = findClientRegion,
}: AccelerationBookOptions) {
  const routes = new Map<string, BucketAcceleration>();

  return (folder: Pick<FolderRow, 'connection' | 'bucket'>, store: Store): BucketAcceleration | null => {
    const { bucket } = folder;
    // The region is the bucket's own where it isn't set: the data client learns it from the store's answer.
    const connection = acceleratedConnection(folder.connection, null, settings().acceleration.dualStack);
    if (connection === null) return null;
    const storeKey = storeKeyOf(connection, bucket);
    const known = routes.get(storeKey);
    if (known && known.target.policy === store.target.policy) return known;
    const facts = cachedFacts(store, settings, clock, findRegion);
    const route = createBucketAcceleration({
      ...{ ledger, clock, storeKey },
      settings: () => settings().acceleration,
      target: { connection, bucket, policy: store.target.policy },
      decide: async (sizeBytes, signal) => {
        const { acceleration } = settings();
        const base = {
          ...{ sizeBytes, bucket },
          gain: latestGain(ledger, tuningStoreOf(folder.connection, bucket)),
          spent: ledger.accelerationSpend(monthOf(clock.now())).usd,
          policy: accelerationUnder(store.target.policy, connection, bucket),
        };
        const unasked: AccelerationFacts = { ...base, status: 'off', bucketRegion: null, clientRegion: null };
        const isSettled =
          base.policy === 'forbidden' ||
          acceleration.mode === 'off' ||
          sizeBytes < smallestAcceleratedBytes ||
          bucket.includes('.');
        if (isSettled) return decideAcceleration(unasked, acceleration);
        const { status, bucketRegion, client } = await facts();
        signal.throwIfAborted();
        return decideAcceleration(
          { ...base, status, bucketRegion, clientRegion: client?.region ?? null },
          acceleration,
        );
      },
    });
    routes.set(storeKey, route);
    return route;
  };
}

export const monthOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 7);

/** By the newest probe that came to a verdict; else the newest; null: none. */
export function latestGain(ledger: Pick<Ledger, 'probes'>, store: string): GainEstimate | null {
  const estimates = ledger
    .probes(store, 5)
    .map(({ rounds }) => estimateGain(rounds))
    .filter((estimate) => estimate !== null);
  return estimates.find(({ verdict }) => verdict !== 'undecided') ?? estimates[0] ?? null;
}

/** What the bucket says of itself and the machine of its place. Never rejects: what can't be asked is unknown, and not accelerated. */
export async function askBucketFacts(
  store: Store,
  clientSetting: string,
  findRegion: (setting: string) => Promise<ClientRegion | null> = findClientRegion,
): Promise<BucketFacts> {
  const [status, found] = await Promise.all([
    mayAccelerate(store.target.connection)
      ? store.accelerationStatus().catch((): AccelerationStatus => 'unknown')
      : ('unsupported' as const),
    store.headBucket().catch(() => null),
  ]);
  // Where this machine is matters only for a bucket that has acceleration.
  const client = status === 'enabled' ? await findRegion(clientSetting).catch(() => null) : null;
  return { status, bucketRegion: found?.region ?? store.target.connection.region, client };
}

function cachedFacts(
  store: Store,
  settings: () => EngineSettings,
  clock: Clock,
  findRegion: (setting: string) => Promise<ClientRegion | null>,
): () => Promise<BucketFacts> {
  let cached: { readonly facts: Promise<BucketFacts>; readonly setting: string } | undefined;
  let keptUntil = 0;
  return () => {
    const setting = settings().acceleration.clientRegion;
    if (cached?.setting === setting && clock.now() < keptUntil) return cached.facts;
    keptUntil = clock.now() + factsKeptMs;
    const facts = askBucketFacts(store, setting, findRegion);
    cached = { facts, setting };
    void facts.then(({ status }) => {
      if (status === 'unknown') keptUntil = Math.min(keptUntil, clock.now() + failureKeptMs);
    });
    return facts;
  };
}
