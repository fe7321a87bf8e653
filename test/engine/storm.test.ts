import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

/*
 * A folder is kept while a script changes it, as people, editors and git do. After quiet the bucket is the disk. SLUICE_STORM_CHANGES and SLUICE_STORM_SEEDS make it longer; SLUICE_SEED repeats one.
 */
const changes = Number(process.env.SLUICE_STORM_CHANGES ?? 800);
const seeds =
  process.env.SLUICE_SEED === undefined
    ? Array.from({ length: Number(process.env.SLUICE_STORM_SEEDS ?? 1) }, () => Math.floor(Math.random() * 2 ** 31))
    : [Number(process.env.SLUICE_SEED)];

let harness: Harness | null = null;
afterEach(async () => {
  await harness?.close();
  harness = null;
});

describe('a storm of changes under a kept folder', () => {
  it.for(seeds)('ends in a bucket equal to the disk (SLUICE_SEED=%i)', { timeout: 600_000 }, async (seed) => {
    const here = await openHarness(seed);
    harness = here;
    const pick = random(seed);
    const root = here.root;
    gitRepository(join(root, 'project'));
    for (let at = 0; at < 100; at++) await here.write(`d${at % 7}/f${at}`, `${at}`);
    const engine = await here.open({ settings: { settleMs: 200 } });
    await here.folder(engine, { kind: 'kept' });
    await engine.start();
    for (let change = 0; change < changes; change++) {
      await act(root, pick, change).catch(unlessGone);
      if (pick(20) === 0) await new Promise((resolve) => setTimeout(resolve, pick(40)));
    }
    await until(
      async () => (await differs(here)).length === 0,
      () => differs(here),
    );
    expect(await differs(here), `seed ${seed}`).toEqual([]);
    // what is in the bucket of files that are gone is what once was: nothing is deleted unasked
    const { folders } = await engine.api.snapshot({});
    expect(folders[0]?.filesTotal).toBe(filesOn(root).length);
  });
});

async function act(root: string, pick: (below: number) => number, change: number): Promise<void> {
  const directory = () => `d${pick(7)}${['', '/x', '/x/y', '/z'][pick(4)]}`;
  const path = () => join(root, directory(), `f${pick(60)}`);
  const put = async (to: string, text: string) => {
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, text);
  };
  switch (pick(11)) {
    case 0:
    case 1:
    case 2:
      return put(path(), `${change} `.repeat(1 + pick(200)));
    case 3: {
      // the same size and the same mtime: only the change time tells
      const to = path();
      const { size, mtime } = await stat(to);
      await writeFile(to, Buffer.alloc(size, 97 + (change % 26)));
      return utimes(to, mtime, mtime);
    }
    case 4: {
      // an editor's atomic save
      const to = path();
      await put(`${to}.tmp`, `saved ${change}`);
      return rename(`${to}.tmp`, to);
    }
    case 5:
      return rm(path());
    case 6: {
      const to = path();
      await mkdir(dirname(to), { recursive: true });
      return rename(path(), to);
    }
    case 7:
      return rename(join(root, directory()), join(root, `d${pick(7)}`, `moved${pick(5)}`));
    case 8:
      return pick(4) === 0 ? rm(join(root, directory()), { recursive: true }) : rm(path());
    case 9: {
      for (let at = 0; at < 5; at++)
        await put(join(root, `d${pick(7)}`, `tree${pick(4)}`, `${pick(3)}/leaf${at}`), `${change}`);
      return;
    }
    default:
      git(join(root, 'project'), 'checkout', '-q', '-f', ['one', 'two'][pick(2)]!);
  }
}

function gitRepository(directory: string): void {
  execFileSync('git', ['init', '-q', directory]);
  for (const branch of ['one', 'two']) {
    git(directory, 'checkout', '-q', '-b', branch);
    for (let at = 0; at < 30; at++) {
      const to = join(directory, branch === 'one' || at % 2 === 0 ? 'src' : 'lib', `${at}.txt`);
      execFileSync('mkdir', ['-p', dirname(to)]);
      execFileSync('sh', ['-c', 'printf %s "$2" > "$1"', 'sh', to, `${branch} ${at}`]);
    }
    git(directory, 'add', '-A');
    git(directory, '-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '-q', '-m', branch);
  }
}

function git(directory: string, ...args: string[]): void {
  execFileSync('git', ['-C', directory, ...args], {
    stdio: 'ignore',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
  });
}

/** Files whose object is missing or different. */
async function differs({ root, server }: Harness): Promise<string[]> {
  const keys = new Set(server.listKeys(bucket));
  const wrong: string[] = [];
  for (const path of filesOn(root)) {
    const same =
      keys.has(prefix + path) &&
      (await readFile(join(root, path))).equals(await server.readObject(bucket, prefix + path));
    if (!same) wrong.push(path);
  }
  return wrong;
}

const filesOn = (root: string): string[] =>
  readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));

async function until(check: () => Promise<boolean>, say: () => Promise<string[]>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`still different: ${(await say()).slice(0, 20).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** The path that was picked is not there, or something else is: no change then. */
function unlessGone(error: NodeJS.ErrnoException): void {
  if (
    !['ENOENT', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EEXIST', 'EINVAL', 'ERR_FS_EISDIR', 'EBUSY', 'EPERM'].includes(
      error.code ?? '',
    )
  )
    throw error;
}

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below) | 0;
  };
}
