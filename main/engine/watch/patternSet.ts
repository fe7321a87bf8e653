import ignore, { type Ignore } from 'ignore';
import { NameFilter } from './nameFilter.ts';

export interface MarkedPattern {
  /** One line of gitignore syntax. */
  readonly pattern: string;
  /** Where it comes from, for whoever asks why. Not empty. */
  readonly mark: string;
}

/** Lookups between two renewals; `ignore` remembers every path it was ever asked about, a million of them cost hundreds of MiB. */
const lookupsPerCache = 8_192;

/** An immutable list of gitignore patterns; the last one that matches decides, and nothing below an ignored directory comes back. Case-sensitive. */
export class PatternSet {
  readonly #rules: Ignore;
  readonly #patterns: readonly string[];
  readonly #filter: NameFilter;
  #cached: Ignore;
  #lookups = 0;

  private constructor(rules: Ignore, patterns: readonly string[]) {
    this.#rules = rules;
    this.#patterns = patterns;
    this.#filter = NameFilter.of(patterns);
    this.#cached = rules;
  }

  static readonly empty: PatternSet = new PatternSet(newIgnore(), []);

  plus(patterns: readonly MarkedPattern[]): PatternSet {
    if (patterns.length === 0) return this;
    const plain = patterns.map(({ pattern, mark }) => ({ pattern: plainStars(pattern), mark }));
    return new PatternSet(newIgnore().add(this.#rules).add(plain), [
      ...this.#patterns,
      ...plain.map(({ pattern }) => pattern),
    ]);
  }

  /** As match(), of a path (a directory's with its slash) whose parent directories are not ignored: of most names one look at their letters tells. */
  matchEntry(path: string): string | null {
    const end = path.endsWith('/') ? path.length - 1 : path.length;
    return this.#filter.mayMatch(path.slice(path.lastIndexOf('/', end - 1) + 1, end)) ? this.match(path) : null;
  }

  /** The mark of the pattern that ignores this path or a directory above it. A directory is asked about with a trailing slash. */
  match(path: string): string | null {
    if (this.#patterns.length === 0) return null;
    if (this.#lookups++ >= lookupsPerCache) {
      // shares the compiled patterns, forgets the paths
      this.#cached = newIgnore().add(this.#rules);
      this.#lookups = 0;
    }
    return this.#cached.test(path).rule?.mark ?? null;
  }
}

function newIgnore(): Ignore {
  return ignore({ ignorecase: false, allowRelativePaths: true });
}

/** `**` spans directories only between slashes, elsewhere it is one `*`: `a**b/c` is `a*b/c` to git, but not to `ignore`. */
function plainStars(pattern: string): string {
  const start = pattern.startsWith('!') ? 1 : 0;
  return pattern.replace(/\\.|\*{2,}/g, (found, at: number) => {
    if (found.startsWith('\\')) return found;
    const begins = at === start || pattern[at - 1] === '/';
    const ends = /^(?:\/| *$)/.test(pattern.slice(at + found.length));
    return begins && ends ? '**' : '*';
  });
}
