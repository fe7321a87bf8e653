import type { Writable } from 'node:stream';
import { SluiceError } from '../../../shared/errors.ts';
import { KiB, MiB } from '../../../shared/units.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { BufferPool } from './bufferPool.ts';
import { bestChunkBytes, readChunk, readPace } from './readChunk.ts';
import type { SourceFile } from './sourceFile.ts';

export interface PumpedRange {
  readonly source: Pick<SourceFile, 'fd' | 'check'>;
  /** On a disk of this machine, where a read may block the thread, and there are other threads. */
  readonly mayBlock: boolean;
  /** That pump beside this one, itself included. */
  readonly threads: number;
  readonly offset: number;
  readonly length: number;
  readonly buffers: BufferPool;
  readonly bandwidth: Bandwidth;
  /** TLS encrypts a write in one go: smaller ones. */
  readonly tls: boolean;
  readonly signal: AbortSignal;
  /** Sees every byte once, in order, before it is written: the checksum on the fly. */
  readonly onRead?: (bytes: Buffer) => void;
  readonly onSent: (bytes: number) => void;
}

/** One is being read while the other is on its way into the socket. */
const buffersPerBody = 2;
const smallestChunkBytes = 64 * KiB;
/** 1 MiB is slower (engine-facts). */
const tlsChunkBytes = 256 * KiB;
/** All bodies of all threads together, about: more bodies take smaller chunks, so that 250 connections fit in a small process. */
const pumpingBytes = 32 * MiB;
/** Being pumped in this thread. */
let bodies = 0;

/**
 * A range of a file pumped into a request by positional reads through reused buffers: a stream's own machinery (64 KiB chunks, copies, events) takes twice the CPU, and
 * whole-part buffers take the memory (engine-facts: 2.9 GiB/s and 72 MiB against 1.1–1.5 and 2.1–2.6 at 313 MiB). The file is checked before the last bytes go, so that
 * no store completes an object of which half is old. Rejects with `source-*`, the signal's reason, or what closed the destination.
 */
export async function pumpBody(range: PumpedRange, destination: Writable): Promise<void> {
  const { source, buffers, bandwidth, signal } = range;
  const end = range.offset + range.length;
  const writing = new Set<Buffer>();
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    wake?.();
  };
  // A request that is destroyed before it has a socket never calls back.
  const onClose = () => fail(new Error('the connection closed inside the body'));
  const onAbort = () => fail(signal.reason as Error);
  destination.on('close', onClose);
  destination.on('error', fail);
  signal.addEventListener('abort', onAbort);
  const progress = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  /** A second buffer only if there is one: a body that holds one waits for it to leave instead of for others. */
  const nextBuffer = async (bytes: number): Promise<Buffer> => {
    for (;;) {
      if (failure) throw failure;
      const buffer = writing.size < buffersPerBody ? buffers.tryTake(bytes) : null;
      if (buffer) return buffer;
      if (writing.size === 0) return await buffers.take(bytes, signal);
      await progress();
    }
  };
  const write = (buffer: Buffer, bytes: number) => {
    writing.add(buffer);
    destination.write(bytes === buffer.length ? buffer : buffer.subarray(0, bytes), (error) => {
      if (!writing.delete(buffer)) return;
      if (error) {
        buffers.lose(buffer);
        return fail(error);
      }
      buffers.give(buffer);
      range.onSent(bytes);
      wake?.();
    });
  };

  bodies++;
  try {
    if (signal.aborted) throw signal.reason;
    if (destination.destroyed) onClose();
    for (let position = range.offset; position < end; ) {
      const pace = readPace(range.mayBlock);
      const best = range.tls ? tlsChunkBytes : bestChunkBytes[pace];
      const most = Math.min(best, end - position, fairChunkBytes(range.threads));
      const buffer = await nextBuffer(most);
      let got = 0;
      try {
        const want = Math.min(bandwidth.chunkBytes(most), end - position);
        got = await readChunk(source.fd, buffer, want, position, pace);
        if (got === 0) throw new SluiceError('source-changed', 'The file became shorter while it was read');
        range.onRead?.(got === buffer.length ? buffer : buffer.subarray(0, got));
        position += got;
        if (position === end) await source.check();
        if (bandwidth.isLimited()) await bandwidth.admit(got, signal);
        if (failure) throw failure;
      } catch (error) {
        buffers.give(buffer);
        throw error;
      }
      write(buffer, got);
    }
    while (writing.size > 0 && !failure) await progress();
    if (failure) throw failure;
  } finally {
    bodies--;
    destination.off('close', onClose);
    destination.off('error', fail);
    signal.removeEventListener('abort', onAbort);
    // After a failure they may still be on their way into the socket.
    for (const buffer of writing) buffers.lose(buffer);
    writing.clear();
  }
}

function fairChunkBytes(threads: number): number {
  const fair = pumpingBytes / (threads * bodies * buffersPerBody);
  let chunk = smallestChunkBytes;
  while (chunk * 2 <= fair) chunk *= 2;
  return chunk;
}
