import { expect, it } from 'vitest';
import { full, openFaultPlace } from './faultPlace.ts';

it('a store that answers SlowDown above 200 requests/s gets every file, and refuses fewer than 3 % of what is asked', {
  timeout: 180_000,
}, async () => {
  const limit = 200;
  const place = await openFaultPlace({ maxRequestsPerSecond: limit });
  try {
    const count = full ? 10_000 : 2_500;
    await place.fill('many', count, 2000);
    const end = await place.run(place.server.endpoint).ended;
    const refused = place.server.requests.filter(({ status }) => status === 503).length;
    const share = refused / place.server.requests.length;
    process.stdout.write(
      `  ${count} files at ${limit}/s: ${(end.durationMs / 1000).toFixed(1)} s (${((count / limit / end.durationMs) * 1e5).toFixed(0)} % of the rate), ${(share * 100).toFixed(2)} % refused; loop delay p99 ${end.loopDelayP99Ms?.toFixed(1)} ms\n`,
    );
    expect(end.summary, end.stderr).toMatchObject({ exitCode: 0, filesFailed: 0, filesUploaded: count });
    expect(await place.differences()).toEqual([]);
    expect(share).toBeLessThan(0.03);
    // Careful isn't slow: at least half of what the store would take.
    expect(end.durationMs).toBeLessThan((count / limit) * 2 * 1000);
  } finally {
    await place.close();
  }
});
