import { describe, expect, it } from 'vitest';
import { createSlots, type Release } from '../../../main/engine/transfer/slots.ts';
import { asFolderId, type FolderId } from '../../../shared/ids.ts';

const [a, b] = [asFolderId(1), asFolderId(2)];
const never = new AbortController().signal;

function slotsOf(limits: { small: number; large: number }, barred: Set<FolderId> = new Set()) {
  return createSlots({
    limit: (lane) => limits[lane],
    mayUse: (folder) => !barred.has(folder),
    onFree: () => undefined,
  });
}

describe('slots', () => {
  it('never let small files wait behind large ones', () => {
    const slots = slotsOf({ small: 1, large: 1 });
    expect(slots.take('large', a)).not.toBeNull();
    expect(slots.take('large', a)).toBeNull();
    expect(slots.take('small', a)).not.toBeNull();
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
    const slots = slotsOf({ small: 1, large: 1 }, barred);
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
    expect(slots.free('small')).toBe(1);
    const held = slots.take('small', a);
    const abort = new AbortController();
    const wait = slots.wait('small', b, abort.signal);
    abort.abort(new Error('stop'));
    await expect(wait).rejects.toThrow('stop');
    held?.();
    expect(slots.free('small')).toBe(1);
  });
});
