import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const filesPerDirectory = 1_000;

/** A tree of `files` small files, 1,000 a folder, 100 folders a parent. Made anew: `root` must not be there. Returns its directories, the root included. */
export function makeTree(root: string, files: number): number {
  mkdirSync(root);
  let directories = 1;
  for (let at = 0; at < files; at += filesPerDirectory) {
    if (at % (filesPerDirectory * 100) === 0) directories++;
    const directory = join(root, directoryOf(at));
    mkdirSync(directory, { recursive: true });
    directories++;
    for (let file = at; file < Math.min(files, at + filesPerDirectory); file++) {
      writeFileSync(join(directory, nameOf(file)), `file ${file}\n`);
    }
  }
  return directories;
}

/** Of the file with this number, from the root. */
export const pathOf = (file: number): string => `${directoryOf(file)}/${nameOf(file)}`;

function directoryOf(file: number): string {
  const directory = Math.floor(file / filesPerDirectory);
  return `part-${String(Math.floor(directory / 100)).padStart(2, '0')}/folder-${String(directory).padStart(5, '0')}`;
}

const nameOf = (file: number): string => `file-${String(file % filesPerDirectory).padStart(4, '0')}.txt`;
