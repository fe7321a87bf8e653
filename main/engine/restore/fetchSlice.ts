import type { FileHandle } from 'node:fs/promises';
import { SluiceError } from '../../../shared/errors.ts';
import type { ObjectKey } from '../../../shared/ids.ts';
import { MiB } from '../../../shared/units.ts';
import type { Clock, Random } from '../ports.ts';
import type { DataStore, ObjectAnswer, ObjectSlice } from '../store/store.ts';
import { tryAgain } from '../transfer/tryAgain.ts';
import type { RequestSlots } from './requestSlots.ts';
import { type Hashing, runningDigest } from './runningDigest.ts';
import { targetError } from './targetError.ts';

/** What fetching needs of the run. */
export interface FetchContext {
  readonly store: DataStore;
  readonly slots: RequestSlots;
  readonly clock: Clock;
  readonly random: Random;
  readonly counts: { bytesReceived: number; retries: number };
}

export interface FetchedSlice {
  readonly answer: ObjectAnswer;
  /** How it was hashed; null: not at all. */
  readonly hashing: Hashing | null;
  readonly checksum: string;
}

export interface SliceRequest {
  readonly key: ObjectKey;
  readonly slice: ObjectSlice;
  readonly ifMatch: string | null;
  readonly file: FileHandle;
  /** Decided when the answer's head is here; may throw. */
  readonly hashing: (answer: ObjectAnswer) => Hashing | null;
  /** Throws `checksum-mismatch` when what came isn't what the store says it is: it is then fetched again. */
  readonly prove: (fetched: FetchedSlice) => void;
  readonly signal: AbortSignal;
}

/** Bytes of one answer that may wait for the disk. */
const mostUnwritten = MiB;

/** One GET into its place in the file, tried again as long as that may help. Throws the store's errors, `checksum-mismatch`, `target-*`. */
export async function fetchSlice(context: FetchContext, request: SliceRequest): Promise<FetchedSlice> {
  const { clock, random, slots, counts } = context;
  const { signal } = request;
  return tryAgain({ clock, random, signal, onRetry: () => counts.retries++ }, async () => {
    const release = await slots.take(signal);
    try {
      return await fetchOnce(context, request);
    } finally {
      release();
    }
  });
}

async function fetchOnce(context: FetchContext, request: SliceRequest): Promise<FetchedSlice> {
  const { key, slice, ifMatch, file, signal } = request;
  let begun: { readonly answer: ObjectAnswer; readonly hashing: Hashing | null } | undefined;
  let digest: ReturnType<typeof runningDigest> | null = null;
  let position = 0;
  let unwritten = 0;
  let failure: SluiceError | null = null;
  const writes = new Set<Promise<void>>();

  await context.store
    .getObject({
      key,
      slice,
      ifMatch,
      signal,
      begin: (answer) => {
        checkPlace(slice, answer);
        const hashing = request.hashing(answer);
        digest = hashing === null ? null : runningDigest(hashing);
        begun = { answer, hashing };
        position = answer.offset;
      },
      write: (chunk) => {
        if (failure) throw failure;
        digest?.update(chunk);
        context.counts.bytesReceived += chunk.length;
        const at = position;
        position += chunk.length;
        unwritten += chunk.length;
        const write = writeAll(file, chunk, at)
          .catch((error: unknown) => {
            failure ??= targetError(error, key);
          })
          .finally(() => {
            unwritten -= chunk.length;
            writes.delete(write);
          });
        writes.add(write);
        return unwritten < mostUnwritten ? undefined : write;
      },
    })
    .finally(() => Promise.all(writes));
  // Set by the callbacks above, which the compiler can't see.
  const failed = failure as SluiceError | null;
  if (failed) throw failed;
  const { answer, hashing } = begun as unknown as NonNullable<typeof begun>;
  if (position !== answer.offset + answer.length)
    throw new SluiceError('store-unreachable', `The store sent ${position - answer.offset} of ${answer.length} bytes`);
  const fetched = { answer, hashing, checksum: (digest as ReturnType<typeof runningDigest> | null)?.result() ?? '' };
  request.prove(fetched);
  return fetched;
}

async function writeAll(file: FileHandle, chunk: Buffer, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}

/** A store that ignores the range sends the whole: it would be written over what is there already. */
function checkPlace(slice: ObjectSlice, answer: ObjectAnswer): void {
  const isRight =
    slice.kind === 'part' ||
    (slice.kind === 'whole' && answer.offset === 0 && answer.length === answer.sizeBytes) ||
    (slice.kind === 'range' && answer.offset === slice.offset && answer.length === slice.length);
  if (!isRight)
    throw new SluiceError('store-refused', 'The store sent other bytes of the object than were asked for', {
      operation: 'GetObject',
    });
}
