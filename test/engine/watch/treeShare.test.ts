import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { newShareState, type ShareEnds } from '../../../main/engine/watch/treeShare.ts';

async function walkedByTwo(startSecondAfterMs: number): Promise<readonly string[][]> {
  const state = newShareState();
  const { port1, port2 } = new MessageChannel();
  const walk = (me: ShareEnds['me'], port: ShareEnds['port'], from: readonly string[]): Promise<[string[]]> => {
    const worker = new Worker(new URL('./treeShareWorker.ts', import.meta.url), {
      workerData: { ends: { state, port, me }, from },
      transferList: [port],
    });
    return once(worker, 'message') as Promise<[string[]]>;
  };
  const first = walk('first', port1, ['root']);
  await new Promise((resolve) => setTimeout(resolve, startSecondAfterMs));
  const second = walk('second', port2, []);
  return (await Promise.all([first, second])).map(([walked]) => walked);
}

describe('two threads that share a tree', () => {
  it('walk every directory exactly once, whenever the second one comes', { timeout: 60_000 }, async () => {
    const all = (4 ** 6 - 1) / 3;
    for (let round = 0; round < 24; round++) {
      const [first = [], second = []] = await walkedByTwo(round % 4);
      expect(first.length + second.length).toBe(all);
      expect(new Set([...first, ...second]).size).toBe(all);
    }
  });
});
