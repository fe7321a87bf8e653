import { describe, expect, it } from 'vitest';
import { type HedgeFacts, shouldHedge } from '../../../main/engine/plan/hedge.ts';
import { newRetryBudget, retryEarned, retryTaken } from '../../../main/engine/plan/retryBudget.ts';
import { isStraggler } from '../../../main/engine/plan/straggler.ts';
import { MiB } from '../../../shared/units.ts';

const slow: HedgeFacts = {
  sizeBytes: 16 * MiB,
  sentBytes: 2 * MiB,
  elapsedMs: 10_000,
  bytesPerSecond: 100_000,
  recentMs: [1000, 1100, 1200, 1000, 900, 1300, 1250, 1400],
  parts: { count: 100, bytes: 1600 * MiB },
  hedged: { count: 0, bytes: 0 },
  othersGoWell: true,
};

describe('a part is sent a second time', () => {
  it('when it is far slower than its kind and will be for longer than a new one takes', () => {
    expect(shouldHedge(slow)).toBe(true);
  });

  it.each<[string, Partial<HedgeFacts>]>([
    ['it is only somewhat slow', { elapsedMs: 1700 }],
    ['it is nearly through', { sentBytes: 15.9 * MiB, bytesPerSecond: 1 * MiB }],
    ['too little is known', { recentMs: [1000, 1000] }],
    ['everything is slow', { othersGoWell: false }],
    ['a twentieth of the parts were', { hedged: { count: 5, bytes: 1 * MiB } }],
    ['a fiftieth of the bytes were', { hedged: { count: 1, bytes: 30 * MiB } }],
    ['these are the first parts', { parts: { count: 10, bytes: 160 * MiB } }],
  ])('but not when %s', (_, facts) => {
    expect(shouldHedge({ ...slow, ...facts })).toBe(false);
  });
});

describe('a request that stands still', () => {
  const quiet = {
    quietMs: 5_000,
    fairBytesPerSecond: 4 * MiB,
    moves: true,
    othersDone: 0,
    othersBytes: 40 * MiB,
    answerMs: 100,
  };
  it('is cut off while others get through', () => {
    expect(isStraggler(quiet)).toBe(true);
  });
  it('is not a time-out: on a slow link what the socket holds takes its time, and nothing is dead while nothing moves', () => {
    expect(isStraggler({ ...quiet, fairBytesPerSecond: 200_000 })).toBe(false);
    expect(isStraggler({ ...quiet, othersBytes: 0, quietMs: 600_000 })).toBe(false);
    expect(isStraggler({ ...quiet, fairBytesPerSecond: 0, quietMs: 600_000 })).toBe(false);
  });
  it('may read and checksum its part from a slow disk first', () => {
    expect(isStraggler({ ...quiet, moves: false })).toBe(false);
    expect(isStraggler({ ...quiet, moves: false, quietMs: 20_000 })).toBe(true);
  });
});

describe('the retry budget', () => {
  it('lets the odd retry go at once, on a link that loses 0.5 %', () => {
    let budget = newRetryBudget(0);
    let waits = 0;
    for (let request = 0; request < 20_000; request++) {
      budget = retryEarned(budget);
      if (request % 200 !== 0) continue;
      const taken = retryTaken(budget, request);
      budget = taken.budget;
      if (taken.waitMs > 0) waits++;
    }
    expect(waits).toBe(0);
  });

  it('spreads those to an ill store: a few at once, then two a second, none later than after ten', () => {
    let budget = newRetryBudget(0);
    const waits: number[] = [];
    for (let retry = 0; retry < 110; retry++) {
      const taken = retryTaken(budget, 0);
      budget = taken.budget;
      waits.push(taken.waitMs);
    }
    expect(waits.filter((ms) => ms === 0)).toHaveLength(10);
    expect(waits[14]).toBe(2_500);
    expect(waits.at(-1)).toBe(10_000);
  });
});
