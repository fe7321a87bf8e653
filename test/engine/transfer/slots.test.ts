import { describe, expect, it } from 'vitest';
import { createSlots, type Release, type SlotRules } from '../../../main/engine/transfer/slots.ts';
import { asFolderId, type FolderId } from '../../../shared/ids.ts';

const [a, b] = [asFolderId(1), asFolderId(2)];
const never = new AbortController().signal;

function slotsOf(limits: { small: number; large: number }, rules: Partial<SlotRules> = {}) {
  return createSlots({
    storeOf: () => 'store',
    limit: (lane) => limits[lane],
    total: () => 100,
    busyStores: () => new Set(),
    mayUse: () => true,
    onFree: () => undefined,
    ...rules,
  });
}

function takeAll(slots: ReturnType<typeof createSlots>, lane: 'small' | 'large', folder: FolderId): Release[] {
  const taken: Release[] = [];
  for (let slot = slots.take(lane, folder); slot; slot = slots.take(lane, folder)) taken.push(slot);
  return taken;
}

describe('slots', () => {
  it('never let small files wait behind large ones', () => {
    const slots = slotsOf({ small: 1, large: 1 });
    expect(slots.take('large', a)).not.toBeNull();
    expect(slots.take('large', a)).toBeNull();
    expect(slots.take('small', a)).not.toBeNull();
  });

  it('keep room for small files that may come when large ones would take all connections there are', () => {
    for (const total of [2, 3, 10, 100]) {
      const slots = slotsOf({ small: 250, large: 250 }, { total: () => total });
      const large = takeAll(slots, 'large', a);
      expect(large.length).toBeGreaterThanOrEqual(1);
      expect(slots.free('small', a)).toBeGreaterThanOrEqual(1);
    }
  });

  it('are all for small files while no large one waits, and some are for parts once one does', async () => {
    const slots = slotsOf({ small: 250, large: 250 }, { total: () => 10 });
    const small = takeAll(slots, 'small', a);
    expect(small).toHaveLength(10);
    const part = slots.wait('large', a, never);
    for (const release of small.slice(0, 4)) release();
    await part;
    expect(slots.inUse()).toBe(7);
    expect(takeAll(slots, 'small', a)).toHaveLength(1);
    expect(slots.inUse()).toBe(8);
  });

  it('are never more than the settings allow, over all stores', () => {
    const slots = slotsOf({ small: 250, large: 250 }, { total: () => 7, storeOf: (folder) => `store ${folder}` });
    for (let turn = 0; turn < 20; turn++) {
      for (const folder of [a, b]) {
        slots.take('small', folder);
        slots.take('large', folder);
      }
    }
    expect(slots.inUse()).toBeLessThanOrEqual(7);
  });

  it('can not all be held by one store, slow as it may be, while another has something to send', () => {
    const slots = slotsOf(
      { small: 250, large: 250 },
      { total: () => 40, storeOf: (folder) => `store ${folder}`, busyStores: () => new Set(['store 1', 'store 2']) },
    );
    takeAll(slots, 'small', a);
    takeAll(slots, 'large', a);
    expect(takeAll(slots, 'small', b).length).toBeGreaterThanOrEqual(5);
  });

  it('of one connection in all still go to everybody in turn', async () => {
    const slots = slotsOf(
      { small: 5, large: 5 },
      { total: () => 1, storeOf: (folder) => `store ${folder}`, busyStores: () => new Set(['store 1', 'store 2']) },
    );
    const first = slots.take('small', a);
    expect(slots.take('large', a)).toBeNull();
    const waits = [slots.wait('large', a, never), slots.wait('large', b, never)];
    first?.();
    (await Promise.race(waits))();
    for (const wait of waits) (await wait)();
    expect(slots.inUse()).toBe(0);
  });

  it('are shared fairly: a folder with a thousand parts waiting does not starve one with a few', async () => {
    const slots = slotsOf({ small: 1, large: 4 });
    const order: string[] = [];
    const held: Release[] = [];
    const wait = (folder: FolderId, name: string) =>
      slots.wait('large', folder, never).then((release) => {
        order.push(name);
        held.push(release);
      });
    const waits = [...Array.from({ length: 20 }, () => wait(a, 'a')), ...Array.from({ length: 4 }, () => wait(b, 'b'))];
    for (let round = 0; round < 24; round++) {
      await Promise.resolve();
      await Promise.resolve();
      held.shift()?.();
    }
    await Promise.all(waits);
    expect(order.slice(4, 12).filter((name) => name === 'b')).toHaveLength(4);
  });

  it('are not given to a folder that may not send, and are when it may again', async () => {
    const barred = new Set([a]);
    const slots = slotsOf({ small: 1, large: 1 }, { mayUse: (folder) => !barred.has(folder) });
    let given = false;
    const wait = slots.wait('large', a, never).then(() => {
      given = true;
    });
    await Promise.resolve();
    expect(given).toBe(false);
    expect(slots.take('large', a)).toBeNull();
    barred.clear();
    slots.wake();
    await wait;
    expect(given).toBe(true);
  });

  it('are given back once, however often that is said, and not at all to whoever stopped waiting', async () => {
    const slots = slotsOf({ small: 1, large: 1 });
    const release = slots.take('small', a);
    release?.();
    release?.();
    expect(slots.free('small', a)).toBe(1);
    const held = slots.take('small', a);
    const abort = new AbortController();
    const wait = slots.wait('small', b, abort.signal);
    abort.abort(new Error('stop'));
    await expect(wait).rejects.toThrow('stop');
    held?.();
    expect(slots.free('small', a)).toBe(1);
  });
});
