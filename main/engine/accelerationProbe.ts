import { randomBytes, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { SluiceError } from '../../shared/errors.ts';
import { asObjectKey, asUploadToken, type ObjectKey } from '../../shared/ids.ts';
import type { AccelerationSettings } from '../../shared/settings.ts';
import type { Ledger } from './ledger/ledger.ts';
import { accelerationPremium } from './plan/accelerate.ts';
import { estimateGain, type GainEstimate, maxRounds, needsRound, type ProbeRound } from './plan/accelerationGain.ts';
import { createDataStore } from './store/createDataStore.ts';
import type { CredentialsProvider, DataStore, Store, StoreTarget } from './store/store.ts';

export interface ProbeOptions {
  /** Deletes what was sent. */
  readonly store: Store;
  readonly accelerated: StoreTarget;
  readonly credentials: CredentialsProvider;
  readonly ledger: Pick<Ledger, 'reserveAcceleration' | 'accelerationSpend'>;
  readonly settings: AccelerationSettings;
  /** Ends with a slash unless empty. */
  readonly prefix: string;
  /** Of each endpoint and round. */
  readonly roundBytes: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly onRound: (round: ProbeRound) => void;
  readonly signal: AbortSignal;
}

export interface ProbeOutcome {
  readonly rounds: readonly ProbeRound[];
  readonly gain: GainEstimate | null;
  readonly bytesSent: number;
  readonly ended: 'decided' | 'undecided' | 'cap';
}

const streams = 4;

/** The most that a probe sends over each endpoint, warm-up included. */
export const probeBytesAtMost = (roundBytes: number): number => roundBytes * (maxRounds + 1);

/**
 * Sends real bytes over both endpoints, in turns and in random order, until the difference is clear or `maxRounds` are over; the first round only opens connections and isn't counted. The accelerated bytes are
 * paid for from the month's cap. Every object is deleted, also after an error or an abort. Throws the store's errors; `interrupted`.
 */
export async function probeAcceleration(options: ProbeOptions): Promise<ProbeOutcome> {
  const { store, accelerated, settings, ledger, now, random, signal } = options;
  const body = randomBytes(Math.ceil(options.roundBytes / streams));
  const checksum = crcOf(body);
  const keys = Array.from({ length: streams }, (_, n) =>
    asObjectKey(`${options.prefix}.sluice-probe-${randomUUID()}-${n}`),
  );
  const make = (target: StoreTarget): DataStore =>
    createDataStore({
      target,
      credentials: options.credentials,
      maxSockets: streams,
      stallTimeoutMs: 30_000,
      onRequest: () => undefined,
    });
  const endpoints = { regional: make(store.target), accelerated: make(accelerated) };
  const rounds: ProbeRound[] = [];
  let bytesSent = 0;

  const measure = async (which: 'regional' | 'accelerated'): Promise<number> => {
    signal.throwIfAborted();
    const startedAt = performance.now();
    await allSettledOrThrow(keys.map((key) => put(endpoints[which], key, body, checksum, now(), signal)));
    bytesSent += body.length * streams;
    return (body.length * streams * 1_000) / Math.max(0.01, performance.now() - startedAt);
  };
  const bytes = body.length * streams;
  let ended: ProbeOutcome['ended'] | null = null;
  try {
    for (let n = 0; ended === null; n++) {
      const month = new Date(now()).toISOString().slice(0, 7);
      const usd = accelerationPremium(bytes, settings);
      if (!ledger.reserveAcceleration({ month, bytes, usd, capUsd: settings.monthlyCapUsd })) {
        ended = 'cap';
        break;
      }
      const first = random() < 0.5 ? 'regional' : 'accelerated';
      const one = await measure(first);
      const other = await measure(first === 'regional' ? 'accelerated' : 'regional');
      if (n === 0) continue;
      const round =
        first === 'regional' ? { regional: one, accelerated: other } : { regional: other, accelerated: one };
      rounds.push(round);
      options.onRound(round);
      if (!needsRound(rounds)) ended = estimateGain(rounds)?.verdict === 'undecided' ? 'undecided' : 'decided';
    }
  } finally {
    for (const endpoint of Object.values(endpoints)) endpoint.close();
    await cleanUp(store, keys);
  }
  return { rounds, gain: estimateGain(rounds), bytesSent, ended: ended ?? 'undecided' };
}

function put(
  endpoint: DataStore,
  key: ObjectKey,
  bytes: Buffer,
  checksum: string,
  mtimeMs: number,
  signal: AbortSignal,
) {
  return endpoint.putObject({
    key,
    body: { kind: 'bytes', bytes, checksum: { algorithm: 'crc32', value: checksum } },
    policy: { storageClass: null, sse: { kind: 'bucket-default' }, foreign: 'keep' },
    metadata: { token: asUploadToken(randomUUID()), origin: 'probe', mtimeMs, sizeBytes: bytes.length },
    condition: { kind: 'none' },
    signal,
  });
}

/** One that fails doesn't leave the others running: they would write after the clean-up. */
async function allSettledOrThrow(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

async function cleanUp(store: Store, keys: readonly ObjectKey[]): Promise<void> {
  const left = (await Promise.allSettled(keys.map((key) => store.deleteObject({ key, ifMatch: null })))).flatMap(
    (one, n) => (one.status === 'rejected' ? [{ key: keys[n], cause: one.reason as unknown }] : []),
  );
  if (left.length === 0) return;
  throw new SluiceError(
    'store-refused',
    `The probe's objects could not be deleted: ${left.map(({ key }) => key).join(', ')}`,
    {
      remedy: 'Delete them by hand, and allow s3:DeleteObject.',
      cause: left[0]?.cause,
    },
  );
}

function crcOf(bytes: Buffer): string {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return crc.toString('base64');
}
