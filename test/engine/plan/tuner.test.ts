import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planUpload, s3Limits } from '../../../main/engine/plan/partPlan.ts';
import { type TuningInput, type TuningSample, tune } from '../../../main/engine/plan/tuner.ts';
import { GiB, MiB } from '../../../shared/units.ts';
import { seeded } from './simulatedLink.ts';

const sample = (partMiB: number, mibPerSecond: number, concurrency = 8): TuningSample => ({
  partSizeBytes: partMiB * MiB,
  concurrency,
  bytesPerSecond: mibPerSecond * MiB,
});
const times = (count: number, one: TuningSample): TuningSample[] => Array.from({ length: count }, () => one);
const asked = (history: readonly TuningSample[], more: Partial<TuningInput> = {}) =>
  tune({ history, sizeBytes: 4 * GiB, tablePartSizeBytes: 64 * MiB, partSizeFixed: false, random: null, ...more });

describe('the tuner', () => {
  it('keeps to the table while nothing is known', () => {
    expect(asked([])).toEqual({
      partSizeBytes: null,
      startConcurrency: null,
      bytesPerSecond: null,
      explores: false,
      reasons: [],
    });
  });

  it('takes another size once it was surely better, and says why', () => {
    const choice = asked([...times(6, sample(128, 160)), ...times(6, sample(64, 100))]);
    expect(choice.partSizeBytes).toBe(128 * MiB);
    expect(choice.reasons.at(-1)).toMatch(/^128 MiB parts gave at least .* in 6 uploads, 64.0 MiB parts 100 MiB\/s$/);
  });

  it('is not fooled by one lucky upload, nor by a noisy one', () => {
    expect(asked([sample(128, 900), ...times(6, sample(64, 100))]).partSizeBytes).toBeNull();
    expect(asked([...times(2, sample(128, 900)), ...times(6, sample(64, 100))]).partSizeBytes).toBeNull();
    const noisy = [40, 300, 60, 250].map((rate) => sample(128, rate));
    expect(asked([...noisy, ...times(6, sample(64, 100))]).partSizeBytes).toBeNull();
  });

  it('explores in at most one upload of ten, never what S3 or the table of preferred sizes forbids', () => {
    const random = seeded(7);
    let explored = 0;
    for (let upload = 0; upload < 10_000; upload++) if (asked([], { random: random() }).explores) explored++;
    expect(explored).toBeGreaterThan(500);
    expect(explored).toBeLessThanOrEqual(1_000);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: s3Limits.maxObjectBytes }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.array(
          fc.record({ part: fc.constantFrom(1, 16, 32, 64, 128, 256, 4096), rate: fc.integer({ min: 1, max: 500 }) }),
        ),
        (sizeBytes, random, rows) => {
          const history = rows.map(({ part, rate }) => sample(part, rate));
          const { partSizeBytes } = asked(history, { sizeBytes, random });
          if (partSizeBytes === null) return;
          expect(partSizeBytes).toBeGreaterThanOrEqual(16 * MiB);
          expect(partSizeBytes).toBeLessThanOrEqual(512 * MiB);
          expect(Math.ceil(sizeBytes / partSizeBytes)).toBeLessThanOrEqual(10_000);
        },
      ),
    );
  });

  it('chooses and tries nothing that the user fixed', () => {
    const choice = asked([...times(6, sample(128, 160)), ...times(6, sample(64, 100))], {
      partSizeFixed: true,
      random: 0.01,
    });
    expect(choice).toMatchObject({ partSizeBytes: null, explores: false });
  });

  it('begins with somewhat fewer connections than the store used to take', () => {
    const choice = asked([8, 40, 36, 44].map((connections) => sample(64, 100, connections)));
    expect(choice.startConcurrency).toBe(27);
    expect(choice.reasons[0]).toMatch(/^begins with 27 connections: 4 earlier uploads/);
  });

  it('goes behind a slow link and in front of the table in the plan', () => {
    const given = { sizeBytes: 4 * GiB, memoryBytes: 512 * MiB, maxConnections: 100, partSizeBytes: 'auto' as const };
    const tuned = { partSizeBytes: 128 * MiB, reason: '128 MiB parts were faster' };
    expect(planUpload({ ...given, bandwidthBytesPerSecond: null, tuned }).partSizeBytes).toBe(128 * MiB);
    expect(planUpload({ ...given, bandwidthBytesPerSecond: null, tuned }).reasons).toContain(
      '128 MiB parts were faster',
    );
    expect(planUpload({ ...given, bandwidthBytesPerSecond: 4 * MiB, tuned }).partSizeBytes).toBe(16 * MiB);
  });
});
