import { SluiceError } from '../../../shared/errors.ts';
import type { RelativePath } from '../../../shared/ids.ts';
import type { DirectoryListing, ObservedFile, RootIdentity } from '../../../shared/source.ts';
import type { ScanStart, ScanWorkerMessage } from './scanProtocol.ts';
import { takeScanThread } from './scanThread.ts';
import type { ScanPiece } from './scanTree.ts';
import type { BegunScan, ScanBatch, ScanFolder, ScanOptions } from './watch.ts';

/** Scans in a worker thread; this thread only hands batches of about 1,000 files on. Besides what ScanFolder names it throws `root-changed` and `worker-died`. */
export const scanFolder: ScanFolder = (options, onBatch) => beginScan(options).each(onBatch);

/**
 * Begins to read at once, and reads ahead a little (scanProtocol's `outstandingPieces`) until somebody takes the batches: a thread needs 40 ms to start, which are better
 * spent while the ledger is opened and the store asked.
 */
export function beginScan(options: ScanOptions): BegunScan {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly root: RootIdentity }>();
  // Given up before anybody waits for it, it ends without a word.
  promise.catch(() => undefined);
  if (options.signal.aborted) return { each: () => Promise.reject(interrupted()), stop: () => undefined };

  const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const { root, rules, keyPrefix } = options;
  const worker = takeScanThread();
  worker.postMessage({ root, rules, keyPrefix, taken } satisfies ScanStart);
  const assemble = listingAssembler();
  const consumer = Promise.withResolvers<(batch: ScanBatch) => Promise<void> | void>();
  let over = false;
  // one after the other: the consumer's promise is awaited before the next batch
  let consumed: Promise<void> = Promise.resolve();

  const end = (settle: () => void) => {
    if (over) return;
    over = true;
    options.signal.removeEventListener('abort', onAbort);
    // whoever waits for a consumer that never came
    consumer.resolve(() => undefined);
    // no batch is handed on after the promise is settled
    void Promise.all([consumed, worker.terminate()]).then(settle, settle);
  };
  const fail = (error: unknown) => end(() => reject(error));
  const onAbort = () => fail(interrupted());
  const take = async (message: ScanWorkerMessage) => {
    const onBatch = await consumer.promise;
    if (over) return;
    if (message.kind === 'failed') throw SluiceError.fromView(message.error);
    if (message.kind === 'finished') return end(() => resolve({ root: message.root }));
    await onBatch(assemble(message.piece));
    Atomics.add(taken, 0, 1);
    Atomics.notify(taken, 0);
  };

  options.signal.addEventListener('abort', onAbort, { once: true });
  worker.on('message', (message: ScanWorkerMessage) => {
    consumed = consumed.then(() => take(message)).catch(fail);
  });
  worker.on('error', (error) =>
    fail(new SluiceError('worker-died', `The scan stopped: ${error.message}`, { cause: error })),
  );
  worker.on('exit', () => {
    // what it said before it ended comes first
    void consumed.then(() =>
      setImmediate(
        () => void consumed.then(() => fail(new SluiceError('worker-died', 'The scan stopped without a word.'))),
      ),
    );
  });
  return {
    each: (onBatch) => {
      consumer.resolve(onBatch);
      return promise;
    },
    stop: onAbort,
  };
}

/** Puts the pieces of a large directory together: a listing says that what isn't in it is gone, so it must be whole. */
function listingAssembler(): (piece: ScanPiece) => ScanBatch {
  let open: { directory: RelativePath; files: ObservedFile[] } | null = null;
  return (piece) => {
    const listings: DirectoryListing[] = [];
    for (const { directory, files, last } of piece.listings) {
      if (open === null && last) {
        listings.push({ directory, files });
        continue;
      }
      open ??= { directory, files: [] };
      for (const file of files) open.files.push(file);
      if (last) {
        listings.push(open);
        open = null;
      }
    }
    return { ...piece, listings };
  };
}

function interrupted(): SluiceError {
  return new SluiceError('interrupted', 'The scan was stopped.');
}
