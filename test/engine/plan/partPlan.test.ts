import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PartPlanInput, planUpload, s3Limits } from '../../../main/engine/plan/partPlan.ts';
import { GiB, MiB } from '../../../shared/units.ts';

const plan = (sizeBytes: number, more: Partial<PartPlanInput> = {}) =>
  planUpload({
    sizeBytes,
    bandwidthBytesPerSecond: null,
    memoryBytes: 512 * MiB,
    maxConnections: 100,
    partSizeBytes: 'auto',
    ...more,
  });

describe('the part plan', () => {
  it('is the reference plan for 10 GiB at 1 Gbit/s with 2 GiB of memory: 128 MiB, 80 parts, 20 in flight', () => {
    const reference = plan(10 * GiB, { bandwidthBytesPerSecond: 1e9 / 8, memoryBytes: 2 * GiB });
    expect(reference).toMatchObject({
      strategy: 'multipart',
      partSizeBytes: 128 * MiB,
      partCount: 80,
      concurrency: 20,
    });
    expect(reference.reasons.length).toBeGreaterThan(1);
  });

  it.each([
    [0, 'put', 0, 1],
    [1, 'put', 1, 1],
    [5 * MiB - 1, 'put', 5 * MiB - 1, 1],
    [5 * MiB, 'put', 5 * MiB, 1],
    [5 * MiB + 1, 'put', 5 * MiB + 1, 1],
    [100 * MiB - 1, 'put', 100 * MiB - 1, 1],
    [100 * MiB, 'multipart', 64 * MiB, 2],
    [5 * GiB, 'multipart', 64 * MiB, 80],
    [5 * GiB + 1, 'multipart', 128 * MiB, 41],
  ] as const)('follows the table: %d bytes as %s in parts of %d', (size, strategy, partSizeBytes, partCount) => {
    expect(plan(size)).toMatchObject({ strategy, partSizeBytes, partCount });
  });

  it('uses exactly 10,000 parts where that just fits, and larger parts one byte beyond', () => {
    expect(plan(10_000 * 128 * MiB)).toMatchObject({ partSizeBytes: 128 * MiB, partCount: 10_000 });
    expect(plan(10_000 * 128 * MiB + 1)).toMatchObject({ partSizeBytes: 129 * MiB });
    expect(plan(10_000 * 5 * MiB, { partSizeBytes: 5 * MiB })).toMatchObject({
      partSizeBytes: 5 * MiB,
      partCount: 10_000,
    });
    expect(plan(10_000 * 5 * MiB + 1, { partSizeBytes: 5 * MiB }).partSizeBytes).toBeGreaterThan(5 * MiB);
  });

  it('never cuts a file over 100 GB into 5 MiB parts', () => {
    expect(plan(100e9 + 1).partSizeBytes).toBeGreaterThanOrEqual(16 * MiB);
  });

  it('gives a slow link smaller parts, so that a failed one costs seconds and not minutes', () => {
    expect(plan(1 * GiB, { bandwidthBytesPerSecond: 100e6 / 8 }).partSizeBytes).toBe(32 * MiB);
    expect(plan(1 * GiB, { bandwidthBytesPerSecond: 20e6 / 8 }).partSizeBytes).toBe(16 * MiB);
    expect(plan(1 * GiB, { bandwidthBytesPerSecond: 1e6 / 8 }).partSizeBytes).toBe(5 * MiB);
  });

  it('sends no more parts at once than a limit set by the user carries, so that a kill loses little', () => {
    const limited = (limitBytesPerSecond: number) =>
      plan(1 * GiB, { bandwidthBytesPerSecond: limitBytesPerSecond, limitBytesPerSecond });
    expect(limited(24 * MiB)).toMatchObject({ partSizeBytes: 64 * MiB, concurrency: 4 });
    expect(limited(100 * MiB).concurrency).toBe(8);
    expect(limited(10 * GiB).concurrency).toBe(16);
  });

  it('makes no multipart upload of a single part', () => {
    expect(plan(143 * MiB, { partSizeBytes: 200 * MiB })).toMatchObject({ strategy: 'put', partCount: 1 });
    expect(plan(6 * GiB, { partSizeBytes: 5 * GiB })).toMatchObject({ strategy: 'multipart', partCount: 2 });
    expect(plan(6 * MiB, { partSizeBytes: 5 * MiB })).toMatchObject({ strategy: 'multipart', partCount: 2 });
  });

  it('refuses what the store cannot hold, before anything is sent', () => {
    expect(() => plan(s3Limits.maxObjectBytes + 1)).toThrow(expect.objectContaining({ code: 'file-too-large' }));
    expect(plan(s3Limits.maxObjectBytes).partCount).toBeLessThanOrEqual(10_000);
  });

  it('always stays inside S3 limits and covers the file, whatever it is asked', () => {
    fc.assert(
      fc.property(
        fc.record({
          sizeBytes: fc.oneof(
            fc.integer({ min: 0, max: 200 * MiB }),
            fc.maxSafeInteger().map((n) => Math.abs(n) % s3Limits.maxObjectBytes),
          ),
          bandwidthBytesPerSecond: fc.option(fc.integer({ min: 1, max: 20e9 })),
          memoryBytes: fc.integer({ min: 32 * MiB, max: 64 * GiB }),
          maxConnections: fc.integer({ min: 1, max: 250 }),
          partSizeBytes: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 5 * MiB, max: 5 * GiB })),
        }),
        (input) => {
          const { strategy, partSizeBytes, partCount, concurrency } = planUpload(input);
          expect(concurrency).toBeGreaterThanOrEqual(1);
          expect(concurrency).toBeLessThanOrEqual(input.maxConnections);
          if (strategy === 'put') {
            expect(input.sizeBytes).toBeLessThanOrEqual(s3Limits.maxPutBytes);
            return;
          }
          expect(partSizeBytes).toBeGreaterThanOrEqual(s3Limits.minPartBytes);
          expect(partSizeBytes).toBeLessThanOrEqual(s3Limits.maxPartBytes);
          expect(partCount).toBeLessThanOrEqual(s3Limits.maxParts);
          expect(partCount * partSizeBytes).toBeGreaterThanOrEqual(input.sizeBytes);
          expect((partCount - 1) * partSizeBytes).toBeLessThan(Math.max(1, input.sizeBytes));
        },
      ),
    );
  });
});
