import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { ObservedFile, SourceProblem } from '../../../shared/source.ts';
import { errnoOf, isMissing } from './errno.ts';
import { type IgnoreRules, ignoreFileName } from './ignoreRules.ts';
import { keyProblem } from './keyProblem.ts';
import { observedFile } from './observeFile.ts';

export interface ListedDirectory {
  readonly kind: 'listed';
  /** Sorted by name, as are the directories. */
  readonly files: readonly ObservedFile[];
  /** To be walked: not left out, nameable. */
  readonly directories: readonly RelativePath[];
  /** In force inside this directory, its own ignore file read. */
  readonly rules: IgnoreRules;
  readonly problems: readonly SourceProblem[];
  /** Every entry could be looked at: a file that isn't in `files` is not there or not wanted. */
  readonly complete: boolean;
  readonly excluded: number;
  readonly skippedLinks: number;
  readonly skippedSpecial: number;
}

export type Listing =
  | ListedDirectory
  | { readonly kind: 'vanished' }
  | { readonly kind: 'unreadable'; readonly code: string; readonly problem: SourceProblem };

/** Reads one directory, blocking (a worker's work). `inherited`: the rules in force above it. Links are never followed. */
export function listDirectory(
  root: string,
  directory: RelativePath,
  inherited: IgnoreRules,
  keyPrefix: string,
): Listing {
  const absolute = directory === '' ? root : `${root}/${directory}`;
  const base = directory === '' ? '' : `${directory}/`;
  const problems: SourceProblem[] = [];
  let entries: Entry[];
  let rules = inherited;
  try {
    entries = readEntries(absolute, base, problems);
    if (entries.some(({ name, kind }) => name === ignoreFileName && kind === 'file')) {
      rules = inherited.below(directory, readIgnoreFile(absolute));
    }
  } catch (error) {
    // an entry may have vanished between the calls; the directory itself decides
    if (isMissing(error) && !isDirectoryNow(absolute)) return { kind: 'vanished' };
    const code = errnoOf(error);
    return {
      kind: 'unreadable',
      code,
      problem: { path: directory, code: 'directory-unreadable', detail: `The folder can't be read (${code}).` },
    };
  }

  const files: ObservedFile[] = [];
  const directories: RelativePath[] = [];
  let complete = true;
  let excluded = 0;
  let skippedLinks = 0;
  let skippedSpecial = 0;
  for (const { name, kind } of entries) {
    if (kind === 'link') {
      skippedLinks++;
      continue;
    }
    if (kind === 'special') {
      skippedSpecial++;
      continue;
    }
    const path = asRelativePath(base + name);
    if (rules.verdict(path, kind).excluded) {
      excluded++;
      continue;
    }
    const problem = keyProblem(keyPrefix, path);
    if (problem !== null) {
      problems.push(problem);
      continue;
    }
    if (kind === 'directory') {
      directories.push(path);
      continue;
    }
    try {
      const stats = lstatSync(`${absolute}/${name}`, { bigint: true, throwIfNoEntry: false });
      // vanished, or something else by now: the next look tells
      if (stats?.isFile()) files.push(observedFile(name, stats));
    } catch (error) {
      complete = false;
      problems.push({ path, code: 'unreadable', detail: `It can't be looked at (${errnoOf(error)}).` });
    }
  }
  return { kind: 'listed', files, directories, rules, problems, complete, excluded, skippedLinks, skippedSpecial };
}

/** null: there is none. One that can't be read is thrown: not knowing what to leave out, better take nothing. */
export function readIgnoreFile(directory: string): string | null {
  const path = `${directory}/${ignoreFileName}`;
  try {
    // a pipe of that name would block the reader for ever
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'link' | 'special';
}

/** How often a directory is read again when an entry of unknown type vanished under the reader. */
const readTries = 5;

function readEntries(absolute: string, base: string, problems: SourceProblem[]): Entry[] {
  let entries: Dirent[] = [];
  for (let tries = 1; ; tries++) {
    try {
      entries = readdirSync(absolute, { withFileTypes: true });
      break;
    } catch (error) {
      if (!isMissing(error) || tries === readTries || !isDirectoryNow(absolute)) throw error;
    }
  }
  const named = entries.some(({ name }) => name.includes('\uFFFD'))
    ? readHostileNames(absolute, base, problems)
    : entries.map(entryOf);
  return named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** U+FFFD is a name's own character, or stands for bytes that are no UTF-8: only the bytes tell. */
function readHostileNames(absolute: string, base: string, problems: SourceProblem[]): Entry[] {
  const entries: Entry[] = [];
  for (const dirent of readdirSync(absolute, { withFileTypes: true, encoding: 'buffer' })) {
    const name = dirent.name.toString('utf8');
    const { kind } = entryOf(dirent);
    if (dirent.name.equals(Buffer.from(name))) entries.push({ name, kind });
    else if (kind === 'file' || kind === 'directory') {
      problems.push({
        path: asRelativePath(base + spellBytes(dirent.name)),
        code: 'name-not-utf8',
        detail: `The name of this ${kind === 'file' ? 'file' : 'folder'} is not valid UTF-8, as S3 keys must be; \\x.. stands for a byte.`,
      });
    } else entries.push({ name, kind });
  }
  return entries;
}

/** `caf\xe9.txt`: unlike U+FFFD, two different names stay different, and a shell's $'…' understands it. */
function spellBytes(name: Buffer): string {
  let text = '';
  for (let at = 0; at < name.length; ) {
    let length = 1;
    while (length <= 4 && !isUtf8Character(name.subarray(at, at + length))) length++;
    text += length <= 4 ? name.toString('utf8', at, at + length) : `\\x${name[at]!.toString(16).padStart(2, '0')}`;
    at += length <= 4 ? length : 1;
  }
  return text;
}

function isUtf8Character(bytes: Buffer): boolean {
  const text = bytes.toString('utf8');
  return [...text].length === 1 && Buffer.from(text).equals(bytes);
}

function entryOf<Name extends string | Buffer>(
  dirent: { name: Name } & Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>,
): { name: Name; kind: Entry['kind'] } {
  const kind = dirent.isFile()
    ? 'file'
    : dirent.isDirectory()
      ? 'directory'
      : dirent.isSymbolicLink()
        ? 'link'
        : 'special';
  return { name: dirent.name, kind };
}

function isDirectoryNow(absolute: string): boolean {
  try {
    return lstatSync(absolute, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    // not to be looked at is not gone
    return true;
  }
}
