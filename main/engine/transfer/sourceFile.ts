import { type BigIntStats, close, constants, fstat, open, read } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SluiceError } from '../../../shared/errors.ts';
import { type SourceIdentity, sourceIdentity } from '../../../shared/source.ts';

/** An open source file that knows what it must be. */
export interface SourceFile {
  readonly fd: number;
  /** Throws `source-changed` unless the file is still what was observed. */
  check(): Promise<void>;
  /** Fills as much of `buffer` as the file has from `position`. */
  read(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Never follows a symlink in the last place. Throws `source-missing`, `source-unreadable`, `source-changed`. */
export async function openSource(path: string, identity: SourceIdentity): Promise<SourceFile> {
  const fd = await openFile(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(
    (error: NodeJS.ErrnoException) => {
      throw sourceError(error, path);
    },
  );
  const check = async (): Promise<BigIntStats> => {
    const stat = await statFile(fd, { bigint: true });
    if (sourceIdentity(stat) === identity) return stat;
    throw new SluiceError('source-changed', 'The file changed while it was being uploaded', { path });
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
    await tickOver(await check());
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Two writes within one tick of the file system's clock leave the same times: what is read before it is over could change unnoticed. */
async function tickOver({ ctimeMs, ctimeNs }: BigIntStats): Promise<void> {
  const tickMs = ctimeNs % 1_000_000_000n === 0n ? coarseTickMs : fineTickMs;
  const ageMs = Date.now() - Number(ctimeMs);
  if (ageMs >= 0 && ageMs <= tickMs) await sleep(tickMs - ageMs + 1);
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

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);
const readFile = promisify(read);
