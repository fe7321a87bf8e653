import { parseArgs } from 'node:util';

export interface Options {
  /** Letters or names of cases; empty: all but the wide-area ones. */
  readonly only: readonly string[];
  readonly runs: number;
  /** Names of tools; null: every one that is found. Sluice and the ceiling are always in. */
  readonly peers: readonly string[] | null;
  readonly quick: boolean;
  readonly out: string;
  /** Where the files to upload are kept for the next time; null: a temp folder, removed at the end. */
  readonly data: string | null;
  readonly seed: number;
  readonly writeDocs: boolean;
}

export const usage = `Usage: npm run bench -- [options]

  --only a,b,…       cases, by letter or name (default: all but f, which takes an hour)
  --runs N           interleaved runs of each tool and case (default: 5)
  --peers mc,…       only these peers (default: every one that is found); none: no peer
  --quick            one run of a small copy of each case: shows that it works, measures nothing
  --out DIR          where bench.json and bench.md go (default: test-results/bench)
  --data DIR         keep the files to upload there for the next time (about 8 GiB)
  --seed N           of the order of tools (default: the time)
  --write-docs       put the tables between <!-- bench:begin --> and <!-- bench:end --> of docs/performance.md and README.md
`;

/** Throws for what it does not know. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      runs: { type: 'string' },
      peers: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string', default: 'test-results/bench' },
      data: { type: 'string' },
      seed: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const peers = values.peers === undefined ? null : list(values.peers).filter((name) => name !== 'none');
  return {
    only: list(values.only),
    runs: positive('--runs', values.runs ?? (values.quick ? '1' : '5')),
    peers,
    quick: values.quick,
    out: values.out,
    data: values.data ?? null,
    seed: positive('--seed', values.seed ?? String(Date.now() % 1e9)),
    writeDocs: values['write-docs'],
  };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} takes a whole number above 0, not ${text}`);
  return value;
}
