import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanInterval, pairedRatio, tQuantile } from '../../../main/engine/plan/benchStatistics.ts';

const rates = fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 2, maxLength: 30 });

describe('The statistics of a benchmark', () => {
  // NIST/SEMATECH e-Handbook, 1.3.6.7.2: critical values of Student's t, 0.975.
  it.each([
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [10, 2.228],
    [29, 2.045],
    [100, 1.984],
  ])('t with %i degrees of freedom is as printed', (freedom, value) => {
    expect(tQuantile(0.975, freedom)).toBeCloseTo(value, 3);
  });

  it('the interval holds the mean, and scales with its unit', () => {
    fc.assert(
      fc.property(rates, fc.double({ min: 0.01, max: 100, noNaN: true }), (values, factor) => {
        const one = meanInterval(values);
        const other = meanInterval(values.map((value) => value * factor));
        expect(one.low!).toBeLessThanOrEqual(one.mean);
        expect(one.high!).toBeGreaterThanOrEqual(one.mean);
        expect(other.mean / (one.mean * factor)).toBeCloseTo(1, 9);
        expect(other.high! / (one.high! * factor)).toBeCloseTo(1, 6);
      }),
    );
  });

  it('turning a comparison round gives the reciprocal: neither side is favoured', () => {
    const pairs = fc.array(
      fc.record({
        before: fc.double({ min: 1, max: 1e6, noNaN: true }),
        after: fc.double({ min: 1, max: 1e6, noNaN: true }),
      }),
      { minLength: 2, maxLength: 12 },
    );
    fc.assert(
      fc.property(pairs, (given) => {
        const there = pairedRatio(given);
        const back = pairedRatio(given.map(({ before, after }) => ({ before: after, after: before })));
        expect(Math.log(there.mean) + Math.log(back.mean)).toBeCloseTo(0, 6);
        expect(Math.log(there.low!) + Math.log(back.high!)).toBeCloseTo(0, 6);
      }),
    );
  });

  it('of samples without a difference, about one in twenty intervals misses, and no more', () => {
    let state = 12345;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    const runs = 4000;
    let missed = 0;
    for (let run = 0; run < runs; run++) {
      const { low, high } = meanInterval(Array.from({ length: 5 }, () => 100 + 10 * normal()));
      if (low! > 100 || high! < 100) missed++;
    }
    expect(missed / runs).toBeGreaterThan(0.035);
    expect(missed / runs).toBeLessThan(0.065);
  });

  it('one sample tells no spread, none is an error', () => {
    expect(meanInterval([5])).toEqual({ count: 1, mean: 5, low: null, high: null });
    expect(() => meanInterval([])).toThrow(RangeError);
  });
});
