import { lstat, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { partialPrefix } from '../plan/restoreTarget.ts';

/** Names that this file system takes for one, made equal; null: it keeps all names apart, so that nothing need be remembered. */
export type FoldName = ((path: string) => string) | null;

/** Finds out by making two files, in a folder of its own below `root` (which is there). Throws the file system's errors. */
export async function foldOf(root: string): Promise<FoldName> {
  const place = await mkdtemp(join(root, `${partialPrefix}names-`));
  try {
    await writeFile(join(place, 'a'), '');
    // é in one character, asked for in two
    await writeFile(join(place, '\u00e9'), '');
    const ignoresCase = await isThere(join(place, 'A'));
    const ignoresForm = await isThere(join(place, 'e\u0301'));
    if (!ignoresCase && !ignoresForm) return null;
    return (path) => {
      const form = ignoresForm ? path.normalize('NFC') : path;
      return ignoresCase ? form.toUpperCase().toLowerCase() : form;
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
