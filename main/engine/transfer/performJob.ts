import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../../shared/errors.ts';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { KiB } from '../../../shared/units.ts';
import type { Checksum, DataStore, SentObject, StoreBody } from '../store/store.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { BufferPool } from './bufferPool.ts';
import { createDigest } from './digest.ts';
import { askLocalDisk, isOnLocalDisk } from './localDisk.ts';
import { largestBufferBytes } from './memoryBudget.ts';
import { pumpBody } from './pumpedBody.ts';
import { readChunk, readPace } from './readChunk.ts';
import type { SendJob, SendResult, SourceRange } from './sendProtocol.ts';
import { readWholeBlocking } from './sourceFile.ts';
import type { SourceHandle, SourceHandles } from './sourceHandles.ts';

/** What a job runs with. */
export interface JobPorts {
  readonly storeOf: (key: string) => { readonly store: DataStore; readonly tls: boolean };
  readonly buffers: BufferPool;
  readonly handles: SourceHandles;
  readonly bandwidth: Bandwidth;
  /** Of the pool, this one included. */
  readonly threads: number;
  /** Body bytes as they leave. */
  readonly onSent: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Request line and headers, about, so that a limit holds for ten thousand small files too. */
const headBytes = 800;
const digestChunkBytes = 256 * KiB;

/** Does one job. Throws SluiceError; `source-changed` when the file isn't what was observed, whatever else went wrong. */
export async function performJob(job: SendJob, ports: JobPorts): Promise<SendResult> {
  switch (job.kind) {
    case 'put':
    case 'part': {
      const { offset, length } = job.source;
      // A slow limit wants small bites: what would leave as one is pumped.
      const mostWhole = ports.bandwidth.chunkBytes(largestBufferBytes);
      if (offset === 0 && length <= mostWhole) return sendWhole(job, ports);
      return withHandle(job.source, ports, (source) => sendRange(job, source, ports));
    }
    case 'digest':
      return withHandle(job.source, ports, async (source) => ({
        kind: 'digest',
        checksum: await digestRange(source, job.source, job.algorithm, ports),
      }));
    case 'head':
      return { kind: 'head', head: await ports.storeOf(job.store).store.headObject(job.key) };
  }
}

type BodyJob = SendJob & { readonly kind: 'put' | 'part' };

/** A small file: read into memory, and sent from there as what it was when it was read. */
async function sendWhole(job: BodyJob, ports: JobPorts): Promise<SendResult> {
  const { buffers, bandwidth, signal } = ports;
  const { store } = ports.storeOf(job.store);
  const { length } = job.source;
  const buffer = buffers.tryTake(length) ?? (await buffers.take(length, signal));
  let isFlushed = false;
  let isSending = false;
  try {
    const bytes = buffer.subarray(0, length);
    await readWhole(job.source, bytes, ports);
    const digest = createDigest(job.algorithm);
    digest.update(bytes);
    const checksum = digest.result();
    if (isProven(job, checksum)) return { kind: 'unchanged', checksum };
    const sha256Hex = store.signsPayload ? sha256Of(bytes, checksum) : undefined;
    if (bandwidth.isLimited()) await bandwidth.admit(length + headBytes, signal);
    signal.throwIfAborted();
    isSending = true;
    const stored = await send(job, store, { kind: 'bytes', bytes, checksum, ...(sha256Hex && { sha256Hex }) }, signal);
    isFlushed = true;
    ports.onSent(length);
    return confirmed(stored, checksum);
  } finally {
    // After a failure the bytes may still be on their way into the socket.
    if (isFlushed || !isSending) buffers.give(buffer);
    else buffers.lose(buffer);
  }
}

async function readWhole(range: SourceRange, bytes: Buffer, ports: JobPorts): Promise<void> {
  for (let tries = 0; tries < 3 && isOnLocalDisk(range.path, range.identity); tries++) {
    const waitMs = readWholeBlocking(range.path, range.identity, bytes);
    if (waitMs === 0) return;
    await sleep(waitMs, undefined, { signal: ports.signal });
  }
  await withHandle(range, ports, async (source) => {
    if ((await source.read(bytes, range.offset)) < bytes.length)
      throw new SluiceError('source-changed', 'The file became shorter while it was read', { path: range.path });
  });
}

/** Anything larger, or the rest of something larger: read once and sent while it is read, or twice where the checksum must go first. */
async function sendRange(job: BodyJob, source: SourceHandle, ports: JobPorts): Promise<SendResult> {
  const { bandwidth, buffers, signal, onSent, threads } = ports;
  const { store, tls } = ports.storeOf(job.store);
  const { path, identity, offset, length } = job.source;
  const mayBlock = threads > 1 && (await askLocalDisk(path, identity));
  const range = { source, mayBlock, threads, tls, offset, length, buffers, bandwidth, signal, onSent };
  if (bandwidth.isLimited()) await bandwidth.admit(headBytes, signal);
  // The store may give the reason a name of its own; ours says more.
  let failure: unknown;
  const failed = (error: unknown): never => {
    failure = error;
    throw error;
  };
  const sending = async (body: StoreBody): Promise<SentObject> =>
    send(job, store, body, signal).catch((error: unknown) => {
      throw failure instanceof SluiceError ? failure : error;
    });

  // Equal bytes needn't be sent, and a signed payload is hashed before it goes: both want the checksum first.
  const comesFirst = store.signsPayload || (job.kind === 'put' && job.provenChecksum !== null);
  if (job.placement === 'trailer' && !comesFirst) {
    const digest = createDigest(job.algorithm);
    let result: Checksum | undefined;
    const theResult = (): Checksum => {
      result ??= digest.result();
      return result;
    };
    const stored = await sending({
      kind: 'pumped',
      length,
      pump: (destination) => pumpBody({ ...range, onRead: digest.update }, destination).catch(failed),
      checksum: { placement: 'trailer', algorithm: job.algorithm, result: theResult },
    });
    return confirmed(stored, theResult());
  }
  const hash = store.signsPayload && job.algorithm !== 'sha256' ? createHash('sha256') : undefined;
  const checksum = await digestRange(source, job.source, job.algorithm, ports, (bytes) => void hash?.update(bytes));
  if (isProven(job, checksum)) return { kind: 'unchanged', checksum };
  const sha256Hex = hash?.digest('hex') ?? (store.signsPayload ? hexOf(checksum) : undefined);
  const stored = await sending({
    kind: 'pumped',
    length,
    pump: (destination) => pumpBody(range, destination).catch(failed),
    checksum: { placement: 'header', checksum },
    ...(sha256Hex && { sha256Hex }),
  });
  return confirmed(stored, checksum);
}

function send(job: BodyJob, store: DataStore, body: StoreBody, signal: AbortSignal): Promise<SentObject> {
  const { key } = job;
  if (job.kind === 'put') {
    const { policy, metadata, condition } = job;
    return store.putObject({ key, body, policy, metadata, condition, signal });
  }
  const { uploadId, partNumber, freshConnection } = job;
  return store.uploadPart({ key, uploadId, partNumber, body, freshConnection, signal });
}

function confirmed({ etag, checksum: theirs, timing }: SentObject, ours: Checksum): SendResult {
  const isSame = theirs !== null && theirs.algorithm === ours.algorithm;
  if (isSame && theirs.value !== ours.value) {
    throw new SluiceError(
      'checksum-mismatch',
      `The store says it holds other bytes than were sent (${theirs.value} instead of ${ours.value})`,
    );
  }
  return { kind: 'stored', etag, checksum: ours, confirmed: isSame, timing };
}

const isProven = (job: BodyJob, { algorithm, value }: Checksum): boolean =>
  job.kind === 'put' && job.provenChecksum === `${algorithm}:${value}`;

/** The source is what was observed when the work begins and still when it ends, or the work counts for nothing. */
async function withHandle<R>(
  range: SourceRange,
  { handles, signal }: JobPorts,
  work: (source: SourceHandle) => Promise<R>,
): Promise<R> {
  signal.throwIfAborted();
  const source = await handles.acquire(range.path, range.identity);
  let isGood = false;
  try {
    const result = await work(source).catch(async (error: unknown) => {
      // A body that changed on the way shows as a checksum or network error: the cause is the change.
      await source.check();
      throw error;
    });
    await source.check();
    isGood = true;
    return result;
  } finally {
    source.release(isGood ? 'soon' : 'at-once');
  }
}

async function digestRange(
  source: SourceHandle,
  { path, identity, offset, length }: SourceRange,
  algorithm: ChecksumAlgorithm,
  { buffers, signal, threads }: JobPorts,
  also?: (bytes: Buffer) => void,
): Promise<Checksum> {
  const mayBlock = threads > 1 && (await askLocalDisk(path, identity));
  const digest = createDigest(algorithm);
  const buffer = await buffers.take(Math.min(digestChunkBytes, length), signal);
  try {
    for (let done = 0; done < length; ) {
      signal.throwIfAborted();
      const want = Math.min(buffer.length, length - done);
      const got = await readChunk(source.fd, buffer, want, offset + done, readPace(mayBlock));
      if (got === 0) throw new SluiceError('source-changed', 'The file became shorter while it was read', { path });
      const bytes = buffer.subarray(0, got);
      digest.update(bytes);
      also?.(bytes);
      done += got;
    }
    return digest.result();
  } finally {
    buffers.give(buffer);
  }
}

const sha256Of = (bytes: Buffer, known: Checksum): string =>
  known.algorithm === 'sha256' ? hexOf(known) : createHash('sha256').update(bytes).digest('hex');

const hexOf = ({ value }: Checksum): string => Buffer.from(value, 'base64').toString('hex');
