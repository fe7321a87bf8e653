import { type FileOf, manyFiles, totalBytes } from './dataset.ts';

/** A simulated line (test/support/shapedLink.ts): its rate is for all connections together. */
export interface Link {
  readonly roundTripMs: number;
  readonly bitsPerSecond: number;
  /** Probability that a piece of 64 KiB holds its connection up for 0.2–1 s, as a lost packet may, 0…1. */
  readonly stallRate: number;
}

export interface Case {
  /** What --only takes: this, or the letter. */
  readonly name: string;
  readonly letter: 'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g';
  readonly title: string;
  /** Cases of the same data share it. */
  readonly dataset: string;
  readonly files: readonly FileOf[];
  readonly bytes: number;
  /** `again`: what is measured is the second run, with nothing changed. */
  readonly run: 'first' | 'again';
  readonly over: 'http' | 'tls' | Link;
}

const KiB = 1024;
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** All cases in order; `quick` ones are a smaller copy that only shows that they run. */
export function allCases(quick: boolean): Case[] {
  const scale = quick ? 16 : 1;
  const one = (bytes: number): FileOf[] => [{ path: 'large.bin', bytes: bytes / scale }];
  const small = manyFiles(10_000 / scale, 4 * KiB, 100);
  const local = [
    define('a', 'large', 'one file of 4 GiB', one(4 * GiB)),
    define('b', 'medium', '200 files of 8 MiB', manyFiles(quick ? 12 : 200, 8 * MiB, 50)),
    define('c', 'small', '10,000 files of 4 KiB in 100 folders', small),
    define('d', 'mixed', 'a mixed tree of 1.5 GiB', mixedTree(scale)),
    {
      ...define('e', 'no-op', '10,000 files of 4 KiB, nothing changed', small),
      dataset: 'small',
      run: 'again' as const,
    },
    { ...define('g', 'tls', 'one file of 2 GiB over TLS', one(2 * GiB)), over: 'tls' as const },
  ];
  return [...local.slice(0, 5), ...wideArea(scale), ...local.slice(5)];
}

/** Names, letters, or nothing for all but the wide-area cases, which take an hour. Throws for a name that there is none of. */
export function chooseCases(cases: readonly Case[], only: readonly string[]): Case[] {
  if (only.length === 0) return cases.filter((one) => one.letter !== 'f');
  for (const wanted of only)
    if (!cases.some((one) => one.letter === wanted || one.name === wanted))
      throw new Error(`no case ${wanted}; there are ${cases.map((one) => `${one.letter} ${one.name}`).join(', ')}`);
  return cases.filter((one) => only.includes(one.letter) || only.includes(one.name));
}

function define(letter: Case['letter'], name: string, title: string, files: readonly FileOf[]): Case {
  return { letter, name, title, dataset: name, files, bytes: totalBytes(files), run: 'first', over: 'http' };
}

function mixedTree(scale: number): FileOf[] {
  const sized = (folder: string, count: number, bytes: (at: number) => number): FileOf[] =>
    Array.from({ length: Math.ceil(count / scale) }, (_, at) => ({
      path: `${folder}/${Math.floor(at / 100)}/f${String(at).padStart(5, '0')}.bin`,
      bytes: bytes(at),
    }));
  return [
    ...sized('films', 3, (at) => (200 + at * 50) * MiB),
    ...sized('photos', 150, (at) => (1 + (at % 8)) * MiB),
    ...sized('papers', 4_000, (at) => ((at * 7_919) % 64) * KiB + (at % 1_000)),
  ];
}

function wideArea(scale: number): Case[] {
  const links = [
    { name: '100mbit-50ms', roundTripMs: 50, bitsPerSecond: 1e8, stallRate: 0.001 },
    { name: '100mbit-100ms', roundTripMs: 100, bitsPerSecond: 1e8, stallRate: 0.01 },
    { name: '1gbit-50ms', roundTripMs: 50, bitsPerSecond: 1e9, stallRate: 0.001 },
    { name: '1gbit-100ms', roundTripMs: 100, bitsPerSecond: 1e9, stallRate: 0.01 },
  ];
  const loads = [
    { name: 'large', title: 'one file of 256 MiB', files: [{ path: 'large.bin', bytes: (256 * MiB) / scale }] },
    { name: 'small', title: '1,000 files of 100 KiB', files: manyFiles(Math.ceil(1_000 / scale), 100 * KiB, 100) },
  ];
  return links.flatMap(({ name, ...over }) =>
    loads.map((load): Case => {
      const rate = over.bitsPerSecond >= 1e9 ? '1 Gbit/s' : '100 Mbit/s';
      const title = `${load.title} over ${rate}, ${over.roundTripMs} ms round trip, ${over.stallRate * 100} % stalls`;
      return { ...define('f', `wan-${name}-${load.name}`, title, load.files), dataset: `wan-${load.name}`, over };
    }),
  );
}
