import type { BigIntStats } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { RelativePath } from '../../../shared/ids.ts';
import { type ObservedFile, type SourceProblem, sourceIdentity } from '../../../shared/source.ts';
import { errnoOf, isMissing } from './errno.ts';

/** One file as it is now. `gone`: missing, or no regular file any more, or reached only through a link that took a directory's place. */
export async function observeFile(root: string, path: RelativePath): Promise<ObservedFile | 'gone' | SourceProblem> {
  try {
    const stats = await lstat(`${root}/${path}`, { bigint: true });
    return stats.isFile() && (await hasRealParent(root, path))
      ? observedFile(path.slice(path.lastIndexOf('/') + 1), stats)
      : 'gone';
  } catch (error) {
    if (isMissing(error)) return 'gone';
    return { path, code: 'unreadable', detail: `It can't be looked at (${errnoOf(error)}).` };
  }
}

async function hasRealParent(root: string, path: RelativePath): Promise<boolean> {
  const slash = path.lastIndexOf('/');
  if (slash === -1) return true;
  const parent = path.slice(0, slash);
  const [realRoot, realParent] = await Promise.all([realpath(root), realpath(`${root}/${parent}`)]);
  return relative(realRoot, realParent).replaceAll(sep, '/') === parent;
}

export function observedFile(name: string, stats: BigIntStats): ObservedFile {
  return { name, sizeBytes: Number(stats.size), mtimeMs: Number(stats.mtimeMs), identity: sourceIdentity(stats) };
}
