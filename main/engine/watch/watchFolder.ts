import { Worker } from 'node:worker_threads';
import { errorView } from '../../../shared/errors.ts';
import { workerUrl } from '../workerUrl.ts';
import type { WatchFolder, WatchOptions } from './watch.ts';
import type { ChangesTaken, WatchWorkerData, WatchWorkerMessage } from './watchProtocol.ts';
import { defaultWatchTuning } from './watchTuning.ts';

/** Deaths of the worker after which only rescans are asked for: a tree that is too large for it once will be so again. */
const mostDeaths = 3;

/**
 * Watches in a worker thread: reading a large tree for the first time keeps a thread busy for seconds, and a hung network disk for longer. Should the worker die
 * (out of memory), the state is `polling`, a rescan is asked for every `pollMs`, and the worker is started again, a few times.
 */
export const watchFolder: WatchFolder = (options) => {
  const { root, rules, keyPrefix, settleMs, tuning } = options;
  const workerData: WatchWorkerData = { root, rules, keyPrefix, settleMs, ...(tuning === undefined ? {} : { tuning }) };
  const pollMs = tuning?.pollMs ?? defaultWatchTuning.pollMs;
  const { promise: ready, resolve: setReady } = Promise.withResolvers<void>();
  let worker: Worker | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  let deaths = 0;

  const start = () => {
    const current = new Worker(workerUrl('watchWorker', import.meta.url), { workerData });
    worker = current;
    let cause: string | null = null;
    current.on('message', (message: WatchWorkerMessage) => {
      if (closed) return;
      if (message.kind === 'ready') {
        setReady();
        if (deaths > 0) options.onRescanNeeded('Watching has begun again.');
      } else if (message.kind === 'changes') void take(options, message).then((taken) => current.postMessage(taken));
      else tell(options, message);
    });
    current.on('error', (error) => {
      cause = error.message;
    });
    current.on('exit', () => {
      if (closed) return;
      deaths++;
      setReady();
      options.onState(
        'polling',
        `The watcher stopped (${cause ?? 'without a word'}); the folder is looked through now and then instead.`,
        'failure',
      );
      poll();
    });
  };
  const poll = () => {
    options.onRescanNeeded('The folder is not watched, but looked through now and then.');
    timer = setTimeout(deaths <= mostDeaths ? start : poll, pollMs);
  };
  start();

  return {
    ready,
    close: async () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      setReady();
      await worker?.terminate();
    },
  };
};

function tell(options: WatchOptions, message: Exclude<WatchWorkerMessage, { kind: 'ready' | 'changes' }>): void {
  if (message.kind === 'rescan') options.onRescanNeeded(message.reason, message.within);
  else if (message.kind === 'state') options.onState(message.state, message.detail, message.cause);
  else options.onRootGone();
}

async function take(
  options: WatchOptions,
  changes: Extract<WatchWorkerMessage, { kind: 'changes' }>,
): Promise<ChangesTaken> {
  try {
    await options.onChanges({ observations: changes.observations, problems: changes.problems });
    return { error: null };
  } catch (error) {
    return { error: errorView(error) };
  }
}
