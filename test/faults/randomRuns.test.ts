import { expect, it } from 'vitest';
import { randomRun } from './randomRun.ts';

/*
 * SLUICE_FAULT_RUNS=500: the full matrix. SLUICE_SEED=n: that run alone (the same actions and faults; their timing is the machine's).
 */
const only = process.env.SLUICE_SEED;
const runs = only === undefined ? Number(process.env.SLUICE_FAULT_RUNS ?? 25) : 1;
const first = only === undefined ? Math.floor(Math.random() * 1e6) * 1000 : Number(only);
const atOnce = 4;

it(`${runs} random lives of a folder, with faults, changes and kills, end with the bucket as the disk and nothing else`, {
  timeout: 60_000 + runs * 10_000,
}, async () => {
  const startedAt = performance.now();
  const wrong: string[] = [];
  let next = first;
  const work = async (): Promise<void> => {
    while (next < first + runs) {
      const found = await randomRun(next++);
      if (found.length > 0) {
        wrong.push(found.join('\n'));
        process.stdout.write(`${found.join('\n')}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  process.stdout.write(
    `  seeds ${first} to ${first + runs - 1}: ${wrong.length} went wrong, ${((performance.now() - startedAt) / runs).toFixed(0)} ms a run\n`,
  );
  expect(wrong.map((each) => each.split('\n').slice(0, 3).join(' '))).toEqual([]);
});
