import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../shared/units.ts';
import { full, openFaultPlace } from './faultPlace.ts';

const windowMs = 10_000;
const limit = 4 * MiB;
const seconds = full ? 60 : 13;

/* Measured where it arrives, bytes of files alone. Both wait for the limit, not for the machine: at once. */
describe.concurrent('--max-bandwidth', () => {
  it('holds within 5 % over any 10 s for large files', { timeout: 180_000 }, async () => {
    await within5Percent((place) => place.write('large', limit * seconds));
  });

  it('holds within 5 % over any 10 s for small files', { timeout: 180_000 }, async () => {
    // Smaller ones and the head of each request would count too much: the limit is that of the wire.
    await within5Percent((place) => place.fill('small', (limit * seconds) / (32 * KiB), 32 * KiB));
  });

  it('holds within 5 % over any 10 s for both together', { timeout: 180_000 }, async () => {
    await within5Percent(async (place) => {
      await place.write('large', (limit * seconds) / 2);
      await place.fill('small', (limit * seconds) / 2 / (64 * KiB), 64 * KiB);
    });
  });
});

async function within5Percent(
  fill: (place: Awaited<ReturnType<typeof openFaultPlace>>) => Promise<void>,
): Promise<void> {
  const tenths: number[] = [];
  const startedAt = performance.now();
  const place = await openFaultPlace({
    onBytes: (bytes) => {
      const slot = Math.floor((performance.now() - startedAt) / 100);
      while (tenths.length <= slot) tenths.push(0);
      tenths[slot]! += bytes;
    },
  });
  try {
    await fill(place);
    const end = await place.run(place.server.endpoint, '--max-bandwidth', `${limit / MiB}MiB/s`).ended;
    expect(end.summary, end.stderr).toMatchObject({ exitCode: 0, filesFailed: 0 });
    expect(await place.differences()).toEqual([]);
    const flow = tenths.slice(tenths.findIndex((bytes) => bytes > 0));
    const windows: number[] = [];
    for (let from = 0; from + windowMs / 100 <= flow.length; from++) {
      const bytes = flow.slice(from, from + windowMs / 100).reduce((sum, each) => sum + each, 0);
      windows.push(bytes / (windowMs / 1000) / limit);
    }
    process.stdout.write(
      `  ${windows.length} windows of 10 s: ${(Math.min(...windows) * 100).toFixed(1)}–${(Math.max(...windows) * 100).toFixed(1)} % of the limit; loop delay p99 ${end.loopDelayP99Ms?.toFixed(1)} ms\n`,
    );
    expect(windows.length).toBeGreaterThan(10);
    expect(Math.max(...windows)).toBeLessThan(1.05);
    expect(Math.min(...windows)).toBeGreaterThan(0.95);
  } finally {
    await place.close();
  }
}
