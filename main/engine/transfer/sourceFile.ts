import {
  type BigIntStats,
  close,
  closeSync,
  constants,
  fstat,
  fstatSync,
  open,
  openSync,
  read,
  readSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SluiceError } from '../../../shared/errors.ts';
import { type SourceIdentity, type SourceStat, sourceIdentity } from '../../../shared/source.ts';

/** An open source file that knows what it must be. */
export interface SourceFile {
  readonly fd: number;
  /** Throws `source-changed` unless the file is still what was observed. */
  check(): Promise<void>;
  /** Fills as much of `buffer` as the file has from `position`. */
  read(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Never follows a symlink in the last place, and never waits for the other end of what became a pipe. */
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Throws `source-missing`, `source-unreadable`, `source-changed`. */
export async function openSource(path: string, identity: SourceIdentity): Promise<SourceFile> {
  const fd = await openFile(path, readOnly).catch((error: NodeJS.ErrnoException) => {
    throw sourceError(error, path);
  });
  const check = async (): Promise<BigIntStats> => {
    const stat = await statFile(fd, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      throw sourceError(error, path);
    });
    if (sourceIdentity(stat) === identity) return stat;
    throw changed(path);
  };
  const source: SourceFile = {
    fd,
    check: async () => void (await check()),
    read: async (buffer, position) => {
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await readFile(fd, buffer, filled, buffer.length - filled, position + filled).catch(
          (error: NodeJS.ErrnoException) => {
            throw sourceError(error, path);
          },
        );
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    close: () => closeFile(fd),
  };
  try {
    const leftMs = tickLeftMs(await check());
    if (leftMs > 0) await sleep(leftMs);
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * A whole small file into `buffer`, which has exactly its length: open, look, read, look, close, blocking the thread for the 20 µs that takes on a local disk (a third of
 * what it takes through libuv's threads). Returns the ms to wait before it may be read (see tickLeftMs), 0 when it was. Throws as openSource.
 */
export function readWholeBlocking(path: string, identity: SourceIdentity, buffer: Buffer): number {
  let fd: number | undefined;
  try {
    fd = openSync(path, readOnly);
    const before = fstatSync(fd, { bigint: true });
    if (sourceIdentity(before) !== identity) throw changed(path);
    const leftMs = tickLeftMs(before);
    if (leftMs > 0) return leftMs;
    for (let filled = 0; filled < buffer.length; ) {
      const got = readSync(fd, buffer, filled, buffer.length - filled, filled);
      if (got === 0) throw new SluiceError('source-changed', 'The file became shorter while it was read', { path });
      filled += got;
    }
    if (!isSame(before, fstatSync(fd, { bigint: true }))) throw changed(path);
    return 0;
  } catch (error) {
    throw error instanceof SluiceError ? error : sourceError(error as NodeJS.ErrnoException, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Two writes within one tick of the file system's clock leave the same times: what is read before it is over could change unnoticed. ms until it is; 0: read.
 */
function tickLeftMs({ ctimeNs }: SourceStat): number {
  const tickMs = ctimeNs % 1_000_000_000n === 0n ? coarseTickMs : fineTickMs;
  const ageMs = Date.now() - Number(ctimeNs / 1_000_000n);
  return ageMs >= 0 && ageMs <= tickMs ? tickMs - ageMs + 1 : 0;
}

/** Kernels stamp files at their timer's pace (Linux: 1…10 ms, Windows: up to 16 ms), some file systems by the second or two. */
const fineTickMs = 20;
const coarseTickMs = 2_000;

export function sourceError(error: NodeJS.ErrnoException, path: string): SluiceError {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    return new SluiceError('source-missing', 'The file is gone', { path, cause: error });
  }
  if (error.code === 'ELOOP')
    return new SluiceError('source-changed', 'The file became a symbolic link', { path, cause: error });
  return new SluiceError('source-unreadable', `The file can't be read (${error.code ?? error.message})`, {
    path,
    cause: error,
  });
}

const changed = (path: string): SluiceError =>
  new SluiceError('source-changed', 'The file changed while it was being uploaded', { path });

const isSame = (a: SourceStat, b: SourceStat): boolean =>
  a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);
const readFile = promisify(read);
