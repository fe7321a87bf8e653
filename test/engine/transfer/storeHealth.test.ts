import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../main/engine/ports.ts';
import { createStoreHealth } from '../../../main/engine/transfer/storeHealth.ts';
import { SluiceError } from '../../../shared/errors.ts';

class ManualClock implements Clock {
  time = 1_000_000;
  readonly tasks = new Set<{ at: number; run: () => void }>();
  now = () => this.time;
  after = (ms: number, run: () => void) => {
    const task = { at: this.time + ms, run };
    this.tasks.add(task);
    return () => void this.tasks.delete(task);
  };
  async pass(ms: number): Promise<void> {
    this.time += ms;
    for (const task of [...this.tasks]) {
      if (task.at > this.time) continue;
      this.tasks.delete(task);
      task.run();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

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
});
