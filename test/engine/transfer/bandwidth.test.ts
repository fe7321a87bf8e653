import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { bandwidthOver, newBandwidthMemory } from '../../../main/engine/transfer/bandwidth.ts';
import { KiB, MiB } from '../../../shared/units.ts';

const never = new AbortController().signal;

describe('the bandwidth limit', () => {
  it('is one for all threads together, within 5 %', async () => {
    const memory = newBandwidthMemory();
    bandwidthOver(memory).setLimit(8 * MiB);
    const source = new URL('../../../main/engine/transfer/bandwidth.ts', import.meta.url).href;
    const body = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { bandwidthOver } = await import(${JSON.stringify(source)});
      const bandwidth = bandwidthOver(workerData);
      const signal = new AbortController().signal;
      let bytes = 0;
      const end = Date.now() + 3000;
      while (Date.now() < end) { await bandwidth.admit(128 * 1024, signal); bytes += 128 * 1024; }
      parentPort.postMessage(bytes);`;
    const startedAt = performance.now();
    const workers = [0, 1, 2].map(
      () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(body)}`), { workerData: memory }),
    );
    const totals = await Promise.all(workers.map(async (worker) => ((await once(worker, 'message')) as [number])[0]));
    // What the virtual clock allowed: from the first admission on, plus the burst and the last chunk of each thread.
    const seconds = (performance.now() - startedAt) / 1000;
    const total = totals.reduce((sum, bytes) => sum + bytes, 0);
    expect(total).toBeLessThanOrEqual(8 * MiB * (seconds + 0.05) * 1.05 + 3 * 128 * KiB);
    expect(total).toBeGreaterThanOrEqual(8 * MiB * 3 * 0.9);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it('lets everything pass when there is none, and can be changed while it runs', async () => {
    const bandwidth = bandwidthOver(newBandwidthMemory());
    const startedAt = performance.now();
    for (let i = 0; i < 1000; i++) await bandwidth.admit(1 * MiB, never);
    expect(performance.now() - startedAt).toBeLessThan(2000);
    bandwidth.setLimit(100 * KiB);
    await bandwidth.admit(100 * KiB, never);
    const limitedAt = performance.now();
    await bandwidth.admit(10 * KiB, never);
    expect(performance.now() - limitedAt).toBeGreaterThan(500);
  });

  it('lets those who wait already go when it is lifted', async () => {
    const bandwidth = bandwidthOver(newBandwidthMemory());
    bandwidth.setLimit(1 * KiB);
    await bandwidth.admit(100 * KiB, never);
    const waiting = bandwidth.admit(100 * KiB, never);
    const liftedAt = performance.now();
    bandwidth.setLimit(null);
    await waiting;
    expect(performance.now() - liftedAt).toBeLessThan(5000);
  });

  it('is not used up by what was aborted while it waited', async () => {
    const bandwidth = bandwidthOver(newBandwidthMemory());
    bandwidth.setLimit(100 * KiB);
    await bandwidth.admit(1 * KiB, never);
    const abort = new AbortController();
    const aborted = Array.from({ length: 40 }, () => bandwidth.admit(1 * MiB, abort.signal));
    abort.abort();
    expect((await Promise.allSettled(aborted)).filter(({ status }) => status === 'rejected').length).toBeGreaterThan(
      37,
    );
    const startedAt = performance.now();
    await bandwidth.admit(1 * KiB, never);
    expect(performance.now() - startedAt).toBeLessThan(25_000);
  });

  it('keeps a slow limit smooth with small chunks', () => {
    const bandwidth = bandwidthOver(newBandwidthMemory());
    expect(bandwidth.chunkBytes(512 * KiB)).toBe(512 * KiB);
    bandwidth.setLimit(1 * MiB);
    expect(bandwidth.chunkBytes(512 * KiB)).toBeLessThanOrEqual(64 * KiB);
    bandwidth.setLimit(1);
    expect(bandwidth.chunkBytes(512 * KiB)).toBe(4 * KiB);
  });
});
