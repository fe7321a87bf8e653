import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  awsPrices,
  type BenchMatrix,
  cellNeeds,
  fullMatrix,
  planBench,
  shuffled,
} from '../../../main/engine/plan/benchPlan.ts';
import { candidateOf, hopeless, samplesFor, verdictOf } from '../../../main/engine/plan/benchVerdict.ts';
import type { BenchCellResult } from '../../../shared/bench.ts';
import { GiB, MiB } from '../../../shared/units.ts';

const unlimited = { bytes: Number.MAX_SAFE_INTEGER, dollars: null };
const full: BenchMatrix = { ...fullMatrix, accelerated: false };

describe('The plan of a benchmark', () => {
  it('has every size of the mission, and only cells that differ', () => {
    const { sizes } = planBench(full, unlimited, awsPrices);
    expect(sizes.map(({ sizeBytes }) => sizeBytes)).toEqual(fullMatrix.sizes);
    for (const { cells } of sizes) expect(new Set(cells.map((cell) => JSON.stringify(cell))).size).toBe(cells.length);
    // A file smaller than any part is one PutObject, whatever the part size: only connections are left, 25 files at once at most.
    expect(sizes[0]!.cells.slice(1)).toEqual(
      [10, 25, 50, 100, 200].map((connections) => ({
        kind: 'pinned',
        strategy: 'put',
        partSizeBytes: 0,
        connections,
        accelerated: false,
      })),
    );
    expect(sizes[0]!.merged).toContain('64.0 MiB parts with 10 connections is the same as one PutObject with 10');
    // One 10 GiB file never has more than 20 parts in flight.
    expect(
      sizes
        .at(-1)!
        .cells.slice(1)
        .map(({ partSizeBytes, connections }) => [partSizeBytes / MiB, connections]),
    ).toEqual([16, 64, 128, 256].flatMap((part) => [10, 20].map((connections) => [part, connections])));
  });

  it('runs each cell both ways where the bucket takes accelerated uploads, and reckons with the premium', () => {
    const plain = planBench({ ...full, sizes: [1 * GiB] }, unlimited, awsPrices);
    const both = planBench({ ...full, sizes: [1 * GiB], accelerated: true }, unlimited, awsPrices);
    expect(both.sizes[0]!.cells.length - 1).toBe(2 * (plain.sizes[0]!.cells.length - 1));
    const [cell] = both.sizes[0]!.cells.filter(({ accelerated }) => accelerated);
    const premium =
      cellNeeds(both.sizes[0]!, cell!, awsPrices).dollars! -
      cellNeeds(both.sizes[0]!, { ...cell!, accelerated: false }, awsPrices).dollars!;
    expect(premium).toBeCloseTo(0.04, 9);
  });

  it('never plans more than the budget, and says what a size that was left out would take', () => {
    const matrix = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 2 * GiB }), { minLength: 1, maxLength: 5 }),
      partSizes: fc.array(fc.integer({ min: 5 * MiB, max: 256 * MiB }), { minLength: 1, maxLength: 4 }),
      concurrency: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }),
      iterations: fc.integer({ min: 2, max: 8 }),
      sampleBytes: fc.integer({ min: 1, max: 512 * MiB }),
      accelerated: fc.boolean(),
    });
    const budget = fc.record({
      bytes: fc.integer({ min: 0, max: 100 * GiB }),
      dollars: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    });
    fc.assert(
      fc.property(matrix, budget, (given, limit) => {
        const { needs, sizes, left } = planBench(given, limit, awsPrices);
        expect(needs.bytes).toBeLessThanOrEqual(limit.bytes);
        if (limit.dollars !== null) expect(needs.dollars!).toBeLessThanOrEqual(limit.dollars);
        expect(sizes.length + left.length).toBe(new Set(given.sizes).size);
        for (const { cells, sizeBytes } of sizes)
          for (const { strategy, partSizeBytes } of cells)
            if (strategy === 'multipart') expect(Math.ceil(sizeBytes / partSizeBytes)).toBeLessThanOrEqual(10_000);
      }),
      { numRuns: 200 },
    );
  });

  it('shuffles by the seed: the same again, nothing lost, and every place about equally often', () => {
    const firsts = new Map<number, number>();
    for (let seed = 0; seed < 3000; seed++) {
      const order = shuffled([0, 1, 2, 3, 4, 5], seed);
      expect(order.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
      expect(shuffled([0, 1, 2, 3, 4, 5], seed)).toEqual(order);
      firsts.set(order[0]!, (firsts.get(order[0]!) ?? 0) + 1);
    }
    for (const count of firsts.values()) expect(Math.abs(count - 500)).toBeLessThan(120);
  });
});

describe('The verdict of a benchmark', () => {
  const cell = (
    kind: 'default' | 'pinned',
    partSizeBytes: number,
    connections: number | null,
    rates: number[],
  ): BenchCellResult => ({
    cell: { kind, strategy: 'multipart', partSizeBytes, connections, accelerated: false },
    ...{ rates, interval: null, stopped: null },
  });
  const standard = cell('default', 64 * MiB, null, [100e6, 101e6, 99e6, 100e6]);

  it('gives up a cell that is slower than the best beyond doubt, with the figures, and never the default', () => {
    const fast = cell('pinned', 16 * MiB, 10, [200e6, 201e6, 199e6]);
    const slow = cell('pinned', 64 * MiB, 1, [50e6, 51e6, 50e6]);
    const unsure = cell('pinned', 64 * MiB, 2, [50e6, 250e6]);
    const all = [standard, fast, slow, unsure];
    expect(hopeless(slow, all)).toMatch(/^at most .*MiB\/s, while the best gives at least/);
    for (const one of [standard, fast, unsure]) expect(hopeless(one, all)).toBeNull();
  });

  it('recommends only what the engine would then do, and only beyond the noise', () => {
    const fast = cell('pinned', 16 * MiB, 12, [200e6, 201e6, 199e6, 200e6]);
    expect(candidateOf(GiB, [standard, fast])).toBe(fast);
    const samples = samplesFor(GiB, 1, fast, standard);
    const clear = [1, 2, 3, 4].map((at) => ({ standard: 100e6 + at, applied: 180e6 + at * 1e5 }));
    expect(verdictOf(GiB, fast, clear, samples)).toMatchObject({
      kind: 'better',
      partSizeBytes: 16 * MiB,
      connections: 9,
    });
    const noisy = [
      { standard: 100e6, applied: 180e6 },
      { standard: 170e6, applied: 90e6 },
      { standard: 120e6, applied: 150e6 },
    ];
    expect(verdictOf(GiB, fast, noisy, samples)).toEqual({
      kind: 'keep-default',
      sentence: 'no difference measured: keep the default',
    });
    expect(verdictOf(GiB, fast, [], samples)).toMatchObject({ kind: 'keep-default' });
  });

  it('does not recommend for medium files, which have no setting of their own, nor parts the tuner would refuse', () => {
    const put = {
      ...cell('pinned', 0, 10, [200e6, 200e6]),
      cell: { ...standard.cell, kind: 'pinned' as const, strategy: 'put' as const, partSizeBytes: 0, connections: 10 },
    };
    expect(candidateOf(10 * MiB, [standard, put])).toBeNull();
    expect(candidateOf(128 * MiB, [standard, put])).toBeNull();
    expect(candidateOf(128 * MiB, [standard, cell('pinned', 100 * MiB, 2, [300e6, 300e6])])).toBeNull();
  });

  it('of two alike, it recommends neither in at least 19 of 20 benchmarks', () => {
    let wrong = 0;
    let state = 99;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    const rate = (): number => 100e6 * Math.exp(0.2 * (random() + random() + random() - 1.5));
    const fast = cell('pinned', 64 * MiB, 12, [100e6, 100e6, 100e6]);
    const runs = 1000;
    for (let run = 0; run < runs; run++) {
      const pairs = Array.from({ length: 5 }, () => ({ standard: rate(), applied: rate() }));
      if (verdictOf(GiB, fast, pairs, samplesFor(GiB, 1, fast, standard)).kind === 'better') wrong++;
    }
    expect(wrong / runs).toBeLessThan(0.05);
  });
});
