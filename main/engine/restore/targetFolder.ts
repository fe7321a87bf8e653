import { constants, existsSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../../shared/errors.ts';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import { targetError } from './targetError.ts';

/** A directory below the target, held open while it is written into. */
export interface TargetDirectory {
  /** Names in it are reached by `path/name`, for as long as it is held. */
  readonly path: string;
  /** Throws `target-unsafe` when another directory has taken its place (where the system can't hold it open by itself). */
  check(): Promise<void>;
  release(): void;
}

/** The folder that is restored into. Nothing below it is reached through a symbolic link, whoever makes one meanwhile. */
export interface TargetFolder {
  /** null: there is none, and `create` is false. Throws `target-unsafe`, `target-unwritable`. */
  directory(path: RelativePath, create: boolean): Promise<TargetDirectory | null>;
  /** Puts what was renamed in it on disk. */
  close(): Promise<void>;
}

const directoryOnly = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
/** Directories that are kept open when nobody uses them. */
const mostIdle = 64;

interface Entry {
  readonly path: string;
  readonly handle: FileHandle | null;
  readonly id: string;
  readonly parent: Entry | null;
  readonly where: RelativePath;
  users: number;
}

/**
 * `root` may itself be reached through links: it is what the user named. On Linux a child is opened through its parent's descriptor (`/proc/self/fd/N/name`), which no
 * rename or link can redirect; elsewhere every component is looked at, and again before a file is put in its place. Throws `target-unwritable`.
 */
export async function openTargetFolder(root: string, create: boolean): Promise<TargetFolder> {
  if (create) await makeRoot(root);
  const byDescriptor = process.platform === 'linux' && existsSync('/proc/self/fd');
  const entries = new Map<RelativePath, Promise<Entry | null>>();
  const open = new Set<Entry>();

  const openEntry = async (path: string, parent: Entry | null, where: RelativePath): Promise<Entry | null> => {
    const stat = await lstat(path, { bigint: true }).catch((error) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw targetError(error, where);
    });
    if (stat === null) return null;
    if (!stat.isDirectory()) throw inTheWay(where, stat.isSymbolicLink());
    const handle = byDescriptor ? await openDirectory(path, where) : null;
    const entry: Entry = {
      path: handle === null ? path : `/proc/self/fd/${handle.fd}`,
      handle,
      id: `${stat.dev}/${stat.ino}`,
      parent,
      where,
      users: 0,
    };
    if (parent) parent.users++;
    open.add(entry);
    return entry;
  };

  const find = (where: RelativePath, make: boolean): Promise<Entry | null> => {
    const known = entries.get(where);
    if (known) return known.then((entry) => entry ?? (make ? retry(where) : null));
    const opening = openBelow(where, make);
    entries.set(where, opening);
    // What is missing or refused is looked at again by the next who asks.
    const forget = () => {
      if (entries.get(where) === opening) entries.delete(where);
    };
    opening.then((entry) => entry === null && forget(), forget);
    return opening;
  };
  const retry = (where: RelativePath): Promise<Entry | null> => {
    entries.delete(where);
    return find(where, true);
  };

  /** One may have been closed between its opening and whoever waited for it. */
  const alive = async (where: RelativePath, make: boolean): Promise<Entry | null> => {
    for (;;) {
      const entry = await find(where, make);
      if (entry === null || open.has(entry)) return entry;
    }
  };

  const openBelow = async (where: RelativePath, make: boolean): Promise<Entry | null> => {
    if (where === '') {
      const real = await realpath(root).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' && !make) return null;
        throw targetError(error, root);
      });
      return real === null ? null : openEntry(real, null, where);
    }
    const slash = where.lastIndexOf('/');
    const parent = await alive(asRelativePath(where.slice(0, Math.max(0, slash))), make);
    if (parent === null) return null;
    parent.users++;
    try {
      const path = join(parent.path, where.slice(slash + 1));
      if (make)
        await mkdir(path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw targetError(error, where);
        });
      return await openEntry(path, parent, where);
    } finally {
      parent.users--;
    }
  };

  const closeEntry = async (entry: Entry): Promise<void> => {
    open.delete(entry);
    entries.delete(entry.where);
    if (entry.parent) entry.parent.users--;
    try {
      await entry.handle?.sync().catch(unlessUnsupported);
    } finally {
      await entry.handle?.close();
    }
  };
  const trim = (): void => {
    if (open.size <= mostIdle) return;
    for (const entry of open) {
      if (open.size <= mostIdle / 2) return;
      // The system has written it by itself soon; an error of this late sync has no file to be told of.
      if (entry.users === 0) void closeEntry(entry).catch(() => undefined);
    }
  };

  return {
    directory: async (where, create) => {
      const entry = await alive(where, create);
      return entry === null ? null : held(entry, trim);
    },
    close: async () => {
      for (const entry of [...open].reverse()) await closeEntry(entry);
    },
  };
}

async function makeRoot(root: string): Promise<void> {
  try {
    await makeFolder(root);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw targetError(error, root);
    throw new SluiceError('not-a-folder', `'${root}' is not a folder`, {
      remedy: 'Name a folder to restore into; pick one file with --include.',
      path: root,
      cause: error,
    });
  }
}

/** Not `recursive`: Node then tries for ever where a file system takes no folder and calls it missing (/proc). */
async function makeFolder(path: string): Promise<void> {
  const made = (): Promise<void> =>
    mkdir(path).catch(async (error: NodeJS.ErrnoException) => {
      if (!(await stat(path).catch(() => null))?.isDirectory()) throw error;
    });
  try {
    await made();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await made();
  }
}

function held(entry: Entry, trim: () => void): TargetDirectory {
  entry.users++;
  return {
    path: entry.path,
    check: async () => {
      if (entry.handle !== null) return;
      for (let at: Entry | null = entry; at !== null; at = at.parent) {
        const stat = await lstat(at.path, { bigint: true }).catch(() => null);
        if (!stat?.isDirectory() || `${stat.dev}/${stat.ino}` !== at.id) throw inTheWay(at.where, true);
      }
    },
    release: () => {
      entry.users--;
      trim();
    },
  };
}

async function openDirectory(path: string, where: RelativePath): Promise<FileHandle> {
  try {
    return await open(path, directoryOnly);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP' || code === 'ENOTDIR') throw inTheWay(where, true);
    throw targetError(error, where);
  }
}

function inTheWay(where: RelativePath, isLink: boolean): SluiceError {
  const what = isLink ? 'A symbolic link' : 'Something that is no folder';
  return new SluiceError('target-unsafe', `${what} is where the folder ${where || 'itself'} should be`, {
    path: where,
  });
}

/** Some file systems can't sync a directory: their renames are as safe as they make them. */
function unlessUnsupported(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EINVAL' && error.code !== 'ENOTSUP' && error.code !== 'EPERM') throw targetError(error, '');
}
