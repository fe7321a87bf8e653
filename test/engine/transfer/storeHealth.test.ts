import { describe, expect, it } from 'vitest';
import { createStoreHealth } from '../../../main/engine/transfer/storeHealth.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { ManualClock } from './manualClock.ts';

const unreachable = new SluiceError('store-unreachable', 'refused').view();

function world(answers: (() => void)[]) {
  const clock = new ManualClock();
  let probes = 0;
  const health = createStoreHealth({
    clock,
    random: () => 0.5,
    probe: async () => {
      probes++;
      answers.shift()?.();
    },
    onChange: () => undefined,
  });
  return { clock, health, probes: () => probes };
}
const refuse = () => {
  throw new SluiceError('store-unreachable', 'refused');
};

describe('the breaker of a store', () => {
  it('stays closed while failures are mixed with successes', () => {
    const { health } = world([]);
    for (let i = 0; i < 50; i++) {
      health.failed('s', unreachable, false);
      health.failed('s', unreachable, false);
      health.succeeded('s');
    }
    expect(health.reach('s').kind).toBe('reached');
  });

  it('opens after several failures in a row, probes with growing waits, and closes when a probe gets through', async () => {
    const { clock, health, probes } = world([refuse, refuse, () => undefined]);
    for (let i = 0; i < 5; i++) health.failed('s', unreachable, false);
    expect(health.mayUse('s')).toBe(false);
    const waits: number[] = [];
    for (let probe = 1; probe <= 3; probe++) {
      const reach = health.reach('s');
      if (reach.kind !== 'blocked') throw new Error('not blocked');
      waits.push(reach.nextTryAt - clock.now());
      await clock.pass(reach.nextTryAt - clock.now());
      expect(probes()).toBe(probe);
    }
    expect(waits[1]).toBeGreaterThan(waits[0] ?? 0);
    expect(waits[2]).toBeGreaterThan(waits[1] ?? 0);
    expect(health.mayUse('s')).toBe(true);
  });

  it('opens at once for an answer that no retry can change, and leaves other stores alone', () => {
    const { health } = world([]);
    health.failed('s', new SluiceError('wrong-keys', 'no').view(), true);
    expect(health.mayUse('s')).toBe(false);
    expect(health.mayUse('other')).toBe(true);
  });

  it('sends nothing new for as long as a throttling store asked', async () => {
    const { clock, health } = world([]);
    health.throttled('s', 2000);
    expect(health.mayUse('s')).toBe(false);
    await clock.pass(1999);
    expect(health.mayUse('s')).toBe(false);
    await clock.pass(1);
    expect(health.mayUse('s')).toBe(true);
  });

  it('opens too when the store answers nothing but 500, and stays the same outage while only its probe gets through', async () => {
    const { clock, health } = world([]);
    const inside = new SluiceError('store-server-error', 'HTTP 500').view();
    for (let i = 0; i < 11; i++) health.failed('s', inside, false);
    expect(health.mayUse('s')).toBe(true);
    health.failed('s', inside, false);
    const first = health.reach('s');
    if (first.kind !== 'blocked') throw new Error('not blocked');
    await clock.pass(first.nextTryAt - clock.now());
    expect(health.mayUse('s')).toBe(true);
    for (let i = 0; i < 4; i++) health.failed('s', inside, false);
    expect(health.reach('s')).toMatchObject({ kind: 'blocked', since: first.since, tries: first.tries + 1 });
  });

  it('takes a 500 now and then for what it is', () => {
    const { health } = world([]);
    const inside = new SluiceError('store-server-error', 'HTTP 500').view();
    for (let i = 0; i < 200; i++) {
      for (let j = 0; j < 8; j++) health.failed('s', inside, false);
      health.succeeded('s');
    }
    expect(health.reach('s').kind).toBe('reached');
  });
});
