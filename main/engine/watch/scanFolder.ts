import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { SluiceError } from '../../../shared/errors.ts';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { DirectoryListing, RootIdentity } from '../../../shared/source.ts';
import { type PackedFiles, PackedListing } from './packedListing.ts';
import type { ScanStart, ScanWorkerMessage, SentPiece } from './scanProtocol.ts';
import { takeScanThread } from './scanThread.ts';
import { isOver, isShared, newShareState, type ShareEnds } from './treeShare.ts';
import type { BegunScan, ScanBatch, ScanFolder, ScanOptions } from './watch.ts';

/** Pieces after which a second thread helps: a smaller tree is done before it is up. */
const piecesAlone = 20;

/**
 * Scans in up to two worker threads; this thread only hands batches of about 1,000 files on. Besides what ScanFolder names it throws `root-changed` and `worker-died`.
 */
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

  const { root, rules, keyPrefix } = options;
  const state = newShareState();
  const channel = new MessageChannel();
  const threads: Worker[] = [];
  const consumer = Promise.withResolvers<(batch: ScanBatch) => Promise<void> | void>();
  let finished = 0;
  let pieces = 0;
  let over = false;
  // one after the other: the consumer's promise is awaited before the next batch
  let consumed: Promise<void> = Promise.resolve();

  const end = (settle: () => void) => {
    if (over) return;
    over = true;
    options.signal.removeEventListener('abort', onAbort);
    // whoever waits for a consumer that never came
    consumer.resolve(() => undefined);
    channel.port1.close();
    channel.port2.close();
    // no batch is handed on after the promise is settled
    void Promise.all([consumed, ...threads.map((thread) => thread.terminate())]).then(settle, settle);
  };
  const fail = (error: unknown) => end(() => reject(error));
  const onAbort = () => fail(interrupted());

  const begin = (me: ShareEnds['me']): void => {
    const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const assemble = listingAssembler();
    const port = me === 'first' ? channel.port1 : channel.port2;
    const from = me === 'first' ? (options.within ?? [asRelativePath('')]) : [];
    const thread = takeScanThread();
    const start: ScanStart = { root, rules, keyPrefix, from, taken, share: { state, port, me } };
    try {
      thread.postMessage(start, [port]);
    } catch (error) {
      if (me === 'first') throw error;
      // the first one has ended meanwhile, and its end of the channel with it: what it said last tells how
      void thread.terminate();
      return;
    }
    threads.push(thread);
    const take = async (message: ScanWorkerMessage) => {
      const onBatch = await consumer.promise;
      if (over) return;
      if (message.kind === 'failed') throw SluiceError.fromView(message.error);
      if (message.kind === 'finished') {
        finished++;
        if (finished === threads.length || !isShared(state)) end(() => resolve({ root: message.root }));
        return;
      }
      await onBatch(assemble(message.piece));
      // two threads' pieces come faster than they are taken: others get their turn in between
      await setImmediate();
      Atomics.add(taken, 0, 1);
      Atomics.notify(taken, 0);
      if (++pieces === piecesAlone && !isOver(state) && availableParallelism() > 1) begin('second');
    };
    thread.on('message', (message: ScanWorkerMessage) => {
      consumed = consumed.then(() => take(message)).catch(fail);
    });
    thread.on('error', (error) =>
      fail(new SluiceError('worker-died', `The scan stopped: ${error.message}`, { cause: error })),
    );
    let said = false;
    thread.on('message', ({ kind }: ScanWorkerMessage) => {
      said = kind !== 'piece';
    });
    thread.on('exit', () => {
      // what it said before it ended comes first
      void setImmediate().then(async () => {
        await consumed;
        if (!said) fail(new SluiceError('worker-died', 'The scan stopped without a word.'));
      });
    });
  };

  options.signal.addEventListener('abort', onAbort, { once: true });
  begin('first');
  return {
    each: (onBatch) => {
      consumer.resolve(onBatch);
      return promise;
    },
    stop: onAbort,
  };
}

/** Puts the pieces of a large directory together: a listing says that what isn't in it is gone, so it must be whole. */
function listingAssembler(): (piece: SentPiece) => ScanBatch {
  let open: { readonly directory: RelativePath; readonly files: PackedFiles[] } | null = null;
  return (piece) => {
    const listings: DirectoryListing[] = [];
    for (const { directory, files, last } of piece.listings) {
      open ??= { directory, files: [] };
      open.files.push(files);
      if (!last) continue;
      listings.push(new PackedListing(directory, open.files));
      open = null;
    }
    return { ...piece, listings };
  };
}

function interrupted(): SluiceError {
  return new SluiceError('interrupted', 'The scan was stopped.');
}
