/**
 * Tells at once of most names that no pattern of a list can leave them out, for a fiftieth of what asking the patterns costs: each pattern's last segment begins and ends with letters that a name it matches begins
 * and ends with. Only for a path whose parent directories are not left out. Never says no of a name that a pattern matches.
 */
export class NameFilter {
  /** By the first letter of what a name must begin with. */
  readonly #byStart = new Map<number, Ends[]>();
  /** Of patterns that begin with a wildcard, by the last letter of what a name must end with. */
  readonly #byEnd = new Map<number, Ends[]>();
  readonly #anyName: boolean;

  private constructor(all: readonly Ends[]) {
    this.#anyName = all.some(({ start, end }) => start === '' && end === '');
    for (const ends of all) {
      if (ends.start !== '') push(this.#byStart, ends.start.charCodeAt(0), ends);
      else if (ends.end !== '') push(this.#byEnd, ends.end.charCodeAt(ends.end.length - 1), ends);
    }
  }

  /** `patterns`: lines of gitignore syntax. What only takes back (`!`) leaves nothing out. */
  static of(patterns: readonly string[]): NameFilter {
    return new NameFilter(patterns.filter((pattern) => !pattern.startsWith('!')).map(endsOf));
  }

  mayMatch(name: string): boolean {
    if (this.#anyName) return true;
    return (
      fits(this.#byStart.get(name.charCodeAt(0)), name) || fits(this.#byEnd.get(name.charCodeAt(name.length - 1)), name)
    );
  }
}

/** What a name that the pattern matches begins and ends with. */
interface Ends {
  readonly start: string;
  readonly end: string;
}

function endsOf(pattern: string): Ends {
  // escapes, marks and lines within a line: rare, and not worth a mistake
  if (/[\\\uFEFF\r\n]/.test(pattern.replace(/\[\r\]$/, ''))) return { start: '', end: '' };
  const segment = pattern.trimEnd().replace(/\/+$/, '').split('/').at(-1)!;
  const wildcard = segment.search(/[*?[\]]/);
  if (wildcard === -1) return { start: segment, end: segment };
  return { start: segment.slice(0, wildcard), end: /[^*?[\]]*$/.exec(segment)![0] };
}

const fits = (some: readonly Ends[] | undefined, name: string): boolean =>
  some?.some(({ start, end }) => name.startsWith(start) && name.endsWith(end)) ?? false;

function push(lists: Map<number, Ends[]>, key: number, ends: Ends): void {
  const list = lists.get(key);
  if (list) list.push(ends);
  else lists.set(key, [ends]);
}
