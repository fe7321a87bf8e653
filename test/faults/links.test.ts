import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../shared/units.ts';
import type { LinkStats, ShapedLinkOptions } from '../support/shapedLink.ts';
import { type ShapedLinkProcess, spawnShapedLink } from '../support/shapedLinkProcess.ts';
import { type FaultPlace, full, openFaultPlace } from './faultPlace.ts';

const rate = 12_500_000;
const link = { upBytesPerSecond: rate, rttMs: 100 };

/* What a line of 100 Mbit/s and 100 ms is used to. They wait for the line, not for the machine: all at once. */
describe.concurrent('a line of 100 Mbit/s and 100 ms', () => {
  it('is used to 95 % by one large file within 10 s of a cold start', { timeout: 180_000 }, async () => {
    await withLink(link, async (place, line) => {
      await place.write('large', (full ? 512 : 160) * MiB);
      const end = await place.run(line.url).ended;
      const use = useOf(await line.stats(), rate);
      say('one large file', use, end.loopDelayP99Ms);
      expect(end.summary, end.stderr).toMatchObject({ exitCode: 0, filesFailed: 0 });
      expect(await place.differences()).toEqual([]);
      expect(use.reachedAfter(0.95)).toBeLessThanOrEqual(10_000);
      expect(end.summary!.bytesSent / end.summary!.bytesUploaded, 'sent twice').toBeLessThan(1.02);
    });
  });

  it('is used to 85 % by 1,000 files of 100 KiB within 10 s of a cold start', { timeout: 180_000 }, async () => {
    await withLink(link, async (place, line) => {
      await place.fill('small', full ? 4000 : 1000, 100 * KiB);
      const end = await place.run(line.url).ended;
      const use = useOf(await line.stats(), rate);
      say('1,000 files', use, end.loopDelayP99Ms);
      expect(end.summary, end.stderr).toMatchObject({ exitCode: 0, filesFailed: 0 });
      expect(await place.differences()).toEqual([]);
      expect(use.reachedAfter(0.85)).toBeLessThanOrEqual(10_000);
      expect(end.summary!.bytesSent / end.summary!.bytesUploaded, 'sent twice').toBeLessThan(1.02);
    });
  });

  it('may drop to a tenth and come back: it is followed both ways within 15 s, and no file fails', {
    timeout: 240_000,
  }, async () => {
    await withLink(link, async (place, line) => {
      await place.write('large', (full ? 384 : 160) * MiB);
      await place.fill('small', full ? 1000 : 200, 100 * KiB);
      const run = place.run(line.url);
      await sleep(full ? 10_000 : 5_000);
      const droppedAt = (await line.stats()).elapsedMs;
      await line.set({ upBytesPerSecond: rate / 10 });
      await sleep(full ? 30_000 : 10_000);
      const backAt = (await line.stats()).elapsedMs;
      await line.set({ upBytesPerSecond: rate });
      const end = await run.ended;
      const stats = await line.stats();
      const narrow = useOf(stats, rate / 10, droppedAt, backAt);
      const wide = useOf(stats, rate, backAt);
      say('at a tenth', narrow, end.loopDelayP99Ms);
      say('and back', wide, end.loopDelayP99Ms);
      expect(end.summary, end.stderr).toMatchObject({ exitCode: 0, filesFailed: 0 });
      expect(await place.differences()).toEqual([]);
      expect(narrow.reachedAfter(0.9)).toBeLessThanOrEqual(15_000);
      expect(wide.reachedAfter(0.9)).toBeLessThanOrEqual(15_000);
      // What a narrow line takes long for is not lost: hardly anything is sent twice.
      expect(end.summary!.bytesSent / end.summary!.bytesUploaded, 'sent twice').toBeLessThan(1.05);
    });
  });
});

async function withLink(
  options: Omit<ShapedLinkOptions, 'target'>,
  body: (place: FaultPlace, line: ShapedLinkProcess) => Promise<void>,
): Promise<void> {
  const place = await openFaultPlace();
  const line = await spawnShapedLink({ ...options, target: place.server.endpoint });
  try {
    await body(place, line);
  } finally {
    await place.close();
    await line.close();
  }
}

interface LinkUse {
  /** Of the line's rate, from the first byte to the last. */
  readonly overall: number;
  /** ms from the first byte until from then on to the end the line was used to this; at least 2 s are left after it. Infinity: never. */
  reachedAfter(share: number): number;
}

/** From tenths of a second: when data flowed, without the last half second, in which a run ends. */
function useOf(
  { upPer100Ms }: LinkStats,
  bytesPerSecond: number,
  fromMs = 0,
  untilMs = Number.POSITIVE_INFINITY,
): LinkUse {
  const span = upPer100Ms.slice(Math.ceil(fromMs / 100), Math.min(upPer100Ms.length, Math.floor(untilMs / 100)));
  const first = span.findIndex((bytes) => bytes > 0);
  const until =
    span.findLastIndex((bytes) => bytes > bytesPerSecond / 100) + 1 - (untilMs < Number.POSITIVE_INFINITY ? 0 : 5);
  const use = (from: number): number =>
    span.slice(from, until).reduce((sum, bytes) => sum + bytes, 0) / ((until - from) * 0.1 * bytesPerSecond);
  return {
    overall: use(first),
    reachedAfter: (share) => {
      for (let from = first; until - from >= 20; from++) if (use(from) >= share) return (from - first) * 100;
      return Number.POSITIVE_INFINITY;
    },
  };
}

function say(name: string, use: LinkUse, loopDelayP99Ms: number | null): void {
  const seconds = [0.85, 0.9, 0.95].map(
    (share) => `${share * 100} % after ${(use.reachedAfter(share) / 1000).toFixed(1)} s`,
  );
  process.stdout.write(
    `  ${name}: ${(use.overall * 100).toFixed(1)} % overall, ${seconds.join(', ')}; loop delay p99 ${loopDelayP99Ms?.toFixed(1)} ms\n`,
  );
}
