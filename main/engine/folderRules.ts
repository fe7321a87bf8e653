import { relative, sep } from 'node:path';
import type { FolderRules } from '../../shared/settings.ts';
import type { FolderRow } from './ledger/ledger.ts';

/** The folder's own rules, and never our data directory: a ledger inside a watched folder would feed itself for ever. */
export function folderRules(folder: Pick<FolderRow, 'path' | 'rules'>, dataDir: string): FolderRules {
  const inside = relative(folder.path, dataDir);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || inside.includes(':')) return folder.rules;
  const pattern = inside
    .split(sep)
    .join('/')
    .replace(/[\\*?[\]!# ]/g, '\\$&');
  return { ...folder.rules, exclude: [...folder.rules.exclude, `/${pattern}/`] };
}
