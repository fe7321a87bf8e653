import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import { presetPatterns } from './ignorePresets.ts';
import { type MarkedPattern, PatternSet } from './patternSet.ts';

/** A file of gitignore patterns for the directory it is in and those below. It is uploaded like any other file, so that a restored folder keeps its rules. */
export const ignoreFileName = '.sluiceignore';

export type Exclusion =
  | { readonly excluded: false }
  | {
      readonly excluded: true;
      readonly by: 'preset' | 'settings' | 'ignore-file' | 'not-included';
      /** The pattern that decided, as it was written; null for `not-included`. */
      readonly pattern: string | null;
      /** One sentence. */
      readonly reason: string;
    };

/**
 * The rules in force inside one directory. Immutable: going down makes a new one only where there is an ignore file.
 *
 * A path is left out when any of these says so:
 * 1. the folder's own rules: its presets, then `exclude`; patterns are relative to the root, a later `!` takes an earlier one back. They belong to whoever
 *    set the folder up, so no `.sluiceignore` inside the folder can bring back what they leave out;
 * 2. `.sluiceignore` files, as git reads `.gitignore`: the deepest file that says anything about a path decides, its last matching line wins, `!` takes back, and
 *    nothing comes back from a directory that is itself left out;
 * 3. `include`, unless empty: a file is taken only if a pattern matches it or a directory above it. Directories are walked all the same.
 */
export class IgnoreRules {
  readonly #owner: PatternSet;
  readonly #include: PatternSet | null;
  readonly #chain: PatternSet;

  private constructor(owner: PatternSet, include: PatternSet | null, chain: PatternSet) {
    this.#owner = owner;
    this.#include = include;
    this.#chain = chain;
  }

  /** Before the root's own ignore file is read. */
  static forFolder(rules: FolderRules): IgnoreRules {
    const presets = presetPatterns(rules.presets).map(({ preset, pattern }) => ({
      pattern,
      mark: markOf('preset', pattern, preset),
    }));
    const owner = PatternSet.empty.plus(presets).plus(fromSettings(rules.exclude));
    const include = rules.include.length === 0 ? null : PatternSet.empty.plus(fromSettings(rules.include));
    return new IgnoreRules(owner, include, PatternSet.empty);
  }

  /** For `directory`, given the text of its ignore file; null: it has none. */
  below(directory: RelativePath, ignoreFile: string | null): IgnoreRules {
    if (ignoreFile === null) return this;
    return new IgnoreRules(this.#owner, this.#include, this.#chain.plus(patternsOf(directory, ignoreFile)));
  }

  /** Of a path whose parent directories are not left out (they were asked about before). */
  verdict(path: RelativePath, kind: 'file' | 'directory'): Exclusion {
    const asked = kind === 'directory' ? `${path}/` : path;
    const mark = this.#owner.matchEntry(asked) ?? this.#chain.matchEntry(asked);
    if (mark !== null) return exclusionOf(mark);
    if (kind === 'file' && this.#include !== null && this.#include.match(asked) === null) {
      return {
        excluded: true,
        by: 'not-included',
        pattern: null,
        reason: 'None of the include patterns of this folder matches it.',
      };
    }
    return { excluded: false };
  }
}

/** Why a path is left out, or that it isn't. Pure: `ignoreFiles` holds the text of each directory's ignore file (`''` is the root). */
export function explainExclusion(
  rules: FolderRules,
  ignoreFiles: ReadonlyMap<RelativePath, string>,
  path: RelativePath,
  kind: 'file' | 'directory' = 'file',
): Exclusion {
  const root = asRelativePath('');
  let inForce = IgnoreRules.forFolder(rules).below(root, ignoreFiles.get(root) ?? null);
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const directory = asRelativePath(path.slice(0, slash));
    const verdict = inForce.verdict(directory, 'directory');
    if (verdict.excluded) return verdict;
    inForce = inForce.below(directory, ignoreFiles.get(directory) ?? null);
  }
  return inForce.verdict(path, kind);
}

/** The lines of an ignore file as patterns relative to the folder's root, so that one list in order of depth decides as git does. */
function patternsOf(directory: RelativePath, text: string): MarkedPattern[] {
  const file = directory === '' ? ignoreFileName : `${directory}/${ignoreFileName}`;
  const patterns: MarkedPattern[] = [];
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const pattern = rebase(line, directory);
    if (pattern !== null) patterns.push({ pattern, mark: markOf('ignore-file', line, file) });
  }
  return patterns;
}

/** `*.o` in `a/b` is `*.o` at any depth below `/a/b`; a pattern with a slash before its end is anchored: `x/y` is `/a/b/x/y`. */
function rebase(line: string, directory: RelativePath): string | null {
  if (line.startsWith('#') || /^!? *$/.test(line)) return null;
  if (directory === '') return line;
  const negated = line.startsWith('!');
  const body = negated ? line.slice(1) : line;
  const anchored = /\/(?! *$)/.test(body);
  const base = `/${directory.replace(/[\\*?[]/g, '\\$&')}/`;
  return `${negated ? '!' : ''}${base}${anchored ? body.replace(/^\//, '') : `**/${body}`}`;
}

function fromSettings(patterns: readonly string[]): MarkedPattern[] {
  return patterns.map((pattern) => ({ pattern, mark: markOf('settings', pattern) }));
}

function markOf(by: 'preset' | 'settings' | 'ignore-file', line: string, file = ''): string {
  return [by, file, line].join('\n');
}

function exclusionOf(mark: string): Exclusion {
  const [by, file, ...rest] = mark.split('\n');
  const pattern = rest.join('\n');
  if (by === 'preset') return { excluded: true, by, pattern, reason: presetReason(file!, pattern) };
  if (by === 'settings')
    return { excluded: true, by, pattern, reason: `Excluded by ${pattern} in the settings of this folder.` };
  return { excluded: true, by: 'ignore-file', pattern, reason: `Excluded by ${pattern} in ${file}.` };
}

const presetReason = (preset: string, pattern: string): string =>
  preset === 'litter'
    ? `Left behind by a program, never data (${pattern}).`
    : `Excluded by ${pattern} of this folder's preset ${preset}.`;
