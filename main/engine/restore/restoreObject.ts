import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../../shared/errors.ts';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { ListedObject, ObjectHead } from '../store/store.ts';
import { checksumText } from '../transfer/uploadContext.ts';
import { downloadObject, type Proved } from './downloadObject.ts';
import type { FetchContext } from './fetchSlice.ts';
import { localSame } from './localSame.ts';
import { dropPartial, openPartial } from './partialFile.ts';
import { targetError } from './targetError.ts';
import type { TargetDirectory, TargetFolder } from './targetFolder.ts';

export interface RestoreContext extends FetchContext {
  readonly target: TargetFolder;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

export interface RestoredObject {
  /** `skip`: the very bytes are there already. */
  readonly action: 'restore' | 'skip';
  readonly proved: Proved;
  readonly resumedBytes: number;
  readonly etag: string;
  readonly checksum: string | null;
}

/** An object may be written anew while it is fetched; it is then fetched as it is now, not for ever. */
const mostVersions = 4;

/** One object to one file. Throws SluiceError when the file isn't there as the object is; what was there before is then untouched. */
export async function restoreObject(
  context: RestoreContext,
  listed: ListedObject,
  path: RelativePath,
  signal: AbortSignal,
): Promise<RestoredObject> {
  const slash = path.lastIndexOf('/');
  const directory = await context.target.directory(asRelativePath(path.slice(0, Math.max(0, slash))), !context.dryRun);
  if (directory === null) return planned(listed);
  try {
    return await restoreInto(context, directory, path.slice(slash + 1), listed, path, signal);
  } catch (error) {
    throw isFileError(error) ? targetError(error, path) : error;
  } finally {
    directory.release();
  }
}

async function restoreInto(
  context: RestoreContext,
  directory: TargetDirectory,
  name: string,
  listed: ListedObject,
  path: RelativePath,
  signal: AbortSignal,
): Promise<RestoredObject> {
  const { store, overwrite, dryRun } = context;
  const { key } = listed;
  const there = await lookAt(join(directory.path, name));
  if (there !== null) {
    const met = await meet(context, join(directory.path, name), there, listed, path, signal);
    if (met !== null) {
      if (!dryRun) await dropPartial(directory, key);
      return met;
    }
  }
  if (dryRun) return planned(listed);

  const partial = await openPartial(directory, key);
  let keep = true;
  try {
    let wanted = { key, etag: listed.etag, sizeBytes: listed.sizeBytes };
    for (let versions = 1; ; versions++) {
      try {
        const { head, proved, resumedBytes } = await downloadObject(context, wanted, partial, signal);
        await partial.place(name, { mtimeMs: head.mtimeMs, replace: overwrite && there !== null });
        const checksum = head.checksum === null ? null : checksumText(head.checksum);
        return { action: 'restore', proved, resumedBytes, etag: head.etag, checksum };
      } catch (error) {
        const isOther = error instanceof SluiceError && error.code === 'precondition-failed';
        if (!isOther || versions >= mostVersions) throw error;
        const now = await store.headObject(key);
        if (now === null) throw new SluiceError('no-such-key', `${key} was deleted while it was restored`);
        wanted = { key, etag: now.etag, sizeBytes: now.sizeBytes };
        await partial.restart();
      }
    }
  } catch (error) {
    // What an interruption or an outage left is taken up by the next run; what was refused leaves nothing behind.
    keep = signal.aborted || (error instanceof SluiceError && (error.retryable || error.code === 'interrupted'));
    throw error;
  } finally {
    await (keep ? partial.close() : partial.discard());
  }
}

/** What is there already: as good (the answer), to be replaced (null), or in the way. Throws `target-unsafe`, `target-exists`. */
async function meet(
  { store, overwrite }: RestoreContext,
  file: string,
  there: Stats,
  listed: ListedObject,
  path: RelativePath,
  signal: AbortSignal,
): Promise<RestoredObject | null> {
  if (!there.isFile()) {
    const what = there.isSymbolicLink() ? 'A symbolic link' : there.isDirectory() ? 'A folder' : 'A special file';
    throw new SluiceError('target-unsafe', `${what} is where the file ${path} should be`, { path });
  }
  const { sizeBytes } = listed;
  if (there.size === sizeBytes) {
    const head = await store.headObject(listed.key);
    if (head === null) throw new SluiceError('no-such-key', `${listed.key} was deleted while it was restored`);
    const same = head.sizeBytes === sizeBytes ? await localSame(store, listed.key, head, file, signal) : 'differs';
    if (same === 'same') return skipped(head);
    if (same === 'unknown' && !overwrite)
      throw new SluiceError('target-exists', `${path} is there, and can't be compared with its object`, { path });
  }
  if (overwrite) return null;
  throw new SluiceError('target-exists', `${path} is there and differs from its object`, { path });
}

function skipped(head: ObjectHead): RestoredObject {
  const checksum = head.checksum === null ? null : checksumText(head.checksum);
  return {
    action: 'skip',
    proved: checksum === null ? 'etag' : 'checksum',
    resumedBytes: 0,
    etag: head.etag,
    checksum,
  };
}

const planned = ({ etag }: ListedObject): RestoredObject => ({
  action: 'restore',
  proved: 'none',
  resumedBytes: 0,
  etag,
  checksum: null,
});

async function lookAt(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Node's errors of file system calls name the call. */
const isFileError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;
