import fc from 'fast-check';
import { expect, it } from 'vitest';
import { criticalMetrics } from '../../../main/engine/insight/criticalMetrics.ts';
import { createLatencyHistogram } from '../../../main/engine/insight/latencyHistogram.ts';

const input = (more: { uploaded?: number; failed?: number; retries?: number; requests?: number; ms?: number[] }) => {
  const histogram = createLatencyHistogram();
  for (const ms of more.ms ?? []) histogram.record(ms / 1000);
  return {
    filesUploaded: more.uploaded ?? 0,
    filesFailed: more.failed ?? 0,
    retries: more.retries ?? 0,
    requests: more.requests ?? 0,
    latency: histogram.reading(),
  };
};
const named = (name: string, given: Parameters<typeof input>[0]) =>
  criticalMetrics(input(given)).find((metric) => metric.name === name);

it('nothing is claimed before anything happened', () => expect(criticalMetrics(input({}))).toEqual([]));

it("the mission's reference results meet the targets, and what is worse than the targets does not", () => {
  expect(named('success', { uploaded: 19_999, failed: 1 })).toMatchObject({ met: true });
  expect(named('success', { uploaded: 9_999, failed: 1 })).toMatchObject({ met: false });
  expect(named('retry', { requests: 1_000, retries: 8 })).toMatchObject({ met: true });
  expect(named('retry', { requests: 1_000, retries: 10 })).toMatchObject({ met: false });
  const fast: number[] = new Array(199).fill(3_800);
  expect(named('part_latency', { ms: [...fast, 9_000] })).toMatchObject({ met: true });
  expect(named('part_latency', { ms: [...fast, 9_000, 9_000, 9_000] })).toMatchObject({ met: false });
});

it('one failure more never leaves more of the error budget, and a budget is left just as long as the target is met', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.nat(1_000), (uploaded, failed) => {
      const more = named('success', { uploaded, failed: failed + 1 })!;
      expect(more.met).toBe(more.budgetLeft > 0);
      const before = named('success', { uploaded, failed });
      if (before) expect(more.budgetLeft).toBeLessThanOrEqual(before.budgetLeft);
    }),
  );
});
