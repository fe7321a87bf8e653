import { describe, expect, it } from 'vitest';
import { createBufferPool } from '../../../main/engine/transfer/bufferPool.ts';
import { memoryBudgetOver, newBudgetMemory } from '../../../main/engine/transfer/memoryBudget.ts';
import { KiB, MiB } from '../../../shared/units.ts';

const never = new AbortController().signal;
const settledYet = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
};

describe('the buffers of a sending thread', () => {
  it('stay within the budget whatever is asked for, and everybody gets one in the end', async () => {
    const memory = newBudgetMemory(4 * MiB, 1);
    const pool = createBufferPool(memoryBudgetOver(memory), 0);
    let held = 0;
    let most = 0;
    const sizes = [1, 5 * KiB, 64 * KiB, 100 * KiB, 256 * KiB, 700 * KiB, 1 * MiB];
    await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        const buffer = await pool.take(sizes[i % sizes.length] ?? 1, never);
        held += buffer.length;
        most = Math.max(most, held);
        await new Promise((resolve) => setTimeout(resolve, i % 3));
        held -= buffer.length;
        if (i % 7 === 0) pool.lose(buffer);
        else pool.give(buffer);
      }),
    );
    expect(most).toBeLessThanOrEqual(4 * MiB);
    expect(most).toBeGreaterThan(2 * MiB);
    expect(memoryBudgetOver(memory).mostHeldBytes()).toBeLessThanOrEqual(4 * MiB);
  });

  it('are given out in the order they were asked for: a small body does not overtake a large one for ever', async () => {
    const pool = createBufferPool(memoryBudgetOver(newBudgetMemory(1 * MiB, 1)), 0);
    const first = await pool.take(4 * KiB, never);
    const large = pool.take(1 * MiB, never);
    expect(await settledYet(large)).toBe(false);
    expect(pool.tryTake(4 * KiB)).toBeNull();
    const small = pool.take(4 * KiB, never);
    pool.give(first);
    const whole = await large;
    expect(await settledYet(small)).toBe(false);
    pool.give(whole);
    expect((await small).length).toBe(4 * KiB);
  });

  it('are not waited for by what was cancelled', async () => {
    const pool = createBufferPool(memoryBudgetOver(newBudgetMemory(1 * MiB, 1)), 0);
    const first = await pool.take(1 * MiB, never);
    const abort = new AbortController();
    const cancelled = pool.take(1 * MiB, abort.signal);
    const next = pool.take(1 * MiB, never);
    abort.abort(new Error('enough'));
    await expect(cancelled).rejects.toThrow('enough');
    pool.give(first);
    expect((await next).length).toBe(1 * MiB);
  });

  it('have a share for each thread that no other can take, and a dead thread holds nothing', async () => {
    const memory = newBudgetMemory(4 * MiB, 2);
    const budget = memoryBudgetOver(memory);
    const greedy = createBufferPool(budget, 0);
    const modest = createBufferPool(memoryBudgetOver(memory), 1);
    while (greedy.tryTake(1 * MiB)) expect(budget.heldBytes()).toBeLessThanOrEqual(2 * MiB);
    expect(budget.heldBytes()).toBe(2 * MiB);
    expect(modest.tryTake(1 * MiB)).not.toBeNull();
    budget.forget(0);
    expect(budget.heldBytes()).toBe(1 * MiB);
    expect(budget.mostHeldBytes()).toBe(3 * MiB);
  });

  it('follow a lowered limit as they come back, down to the one a thread needs', async () => {
    const budget = memoryBudgetOver(newBudgetMemory(8 * MiB, 1));
    const pool = createBufferPool(budget, 0);
    const taken = Array.from({ length: 8 }, () => pool.tryTake(1 * MiB));
    budget.setLimit(0);
    for (const buffer of taken) if (buffer) pool.give(buffer);
    expect(budget.heldBytes()).toBe(1 * MiB);
    expect(pool.tryTake(1 * MiB)).not.toBeNull();
    expect(pool.tryTake(4 * KiB)).toBeNull();
  });
});
