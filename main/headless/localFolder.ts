import { lstat, opendir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SluiceError } from '../../shared/errors.ts';

/**
 * The folder's absolute path, after really opening it: permission bits tell neither of ACLs nor of network file systems. Throws
 * `folder-missing`, `not-a-folder`, `folder-unreadable`.
 */
export async function checkLocalFolder(path: string, cwd: string): Promise<string> {
  if (path === '') throw new SluiceError('folder-missing', 'The name of the folder is empty');
  const absolute = resolve(cwd, path);
  try {
    if (!(await stat(absolute)).isDirectory()) {
      throw new SluiceError('not-a-folder', `'${absolute}' is not a folder`, { path: absolute });
    }
    const directory = await opendir(absolute);
    try {
      const first = await directory.read();
      // Listing needs the read bit, reaching what is listed the search bit.
      if (first) await lstat(join(absolute, first.name)).catch(unlessDenied);
    } finally {
      await directory.close();
    }
    return absolute;
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw folderError(absolute, error);
  }
}

/** What vanished meanwhile is no reason to refuse the folder; one that can't be entered is. */
function unlessDenied(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error;
}

function folderError(path: string, error: unknown): SluiceError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new SluiceError('folder-missing', `There is no folder '${path}'`, { path, cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new SluiceError('folder-unreadable', `The folder '${path}' can't be read: permission denied`, {
      path,
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new SluiceError('folder-unreadable', `The folder '${path}' can't be read: ${reason}`, { path, cause: error });
}
