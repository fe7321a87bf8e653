import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from './tempFolder.ts';
import { onDisk, watching } from './watching.ts';

/** mulberry32: small, seeded, good enough to choose actions. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below) | 0;
  };
}

function act(root: string, pick: (below: number) => number): void {
  const directory = () => ['', 'a', 'b', 'a/x', 'a/x/deep', 'b/y', 'c/new'][pick(7)]!;
  const path = () => join(root, directory(), `f${pick(6)}`);
  const write = (to: string, text: string) => {
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  };
  switch (pick(9)) {
    case 0:
    case 1:
      return write(path(), 'x'.repeat(pick(50)));
    case 2: {
      const to = path();
      return existsSync(to) ? appendFileSync(to, 'more') : write(to, 'made');
    }
    case 3:
      return rmSync(path(), { force: true });
    case 4: {
      // an editor's atomic save
      const to = path();
      write(`${to}.tmp`, 'saved');
      return renameSync(`${to}.tmp`, to);
    }
    case 5: {
      const from = path();
      return existsSync(from) ? renameSync(from, path() === from ? `${from}r` : `${from}-moved`) : undefined;
    }
    case 6: {
      const from = join(root, ['a', 'b', 'a/x', 'c'][pick(4)]!);
      const to = join(root, `moved${pick(3)}`);
      return existsSync(from) && !existsSync(to) ? renameSync(from, to) : undefined;
    }
    case 7:
      return rmSync(join(root, ['a/x', 'b', 'c', 'moved0', 'moved1', 'a'][pick(6)]!), { recursive: true, force: true });
    default: {
      const tree = join(root, `tree${pick(3)}`);
      for (let i = 0; i < 5; i++) write(join(tree, `${pick(3)}`, `${pick(3)}`, `leaf${i}`), `${i}`);
      const link = join(tree, 'link');
      rmSync(link, { force: true });
      return symlinkSync('0', link);
    }
  }
}

describe('whatever happens to a watched folder', () => {
  it.concurrent.for([1, 2, 3, 4])(
    'what was observed is what is on disk in the end (seed %i)',
    { timeout: 60_000 },
    async (seed) => {
      const root = tempFolder();
      const pick = random(seed);
      for (let i = 0; i < 30; i++) act(root, pick);
      const watched = await watching(root);
      for (let round = 0; round < 8; round++) {
        for (let i = pick(40); i >= 0; i--) act(root, pick);
        await new Promise((resolve) => setTimeout(resolve, pick(120)));
      }
      await watched.quiet(1_500);
      expect(watched.model).toEqual(await onDisk(root));
    },
  );
});
