import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';
import type { RelativePath } from '../../../shared/ids.ts';
import type { ObservedFile } from '../../../shared/source.ts';
import { errnoOf, isMissing } from './errno.ts';
import { observedFile } from './observeFile.ts';
import { directoryIdentity } from './watcher.ts';

/** What a path is now. Two looks with the same token: nothing happened in between. A link or a special file is `gone`: there is no file to upload. */
export type Look =
  | { readonly kind: 'file'; readonly token: string; readonly file: ObservedFile }
  | { readonly kind: 'directory'; readonly token: string }
  | { readonly kind: 'gone'; readonly token: 'gone' }
  | { readonly kind: 'unreadable'; readonly token: 'unreadable'; readonly code: string };

/** Blocking (a worker's work). `root` without links; `realParents`: what is known of parent directories, for the looks of one moment. */
export function lookAt(root: string, path: RelativePath, realParents: Map<string, boolean>): Look {
  const absolute = path === '' ? root : `${root}/${path}`;
  try {
    const stats = lstatSync(absolute, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined || !isSpelledSo(absolute) || !hasRealParent(root, path, realParents)) return gone;
    if (stats.isFile()) {
      const file = observedFile(path.slice(path.lastIndexOf('/') + 1), stats);
      return { kind: 'file', token: file.identity, file };
    }
    if (!stats.isDirectory()) return gone;
    // its other times change with every new file; all we want to know is whether it is the same directory
    const plain = lstatSync(absolute, { throwIfNoEntry: false });
    return plain?.isDirectory() ? { kind: 'directory', token: directoryIdentity(plain) } : gone;
  } catch (error) {
    if (isMissing(error)) return gone;
    return { kind: 'unreadable', token: 'unreadable', code: errnoOf(error) };
  }
}

const gone: Look = { kind: 'gone', token: 'gone' };

/** False: a directory on the way is a link by now, and what is seen there is not in this folder. */
function hasRealParent(root: string, path: RelativePath, known: Map<string, boolean>): boolean {
  const slash = path.lastIndexOf('/');
  if (slash === -1) return true;
  const parent = path.slice(0, slash);
  const before = known.get(parent);
  if (before !== undefined) return before;
  const real =
    realpathSync.native(`${root}/${parent}`).replaceAll(sep, '/') === `${root.replaceAll(sep, '/')}/${parent}`;
  known.set(parent, real);
  return real;
}

/** Where case doesn't count, `Foo` still answers after it was renamed to `foo`. */
function isSpelledSo(absolute: string): boolean {
  if (process.platform === 'linux') return true;
  const slash = absolute.lastIndexOf('/');
  return readdirSync(absolute.slice(0, slash)).includes(absolute.slice(slash + 1));
}
