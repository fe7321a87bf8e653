import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../shared/units.ts';
import { openFaultPlace } from './faultPlace.ts';

describe.runIf(process.platform === 'linux')('memory', () => {
  it('large parts on many slow connections stay within 256 MiB, however large the files are', {
    timeout: 120_000,
  }, async () => {
    const slow = await startSlowReader(100);
    const place = await openFaultPlace();
    try {
      // A file has at most 20 parts in flight.
      for (let i = 0; i < 6; i++) await place.write(`huge ${i}`, 8 * GiB, 'sparse');
      const run = place.run(slow.url, '--part-size', '64MiB', '--max-connections', '100');
      const until = performance.now() + 12_000;
      while (slow.open() < 100 && performance.now() < until) await sleep(100);
      await sleep(4000);
      const most = slow.mostOpen();
      run.kill('SIGINT');
      await sleep(500);
      run.kill('SIGINT');
      const end = await run.ended;
      process.stdout.write(`  ${most} parts at once: peak RSS ${(end.peakRssBytes / MiB).toFixed(0)} MiB\n`);
      expect(most, end.stderr).toBeGreaterThanOrEqual(8);
      expect(end.peakRssBytes).toBeLessThan(256 * MiB);
    } finally {
      await place.close();
      await slow.close();
    }
  });
});

/** Takes every part's body at a trickle and never finishes one: the more connections, the more it takes. */
async function startSlowReader(
  wanted: number,
): Promise<{ url: string; open(): number; mostOpen(): number; close(): Promise<void> }> {
  let open = 0;
  let most = 0;
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      request.resume();
      response.end(
        '<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>upload</UploadId></InitiateMultipartUploadResult>',
      );
      return;
    }
    if (request.method !== 'PUT') {
      response.setHeader('x-amz-bucket-region', 'us-east-1');
      // No object is there yet.
      if (request.method === 'HEAD' && request.url?.includes('huge')) response.statusCode = 404;
      const isList = request.method === 'GET';
      response.end(isList ? '<ListMultipartUploadsResult></ListMultipartUploadsResult>' : undefined);
      return;
    }
    most = Math.max(most, ++open);
    response.once('close', () => open--);
    request.on('data', () => {
      // 2 MiB/s each until all are there; the body's end comes fast then no more.
      request.pause();
      setTimeout(() => request.resume(), open < wanted ? 30 : 60);
    });
    request.on('end', () => {
      response.setHeader('etag', '"0123456789abcdef0123456789abcdef"');
      response.end();
    });
    request.on('error', () => undefined);
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => open,
    mostOpen: () => most,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
