import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concurrencyAfter, laneHabits, newConcurrency } from '../../../main/engine/plan/concurrency.ts';
import { GiB, KiB, MiB } from '../../../shared/units.ts';
import { drive, utilisation } from './drivenLink.ts';
import { SimulatedLink } from './simulatedLink.ts';

const Mbit = 125_000;
const seeds = Array.from({ length: 50 }, (_, index) => index + 1);
const worst = (of: (seed: number) => number): number => Math.min(...seeds.map(of));

describe('the number of connections', () => {
  it('uses 95 % of 100 Mbit/s at 100 ms within 10 s with one large file, whatever one connection carries', () => {
    for (const perConnection of [undefined, 12.5 * Mbit]) {
      const least = worst((seed) => {
        const link = new SimulatedLink({
          seed,
          bytesPerSecond: 100 * Mbit,
          roundTripMs: 100,
          answerMs: 50,
          stepMs: 10,
          ...(perConnection && { connectionBytesPerSecond: perConnection }),
        });
        const trace = drive(link, { lane: 'large', requestBytes: 16 * MiB, untilMs: 25_000 });
        return utilisation(trace, 10_000, 25_000, 100 * Mbit);
      });
      expect(least).toBeGreaterThanOrEqual(0.95);
    }
  });

  it('uses 85 % of 100 Mbit/s at 100 ms with 1,000 files of 100 KiB, the cold start counted', () => {
    const least = worst((seed) => {
      const link = new SimulatedLink({ seed, bytesPerSecond: 100 * Mbit, roundTripMs: 100, answerMs: 20 });
      const trace = drive(link, { lane: 'small', requestBytes: 100 * KiB, requests: 1000, untilMs: 60_000 });
      return (1000 * 100 * KiB) / (100 * Mbit) / (trace.endedAtMs / 1000);
    });
    expect(least).toBeGreaterThanOrEqual(0.85);
  });

  it.each(['large', 'small'] as const)('follows the link to a tenth and back within 15 s (%s files)', (lane) => {
    const share = { low: 1, back: [] as number[] };
    for (const seed of seeds) {
      const link = new SimulatedLink({ seed, bytesPerSecond: 100 * Mbit, roundTripMs: 100, stepMs: 10 });
      const trace = drive(link, {
        lane,
        requestBytes: lane === 'large' ? 16 * MiB : 100 * KiB,
        untilMs: 90_000,
        at: (nowMs, { bytesPerSecond }) => {
          const now = nowMs > 30_000 && nowMs < 60_000 ? 10 * Mbit : 100 * Mbit;
          if (bytesPerSecond !== now) link.bytesPerSecond = now;
        },
      });
      share.low = Math.min(share.low, utilisation(trace, 45_000, 60_000, 10 * Mbit));
      share.back.push(utilisation(trace, 75_000, 90_000, 100 * Mbit));
    }
    const back = share.back.toSorted((a, b) => a - b);
    expect(share.low).toBeGreaterThan(0.9);
    expect(back[0]).toBeGreaterThan(0.6);
    expect(back[25]).toBeGreaterThan(0.9);
  });

  it('finds that 1 Gbit/s at 50 ms takes more than a hundred slow connections', () => {
    for (const seed of seeds.slice(0, 10)) {
      const link = new SimulatedLink({
        seed,
        bytesPerSecond: 1000 * Mbit,
        roundTripMs: 50,
        connectionBytesPerSecond: 8 * Mbit,
        stepMs: 10,
      });
      const trace = drive(link, { lane: 'large', requestBytes: 64 * MiB, untilMs: 20_000, max: 250 });
      expect(utilisation(trace, 10_000, 20_000, 1000 * Mbit)).toBeGreaterThan(0.95);
      expect(Math.max(...trace.limits)).toBeGreaterThan(120);
    }
  });

  it('settles at few large parts and about 64 small files on a loopback, not at 250, and within the first tenths of a second', () => {
    for (const seed of seeds) {
      const pipe = { seed, bytesPerSecond: 2.8 * GiB, roundTripMs: 0.1, stepMs: 1 };
      const large = drive(new SimulatedLink({ ...pipe, answerMs: 0.3, halfUse: 0.5 }), {
        lane: 'large',
        requestBytes: 64 * MiB,
        untilMs: 2_000,
        max: 250,
      });
      expect(Math.max(...large.limits)).toBeLessThanOrEqual(16);
      const small = drive(new SimulatedLink({ ...pipe, stepMs: 0.5, answerMs: 4, requestsPerSecond: 8000 }), {
        lane: 'small',
        requestBytes: 4 * KiB,
        requests: 10_000,
        untilMs: 5_000,
        max: 250,
      });
      expect(small.limits[2]).toBeGreaterThanOrEqual(32);
      expect(Math.max(...small.limits)).toBeLessThanOrEqual(128);
      expect(small.endedAtMs).toBeLessThan(1_600);
    }
  });

  it('stays within its bounds, whatever is measured', () => {
    const sample = fc.record({
      elapsedMs: fc.integer({ min: 0, max: 5_000 }),
      bytes: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 33 })),
      completions: fc.integer({ min: 0, max: 500 }),
      inFlight: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(-1)),
      answerMs: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true })),
      busyShare: fc.double({ min: 0, max: 1, noNaN: true }),
      max: fc.oneof(
        { weight: 20, arbitrary: fc.constant(100) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 250 }) },
      ),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('small' as const, 'large' as const),
        fc.integer({ min: 1, max: 250 }),
        fc.array(sample, { maxLength: 200 }),
        (lane, start, samples) => {
          let state = newConcurrency(start, 0);
          let atMs = 0;
          for (const { elapsedMs, max, inFlight, ...rest } of samples) {
            atMs += elapsedMs;
            // -1: as many as allowed, or nothing would ever be decided.
            const given = { ...rest, atMs, inFlight: inFlight < 0 ? state.limit : inFlight };
            state = concurrencyAfter(state, given, { max, lane: laneHabits[lane] });
            expect(Number.isInteger(state.limit)).toBe(true);
            expect(state.limit).toBeGreaterThanOrEqual(1);
            expect(state.limit).toBeLessThanOrEqual(max);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not grow where the processor is what the requests wait for', () => {
    const most = (seed: number, busyShare: number): number => {
      const link = new SimulatedLink({ seed, bytesPerSecond: 400 * MiB, roundTripMs: 50, answerMs: 1 });
      return Math.max(...drive(link, { lane: 'small', requestBytes: 100 * KiB, untilMs: 10_000, busyShare }).limits);
    };
    for (const seed of seeds.slice(0, 10)) {
      expect(most(seed, 0.2)).toBeGreaterThan(laneHabits.small.start);
      expect(most(seed, 0.95)).toBe(laneHabits.small.start);
    }
  });

  it('does not move during an outage, when not a byte goes out', () => {
    let state = newConcurrency(32, 0);
    for (let atMs = 25; atMs < 60_000; atMs += 25) {
      const sample = { atMs, bytes: 0, completions: 0, inFlight: state.limit, answerMs: null, busyShare: 0 };
      state = concurrencyAfter(state, sample, { max: 100, lane: laneHabits.small });
    }
    expect(state.limit).toBe(32);
  });
});
