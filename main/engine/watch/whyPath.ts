import { lstatSync, type Stats } from 'node:fs';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { PathVerdict } from '../../../shared/syncApi.ts';
import { errnoOf, isMissing } from './errno.ts';
import { type Exclusion, IgnoreRules } from './ignoreRules.ts';
import { keyProblem } from './keyProblem.ts';
import { readIgnoreFile } from './listDirectory.ts';

/** Whether a scan takes this path, and if not, why: the same rules, ignore files and checks, for one path. Reads only the ignore files above it. Never throws. */
export function whyPath(root: string, rules: FolderRules, keyPrefix: string, path: RelativePath): PathVerdict {
  const names = path === '' ? [] : path.split('/');
  if (names.includes('') || names.includes('..') || names.includes('.'))
    return { kind: 'left-out', reason: 'It is not a path in this folder.' };
  let inForce = IgnoreRules.forFolder(rules);
  let directory = asRelativePath('');
  try {
    for (let depth = 0; depth < names.length; depth++) {
      inForce = inForce.below(directory, readIgnoreFile(directory === '' ? root : `${root}/${directory}`));
      const here = asRelativePath(names.slice(0, depth + 1).join('/'));
      const isLast = depth === names.length - 1;
      const stats = lstatSync(`${root}/${here}`, { throwIfNoEntry: false });
      const isDirectory = stats ? stats.isDirectory() : !isLast;
      const verdict = inForce.verdict(here, isDirectory ? 'directory' : 'file');
      if (verdict.excluded) return { kind: 'left-out', reason: excludedReason(verdict, here, path) };
      const problem = keyProblem(keyPrefix, here);
      if (problem) return { kind: 'impossible', reason: problem.detail };
      if (!stats) return { kind: 'missing', reason: `There is no ${here}; no rule would leave it out.` };
      const other = otherKind(stats, isLast);
      if (other)
        return { kind: 'left-out', reason: here === path ? `It is ${other}.` : `${here}, above it, is ${other}.` };
      directory = here;
    }
    return { kind: 'taken', reason: 'No rule leaves it out.' };
  } catch (error) {
    if (isMissing(error)) return { kind: 'missing', reason: `There is no ${path}.` };
    return { kind: 'impossible', reason: `It can't be looked at (${errnoOf(error)}).` };
  }
}

const excludedReason = (verdict: Exclusion & { readonly excluded: true }, here: string, path: string): string =>
  here === path ? verdict.reason : `${here}/, above it, is left out. ${verdict.reason}`;

function otherKind(stats: Stats, isLast: boolean): string | null {
  if (stats.isSymbolicLink()) return 'a link, and links are not followed';
  if (stats.isDirectory() || (isLast && stats.isFile())) return null;
  return stats.isFile() ? 'a file' : 'neither a file nor a folder (a socket, pipe or device)';
}
