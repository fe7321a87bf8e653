import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { MiB } from '../../../shared/units.ts';
import { createStore } from '../store/createStore.ts';
import type { Checksum, Store, StoreBody, StoreCredentials } from '../store/store.ts';
import { bandwidthOver } from './bandwidth.ts';
import { createDigest } from './digest.ts';
import { PumpedBody } from './pumpedBody.ts';
import type { FromWorker, SendJob, SendResult, SourceRange, StoreKey, ToWorker, WorkerStart } from './sendProtocol.ts';
import { openSource, type SourceFile } from './sourceFile.ts';

/*
 * The data plane: a thread that reads, checksums and sends. It decides nothing: what goes when, and what is tried again, is the control thread's business.
 */

if (!parentPort) throw new Error('sendWorker runs as a worker thread');
const port = parentPort;
const bandwidth = bandwidthOver((workerData as WorkerStart).bandwidth);

/** Up to here a body is read once into memory; above, it is checksummed and then pumped. */
const wholeBodyBytes = 1 * MiB;
const reportEveryMs = 100;
const digestBufferBytes = 512 * 1024;

const stores = new Map<StoreKey, Store>();
const running = new Map<number, AbortController>();
const waitingForKeys = new Map<number, { resolve: (keys: StoreCredentials) => void; reject: (error: Error) => void }>();
const sent = new Map<number, number>();
const requests: string[] = [];
let reportTimer: NodeJS.Timeout | undefined;
let lastRequest = 0;

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'store':
      return openStore(message);
    case 'credentials':
      return receiveCredentials(message);
    case 'job':
      return void run(message.id, message.job);
    case 'cancel':
      return running.get(message.id)?.abort();
    case 'close':
      for (const store of stores.values()) store.close();
      return port.close();
  }
});

function say(message: FromWorker): void {
  port.postMessage(message);
}

function openStore({ store: key, target, maxSockets, stallTimeoutMs }: ToWorker & { type: 'store' }): void {
  stores.get(key)?.close();
  const store = createStore({
    target,
    maxSockets,
    stallTimeoutMs,
    credentials: () => askForCredentials(key),
    onRequest: (operation) => {
      requests.push(operation);
      scheduleReport();
    },
  });
  stores.set(key, store);
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
    const result = await perform(id, job, abort.signal);
    report();
    say({ type: 'done', id, result, sentMs: performance.now() - startedAt });
  } catch (error) {
    report();
    const interrupted = abort.signal.aborted && !(error instanceof SluiceError && error.code === 'source-changed');
    say({
      type: 'failed',
      id,
      error: errorView(interrupted ? new SluiceError('interrupted', 'Stopped', { cause: error }) : error),
    });
  } finally {
    running.delete(id);
    sent.delete(id);
  }
}

function perform(id: number, job: SendJob, signal: AbortSignal): Promise<SendResult> {
  switch (job.kind) {
    case 'put':
      return put(id, job, signal);
    case 'part':
      return part(id, job, signal);
    case 'digest':
      return withSource(job.source, async (source) => ({
        kind: 'digest',
        checksum: await digestOf(source, job.source, job.algorithm, signal),
      }));
    case 'head':
      return storeOf(job.store)
        .headObject(job.key)
        .then((head) => ({ kind: 'head', head }));
  }
}

async function put(id: number, job: SendJob & { kind: 'put' }, signal: AbortSignal): Promise<SendResult> {
  const store = storeOf(job.store);
  return withSource(job.source, async (source) => {
    const body = await bodyOf(id, source, job.source, job.algorithm, store.signsPayload, signal);
    if (job.provenChecksum === `${body.checksum.algorithm}:${body.checksum.value}`) {
      return { kind: 'unchanged', checksum: body.checksum };
    }
    const stored = await store.putObject({ key: job.key, body, policy: job.policy, metadata: job.metadata, signal });
    return confirmed(stored.etag, body.checksum, stored.checksum);
  });
}

async function part(id: number, job: SendJob & { kind: 'part' }, signal: AbortSignal): Promise<SendResult> {
  const store = storeOf(job.store);
  return withSource(job.source, async (source) => {
    const body = await bodyOf(id, source, job.source, job.algorithm, store.signsPayload, signal);
    const stored = await store.uploadPart({
      key: job.key,
      uploadId: job.uploadId,
      partNumber: job.partNumber,
      body,
      signal,
    });
    return confirmed(stored.etag, body.checksum, stored.checksum);
  });
}

function confirmed(etag: string, ours: Checksum, theirs: Checksum | null): SendResult {
  if (theirs !== null && theirs.algorithm === ours.algorithm && theirs.value !== ours.value) {
    throw new SluiceError(
      'checksum-mismatch',
      `The store says it holds other bytes than were sent (${theirs.value} instead of ${ours.value})`,
    );
  }
  return { kind: 'stored', etag, checksum: ours, confirmed: theirs !== null && theirs.algorithm === ours.algorithm };
}

/** The source is what was observed when the work begins and still when it ends, or the work counts for nothing. */
async function withSource(range: SourceRange, work: (source: SourceFile) => Promise<SendResult>): Promise<SendResult> {
  const source = await openSource(range.path, range.identity);
  try {
    const result = await work(source).catch(async (error: unknown) => {
      // A body that changed on the way shows as a checksum error: the cause is the change.
      await source.check();
      throw error;
    });
    await source.check();
    return result;
  } finally {
    await source.close();
  }
}

async function bodyOf(
  id: number,
  source: SourceFile,
  range: SourceRange,
  algorithm: ChecksumAlgorithm,
  withSha256: boolean,
  signal: AbortSignal,
): Promise<StoreBody> {
  if (range.length <= wholeBodyBytes) {
    const bytes = Buffer.allocUnsafe(range.length);
    if ((await source.read(bytes, range.offset)) < range.length)
      throw new SluiceError('source-changed', 'The file became shorter');
    await bandwidth.admit(range.length, signal);
    const digest = createDigest(algorithm);
    digest.update(bytes);
    count(id, range.length);
    return {
      bytes,
      length: range.length,
      checksum: digest.result(),
      ...(withSha256 && { sha256Hex: createHash('sha256').update(bytes).digest('hex') }),
    };
  }
  const hash = withSha256 ? createHash('sha256') : undefined;
  const checksum = await digestOf(source, range, algorithm, signal, hash && ((bytes) => void hash.update(bytes)));
  const { fd } = source;
  const bytes = new PumpedBody({
    fd,
    offset: range.offset,
    length: range.length,
    bandwidth,
    signal,
    onSent: (n) => count(id, n),
  });
  return { bytes, length: range.length, checksum, ...(hash && { sha256Hex: hash.digest('hex') }) };
}

async function digestOf(
  source: SourceFile,
  { offset, length }: SourceRange,
  algorithm: ChecksumAlgorithm,
  signal: AbortSignal,
  also?: (bytes: Uint8Array) => void,
): Promise<Checksum> {
  const digest = createDigest(algorithm);
  const buffer = digestBuffers.pop() ?? Buffer.allocUnsafeSlow(digestBufferBytes);
  try {
    for (let done = 0; done < length; ) {
      signal.throwIfAborted();
      const want = buffer.subarray(0, Math.min(digestBufferBytes, length - done));
      if ((await source.read(want, offset + done)) < want.length)
        throw new SluiceError('source-changed', 'The file became shorter while it was read');
      digest.update(want);
      also?.(want);
      done += want.length;
    }
    return digest.result();
  } finally {
    digestBuffers.push(buffer);
  }
}
const digestBuffers: Buffer[] = [];

function storeOf(key: StoreKey): Store {
  const store = stores.get(key);
  if (!store) throw new SluiceError('internal', `The worker knows no store ${key}`);
  return store;
}

function count(id: number, bytes: number): void {
  sent.set(id, (sent.get(id) ?? 0) + bytes);
  scheduleReport();
}

function scheduleReport(): void {
  reportTimer ??= setTimeout(report, reportEveryMs);
}

function report(): void {
  clearTimeout(reportTimer);
  reportTimer = undefined;
  if (sent.size === 0 && requests.length === 0) return;
  say({ type: 'progress', sent: [...sent], requests: requests.splice(0) });
  sent.clear();
}
