import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../shared/units.ts';
import { startFaultProxy } from '../support/faultProxy.ts';
import { seededRandom } from '../support/faultProxyRules.ts';
import { spawnShapedLink } from '../support/shapedLinkProcess.ts';
import { full, openFaultPlace } from './faultPlace.ts';

const seed = Number(process.env.SLUICE_SEED ?? 11);

describe('a line on which 0.5 % of connections are reset', () => {
  it('costs less than 1 % retries, 2 % bytes and 5 s for a part', { timeout: 240_000 }, async () => {
    const place = await openFaultPlace();
    // Of requests, which is harsher than of connections: each is kept for many requests.
    const random = seededRandom(seed);
    const cuts = Array.from({ length: 5 }, () => ({
      match: { operation: /PutObject|UploadPart/, probability: 0.001 },
      fault: { kind: 'resetAfterBytes' as const, bytes: Math.floor(random() * 5 * MiB) },
    }));
    const proxy = await startFaultProxy({ target: place.server.endpoint, seed, rules: cuts });
    // Half a gigabit and 40 ms: a line on which a part is quick.
    const line = await spawnShapedLink({
      target: proxy.url,
      upBytesPerSecond: 62_500_000,
      rttMs: 40,
      resets: { perConnection: 0.005 },
    });
    try {
      await place.fill('small', full ? 5000 : 1500, 20 * KiB);
      await place.fill('middle', full ? 200 : 60, 1 * MiB);
      // A hundred parts of the smallest size: so few bytes each that no single cut decides over the 2 %.
      await place.write('large', (full ? 1024 : 512) * MiB);
      const end = await place.run(line.url, '--part-size', '5MiB').ended;
      const { summary } = end;
      const data = summary!.requests.PutObject! + (summary!.requests.UploadPart ?? 0);
      const extra = summary!.bytesSent / summary!.bytesUploaded - 1;
      process.stdout.write(
        `  ${data} requests, ${proxy.hits.reduce((sum, hits) => sum + hits, 0)} cut: ${summary!.retries} retries (${((summary!.retries / data) * 100).toFixed(2)} %), ${(extra * 100).toFixed(2)} % more bytes, part p99 ${summary!.partLatencyMs.p99} ms (seed ${seed})\n`,
      );
      expect(summary, end.stderr).toMatchObject({ exitCode: 0, filesFailed: 0 });
      expect(await place.differences()).toEqual([]);
      expect(summary!.retries / data).toBeLessThan(0.01);
      expect(extra).toBeLessThan(0.02);
      // What the server got tells whether the summary is honest.
      const received = place.server.requests.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
      expect(received / summary!.bytesUploaded - 1).toBeLessThan(0.02);
      expect(summary!.partLatencyMs.p99).toBeLessThan(5000);
    } finally {
      await place.close();
      await line.close();
      await proxy.close();
    }
  });
});
