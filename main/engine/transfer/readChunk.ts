import { read, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SluiceError } from '../../../shared/errors.ts';
import { KiB, MiB } from '../../../shared/units.ts';

export type ReadPace = 'blocking' | 'aside';

/**
 * How to read now: `blocking` on this thread, `aside` on libuv's. Two threads that read for themselves do 2.7 GiB/s at 0.55 CPU-s/GiB, with libuv's 2.4 at 0.64, since the
 * bytes are still in the core's cache when they are summed and written; a thread alone is better off with libuv's (2.2 against 1.6 GiB/s).
 */
export const readPace = (mayBlock: boolean): ReadPace =>
  mayBlock && performance.now() >= blockAgainAt ? 'blocking' : 'aside';

/** The best size: what stays in a core's cache, or what makes up for the 20 µs of a trip to another thread. */
export const bestChunkBytes: Record<ReadPace, number> = { blocking: 256 * KiB, aside: 1 * MiB };

/** Reads up to `length` bytes; 0: the file ends before `position`. Throws `source-unreadable`. */
export async function readChunk(
  fd: number,
  buffer: Buffer,
  length: number,
  position: number,
  pace: ReadPace,
): Promise<number> {
  if (pace === 'aside') return readAside(fd, buffer, length, position);
  // Others on this thread get their turn, whatever one body can take.
  blockedBytes += length;
  if (blockedBytes > mostBlockedBytes) {
    blockedBytes = 0;
    await nextTurn();
  }
  return readBlocking(fd, buffer, length, position);
}

const mostBlockedBytes = 1 * MiB;
let blockedBytes = 0;
/** What is in the page cache takes 0.1 ms; a disk that lets the thread wait this long is read aside for a while. */
const slowReadMs = 10;
const readAsideMs = 1_000;
let blockAgainAt = 0;

function readBlocking(fd: number, buffer: Buffer, length: number, position: number): number {
  const startedAt = performance.now();
  try {
    return readSync(fd, buffer, 0, length, position);
  } catch (error) {
    throw unreadable(error as NodeJS.ErrnoException);
  } finally {
    const endedAt = performance.now();
    if (endedAt - startedAt > slowReadMs) blockAgainAt = endedAt + readAsideMs;
  }
}

function readAside(fd: number, buffer: Buffer, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, length, position, (error, got) => (error ? reject(unreadable(error)) : resolve(got)));
  });
}

/** Without its name a disk's error would pass for one of the network's. */
const unreadable = (error: NodeJS.ErrnoException): SluiceError =>
  new SluiceError('source-unreadable', `The file can't be read (${error.code})`, { cause: error });
