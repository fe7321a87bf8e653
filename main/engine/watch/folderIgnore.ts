import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import { IgnoreRules } from './ignoreRules.ts';
import { readIgnoreFile } from './listDirectory.ts';

/** Directories whose rules are remembered; a file system's answer that there is no ignore file costs microseconds. */
const rememberedDirectories = 20_000;

/** The rules of a folder for any path in any order, ignore files read (blocking) when first needed. */
export class FolderIgnore {
  readonly #root: string;
  readonly #base: IgnoreRules;
  /** null: the directory is left out, or its ignore file can't be read, which is the scan's to report. */
  readonly #inForce = new Map<RelativePath, IgnoreRules | null>();

  constructor(root: string, rules: FolderRules) {
    this.#root = root;
    this.#base = IgnoreRules.forFolder(rules);
  }

  excluded(path: RelativePath, kind: 'file' | 'directory'): boolean {
    const rules = path === '' ? this.#base : this.#rulesIn(parentOf(path));
    return rules === null || (path !== '' && rules.verdict(path, kind).excluded);
  }

  /** As a listing of this directory inherits them; null: the directory is left out. */
  rulesAbove(directory: RelativePath): IgnoreRules | null {
    if (directory === '') return this.#base;
    return this.excluded(directory, 'directory') ? null : this.#rulesIn(parentOf(directory));
  }

  forget(): void {
    this.#inForce.clear();
  }

  #rulesIn(directory: RelativePath): IgnoreRules | null {
    const known = this.#inForce.get(directory);
    if (known !== undefined) return known;
    const above = this.rulesAbove(directory);
    const rules = above === null ? null : this.#read(directory, above);
    if (this.#inForce.size >= rememberedDirectories) this.#inForce.clear();
    this.#inForce.set(directory, rules);
    return rules;
  }

  #read(directory: RelativePath, above: IgnoreRules): IgnoreRules | null {
    try {
      return above.below(directory, readIgnoreFile(directory === '' ? this.#root : `${this.#root}/${directory}`));
    } catch {
      return null;
    }
  }
}

export function parentOf(path: RelativePath): RelativePath {
  return asRelativePath(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
}
