import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface FileOf {
  readonly path: string;
  readonly bytes: number;
}

const MiB = 1024 ** 2;

/** `files` as a folder `root/name`, made if it is not there yet, and read once so that every tool finds it in the page cache. */
export function prepareDataset(root: string, name: string, files: readonly FileOf[]): string {
  const folder = join(root, name);
  if (!existsSync(folder)) makeDataset(folder, files);
  for (const file of files) readThrough(join(folder, file.path));
  return folder;
}

export function totalBytes(files: readonly FileOf[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

/** `count` files of `bytes` in folders of `perFolder`. */
export function manyFiles(count: number, bytes: number, perFolder: number): FileOf[] {
  return Array.from({ length: count }, (_, at) => ({
    path: `d${String(Math.floor(at / perFolder)).padStart(3, '0')}/f${String(at).padStart(5, '0')}.bin`,
    bytes,
  }));
}

function makeDataset(folder: string, files: readonly FileOf[]): void {
  const making = `${folder}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  const noise = randomBytes(4 * MiB);
  // Yesterday's: nobody waits for the files to settle, nobody takes them for newer than the copy. A second apart, as no two files share a time.
  const yesterday = Date.now() / 1000 - 24 * 3_600;
  for (const [index, file] of files.entries()) {
    const path = join(making, file.path);
    mkdirSync(dirname(path), { recursive: true });
    const handle = openSync(path, 'w');
    for (let at = 0; at < file.bytes; at += noise.length) {
      // No two files and no two pieces are alike.
      noise.writeDoubleLE(index * 1e6 + at / MiB, 0);
      writeSync(handle, noise, 0, Math.min(noise.length, file.bytes - at));
    }
    closeSync(handle);
    utimesSync(path, yesterday - index, yesterday - index);
  }
  renameSync(making, folder);
}

const cup = Buffer.allocUnsafe(4 * MiB);

function readThrough(path: string): void {
  const handle = openSync(path, 'r');
  while (readSync(handle, cup) > 0);
  closeSync(handle);
}
