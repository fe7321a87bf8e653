import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import type { ObjectKey } from '../../../shared/ids.ts';
import { partialPrefix } from '../plan/restoreTarget.ts';
import { digestOfRange, type Hashing } from './runningDigest.ts';
import { targetError } from './targetError.ts';
import type { TargetDirectory } from './targetFolder.ts';

/** A slice whose bytes are in the partial file. `checksum` is ours, over just these bytes. */
const FinishedSlice = z.object({
  number: z.number().int().positive(),
  offset: z.number().int().nonnegative(),
  length: z.number().int().nonnegative(),
  checksum: z.string(),
});
export type FinishedSlice = z.infer<typeof FinishedSlice>;

/** The object that a partial file is of: anything else begins anew. */
export interface PartialIdentity {
  readonly key: ObjectKey;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly hashing: Hashing;
  readonly slices: number;
}

/** A file on its way: beside its target under a name of ours, so that a rename puts it there in one step. */
export interface PartialFile {
  readonly file: FileHandle;
  /** Slices that an earlier run finished, their bytes read and compared again. */
  resume(identity: PartialIdentity, signal: AbortSignal): Promise<readonly FinishedSlice[]>;
  /** After its bytes were written. */
  record(slice: FinishedSlice): Promise<void>;
  /** All of it is to be fetched again. */
  restart(): Promise<void>;
  /** To disk, with its time, and to its name. Throws `target-exists` when something took the name meanwhile and must not be replaced. */
  place(name: string, how: { readonly mtimeMs: number | null; readonly replace: boolean }): Promise<void>;
  close(): Promise<void>;
  discard(): Promise<void>;
}

/** The names hold nothing of the object's own, which may be as long as names can be. */
const nameOf = (key: ObjectKey): string => partialPrefix + createHash('sha256').update(key).digest('hex').slice(0, 24);

/** Throws `target-unwritable`, `target-unsafe`. */
export async function openPartial(directory: TargetDirectory, key: ObjectKey): Promise<PartialFile> {
  const path = join(directory.path, `${nameOf(key)}.part`);
  const journalPath = join(directory.path, `${nameOf(key)}.done`);
  const file = await openOurs(path);
  let journal: FileHandle | undefined;
  let journalLength = 0;
  let first: string | undefined;

  const append = async (line: unknown): Promise<void> => {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    const at = journalLength;
    journalLength += bytes.length;
    await journal?.write(bytes, 0, bytes.length, at);
  };
  const close = async (): Promise<void> => {
    await Promise.all([file.close(), journal?.close()]);
    journal = undefined;
  };
  const restart = async (): Promise<void> => {
    await file.truncate(0);
    await journal?.truncate(0);
    journalLength = 0;
    if (first !== undefined) await append(JSON.parse(first));
  };

  return {
    file,
    resume: async (identity, signal) => {
      // Again for an object that was written anew meanwhile.
      await journal?.close();
      journal = await openOurs(journalPath);
      first = JSON.stringify(identity);
      const [head, ...lines] = (await journal.readFile('utf8')).split('\n');
      if (head !== first) {
        await restart();
        return [];
      }
      const kept = new Map<number, FinishedSlice>();
      for (const line of lines) {
        const slice = parsed(line);
        if (slice === null || slice.offset + slice.length > identity.sizeBytes) continue;
        const { offset, length, checksum } = slice;
        const isThere = (await digestOfRange(file, identity.hashing, offset, length, signal)) === checksum;
        if (isThere) kept.set(slice.number, slice);
      }
      // Written anew: a line cut off by a kill must not swallow the next one.
      await journal.truncate(0);
      journalLength = 0;
      await append(identity);
      for (const slice of kept.values()) await append(slice);
      return [...kept.values()];
    },
    record: append,
    restart,
    place: async (name, { mtimeMs, replace }) => {
      const target = join(directory.path, name);
      if (mtimeMs !== null) await file.utimes(secondsOf(mtimeMs), secondsOf(mtimeMs));
      await file.sync();
      await directory.check();
      if (replace) await rename(path, target);
      else await linkOrRename(path, target, name);
      await close();
      await unlink(journalPath).catch(unlessGone);
    },
    close,
    discard: async () => {
      await close();
      await unlink(path).catch(unlessGone);
      await unlink(journalPath).catch(unlessGone);
    },
  };
}

const readWrite = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A regular file with one name, made if there is none. Whatever else somebody put there is removed, never written through. */
async function openOurs(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, readWrite, 0o666);
    const stat = await file.stat();
    if (stat.isFile() && stat.nlink === 1) return file;
    await file.close();
  } catch (error) {
    if (!['ELOOP', 'ENXIO', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  await unlink(path);
  return open(path, readWrite | constants.O_EXCL, 0o666);
}

/** A second name for the file fails where a name is taken, in one step; a file system without such names is looked at first. */
async function linkOrRename(path: string, target: string, name: string): Promise<void> {
  try {
    await link(path, target);
    await unlink(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw taken(name);
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EACCES'].includes(code ?? ''))
      throw targetError(error, name);
    if ((await lstat(target).catch(() => null)) !== null) throw taken(name);
    await rename(path, target);
  }
}

/** Node takes seconds and cuts off: without a fraction of a microsecond more, 18 ms would become 17.999. */
const secondsOf = (ms: number): number => (ms + 0.0005) / 1000;

const taken = (name: string): SluiceError =>
  new SluiceError('target-exists', `Somebody made ${name} while it was restored`, { path: name });

function parsed(line: string): FinishedSlice | null {
  try {
    return FinishedSlice.parse(JSON.parse(line));
  } catch {
    // Cut off by a kill: its slice is fetched again.
    return null;
  }
}

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** What a run that was killed between the two names of a finished file left behind. */
export async function dropPartial(directory: TargetDirectory, key: ObjectKey): Promise<void> {
  for (const suffix of ['part', 'done'])
    await unlink(join(directory.path, `${nameOf(key)}.${suffix}`)).catch(unlessGone);
}
