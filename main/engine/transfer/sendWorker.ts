import { parentPort, workerData } from 'node:worker_threads';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import { createDataStore } from '../store/createDataStore.ts';
import { meteredAs } from '../store/meteredAs.ts';
import type { DataStore, StoreCredentials } from '../store/store.ts';
import { bandwidthOver } from './bandwidth.ts';
import { createBufferPool } from './bufferPool.ts';
import { memoryBudgetOver } from './memoryBudget.ts';
import { createMeterTally } from './meterTally.ts';
import { performJob } from './performJob.ts';
import type { FromWorker, SendJob, StoreKey, ToWorker, WorkerStart } from './sendProtocol.ts';
import { createSourceHandles } from './sourceHandles.ts';

/*
 * The data plane: a thread that reads, checksums and sends. It decides nothing: what goes when, and what is tried again, is the control thread's business.
 */

if (!parentPort) throw new Error('sendWorker runs as a worker thread');
const port = parentPort;
const start = workerData as WorkerStart;
const bandwidth = bandwidthOver(start.bandwidth);
const buffers = createBufferPool(memoryBudgetOver(start.budget), start.thread);
const handles = createSourceHandles();
const ports = { storeOf, buffers, handles, bandwidth, threads: start.threads };

const reportEveryMs = 100;

const stores = new Map<StoreKey, { readonly store: DataStore; readonly tls: boolean }>();
const running = new Map<number, AbortController>();
const waitingForKeys = new Map<number, { resolve: (keys: StoreCredentials) => void; reject: (error: Error) => void }>();
const sent = new Map<number, number>();
const requests: string[] = [];
const metered = createMeterTally();
let toSay: FromWorker[] = [];
let reportTimer: NodeJS.Timeout | undefined;
let lastRequest = 0;

port.on('message', (messages: readonly ToWorker[]) => {
  for (const message of messages) receive(message);
});

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'store':
      return openStore(message);
    case 'credentials':
      return receiveCredentials(message);
    case 'job':
      return void meteredAs(message.folderId, () => run(message.id, message.job));
    case 'cancel':
      running.get(message.id)?.abort();
      return handles.closeIdle();
    case 'close':
      for (const { store } of stores.values()) store.close();
      return port.close();
  }
}

function say(message: FromWorker): void {
  toSay.push(message);
  if (toSay.length === 1) setImmediate(flush);
}

function flush(): void {
  report();
  const messages = toSay;
  toSay = [];
  port.postMessage(messages);
}

function openStore({ store: key, target, maxSockets, stallTimeoutMs }: ToWorker & { type: 'store' }): void {
  stores.get(key)?.store.close();
  const { endpointUrl } = target.connection;
  const store = createDataStore({
    target,
    maxSockets,
    stallTimeoutMs,
    credentials: () => askForCredentials(key),
    onRequest: (operation) => {
      requests.push(operation);
      scheduleReport();
    },
    onMetered: (request) => {
      metered.add(key, request);
      scheduleReport();
    },
  });
  stores.set(key, { store, tls: endpointUrl === null || endpointUrl.startsWith('https:') });
}

function askForCredentials(store: StoreKey): Promise<StoreCredentials> {
  const request = ++lastRequest;
  say({ type: 'need-credentials', request, store });
  return new Promise((resolve, reject) => waitingForKeys.set(request, { resolve, reject }));
}

function receiveCredentials({ request, answer }: ToWorker & { type: 'credentials' }): void {
  const waiting = waitingForKeys.get(request);
  waitingForKeys.delete(request);
  if ('code' in answer) waiting?.reject(SluiceError.fromView(answer));
  else waiting?.resolve(answer);
}

async function run(id: number, job: SendJob): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  const startedAt = performance.now();
  try {
    const onSent = (bytes: number) => count(id, bytes);
    const result = await performJob(job, { ...ports, onSent, signal: abort.signal });
    say({ type: 'done', id, result, sentMs: performance.now() - startedAt });
  } catch (error) {
    const interrupted = abort.signal.aborted && !(error instanceof SluiceError && error.code === 'source-changed');
    say({
      type: 'failed',
      id,
      error: errorView(interrupted ? new SluiceError('interrupted', 'Stopped', { cause: error }) : error),
    });
  } finally {
    running.delete(id);
  }
}

function storeOf(key: StoreKey): { readonly store: DataStore; readonly tls: boolean } {
  const store = stores.get(key);
  if (!store) throw new SluiceError('internal', `The worker knows no store ${key}`);
  return store;
}

function count(id: number, bytes: number): void {
  sent.set(id, (sent.get(id) ?? 0) + bytes);
  scheduleReport();
}

function scheduleReport(): void {
  reportTimer ??= setTimeout(flush, reportEveryMs);
}

/** Before the results in the same batch, so that a job's last bytes count before it is done. */
function report(): void {
  clearTimeout(reportTimer);
  reportTimer = undefined;
  if (sent.size === 0 && requests.length === 0 && metered.isEmpty()) return;
  toSay.unshift({ type: 'progress', sent: [...sent], requests: requests.splice(0), metered: metered.take() });
  sent.clear();
}
