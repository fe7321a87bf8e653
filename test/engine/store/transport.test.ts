import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { extraPatience } from '../../../main/engine/store/stallSweep.ts';
import type { StoreBody } from '../../../main/engine/store/store.ts';
import { asObjectKey, asS3UploadId } from '../../../shared/ids.ts';
import { type CannedOptions, type CannedServer, sendError, startCannedServer } from './cannedServer.ts';
import { bodyOf, crc32Of, failure, metadata, openStore, policy, streamBody, type TestStore } from './testStore.ts';

const MiB = 1024 * 1024;
const fixture = (name: string): string => new URL(`fixtures/${name}`, import.meta.url).pathname;
const tls = {
  key: readFileSync(fixture('localhost.key'), 'utf8'),
  cert: readFileSync(fixture('localhost.pem'), 'utf8'),
};
const key = asObjectKey('file');
const uploadId = asS3UploadId('upload');

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(answer: Parameters<typeof startCannedServer>[0], options?: CannedOptions): Promise<CannedServer> {
  const server = await startCannedServer(answer, options);
  closers.push(() => server.close());
  return server;
}
function open(...args: Parameters<typeof openStore>): TestStore {
  const opened = openStore(...args);
  closers.push(() => opened.store.close());
  return opened;
}

/** A body that makes its bytes up as they are pulled. */
function generated(length: number, chunk = Buffer.alloc(MiB, 'x')): Readable {
  let left = length;
  return new Readable({
    read() {
      const bytes = chunk.subarray(0, Math.min(left, chunk.length));
      left -= bytes.length;
      this.push(bytes.length === 0 ? null : bytes);
    },
  });
}

describe('connections', () => {
  for (const [name, options] of [
    ['plain HTTP', {}],
    ['TLS', { tls }],
  ] as const) {
    it(`sends many parts one after the other over one connection, without Expect (${name})`, async () => {
      const expects: unknown[] = [];
      const server = await serve((req, res) => {
        expects.push(req.headers.expect);
        res.writeHead(200, { etag: '"e"' }).end();
      }, options);
      const { store } = open(server.endpoint, { connection: { caBundlePath: fixture('ca.pem') } });
      for (let partNumber = 1; partNumber <= 6; partNumber++) {
        const body = partNumber % 2 ? bodyOf(Buffer.alloc(3 * MiB)) : streamBody(generated(3 * MiB), 3 * MiB);
        await store.uploadPart({ key, uploadId, partNumber, body });
      }
      expect(server.connections()).toBe(1);
      expect(expects).toEqual(Array(6).fill(undefined));
    });
  }

  it('a connection that slept longer than the server keeps it is not used again', async () => {
    const server = await serve((_req, res) => res.writeHead(200, { etag: '"e"' }).end());
    const { store } = open(server.endpoint);
    const body = bodyOf(Buffer.from('x'));
    await store.putObject({ key, body, policy, metadata });
    await store.putObject({ key, body, policy, metadata });
    expect(server.connections()).toBe(1);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 10_000);
    await store.putObject({ key, body, policy, metadata });
    vi.restoreAllMocks();
    expect(server.connections()).toBe(2);
  });

  it('stops sending a body that was refused', async () => {
    let received = 0;
    const server = await serve(
      (req, res) => {
        req.on('data', (chunk: Buffer) => {
          received += chunk.length;
          // slow enough for the refusal to overtake the body
          req.pause();
          setTimeout(() => req.resume(), 5);
        });
        sendError(res, 403, 'AccessDenied');
      },
      { readBody: false },
    );
    const { store } = open(server.endpoint);
    const stream = generated(256 * MiB);
    const error = await failure(
      store.uploadPart({ key, uploadId, partNumber: 1, body: streamBody(stream, 256 * MiB) }),
    );
    expect(error.code).toBe('access-denied');
    expect(received).toBeLessThan(64 * MiB);
  });

  it('an abort ends the request at once and says interrupted', async () => {
    const server = await serve(() => undefined);
    const { store } = open(server.endpoint);
    const abort = new AbortController();
    const stream = generated(8 * MiB);
    const sent = failure(
      store.putObject({ key, body: streamBody(stream, 8 * MiB), policy, metadata, signal: abort.signal }),
    );
    await sleep(50);
    abort.abort();
    expect((await sent).code).toBe('interrupted');
  });

  it('close() ends what is under way, and nothing is sent afterwards', async () => {
    const server = await serve(() => undefined);
    const { store } = open(server.endpoint);
    const listing = failure(store.listBuckets());
    while (server.requests.length === 0) await sleep(5);
    store.close();
    expect((await listing).code).toBe('interrupted');
    expect((await failure(store.listBuckets())).code).toBe('interrupted');
    expect(server.requests).toHaveLength(1);
  });

  it('an error of the source travels as it is, and is not taken for one of the store', async () => {
    const server = await serve((_req, res) => res.end());
    const { store } = open(server.endpoint);
    const stream = new Readable({
      read() {
        this.destroy(new Error('disk gone'));
      },
    });
    const error = await failure(store.putObject({ key, body: streamBody(stream, MiB), policy, metadata }));
    expect(error.message).toContain('disk gone');
  });
});

describe('bodies', () => {
  it('a pump that stops short of the length it announced is an error, not a shorter object', async () => {
    const server = await serve((_req, res) => void res.writeHead(200, { etag: '"e"' }).end());
    const { store } = open(server.endpoint);
    const body: StoreBody = {
      kind: 'pumped',
      length: 5,
      checksum: { placement: 'header', checksum: crc32Of(Buffer.from('bytes')) },
      pump: async (destination) => void destination.write(Buffer.from('byt')),
    };
    expect((await failure(store.putObject({ key, body, policy, metadata }))).message).toContain(
      'less bytes than the 5',
    );
  });

  it('a 256 MiB part streams through without growing the process, unhashed and unwrapped', async () => {
    let bytes = 0;
    let headers: Record<string, unknown> = {};
    const server = await serve(
      (req, res) => {
        headers = req.headers;
        req.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        req.on('end', () => res.writeHead(200, { etag: '"e"' }).end());
      },
      { readBody: false },
    );
    const { store } = open(server.endpoint);
    await store.uploadPart({ key, uploadId, partNumber: 1, body: streamBody(generated(16 * MiB), 16 * MiB) });
    bytes = 0;
    const before = process.memoryUsage.rss();
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 5);
    await store.uploadPart({ key, uploadId, partNumber: 2, body: streamBody(generated(256 * MiB), 256 * MiB) });
    clearInterval(timer);
    expect(bytes).toBe(256 * MiB);
    expect(Math.max(peak, process.memoryUsage.rss()) - before).toBeLessThan(96 * MiB);
    expect(headers).toMatchObject({ 'content-length': String(256 * MiB), 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' });
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect(headers).not.toHaveProperty('content-encoding');
    expect(headers).not.toHaveProperty('x-amz-trailer');
  });
});

describe('time-outs are about progress', () => {
  it('a slow upload that moves is never cut', async () => {
    const server = await serve(
      (req, res) => {
        // a buffer's worth each 10 ms: several times the stall time-out in all
        const timer = setInterval(() => {
          req.read();
        }, 10);
        req.on('end', () => {
          clearInterval(timer);
          res.writeHead(200, { etag: '"e"' }).end();
        });
        req.on('close', () => clearInterval(timer));
      },
      { readBody: false },
    );
    const { store } = open(server.endpoint, { stallTimeoutMs: 500 });
    const startedAt = performance.now();
    const sent = await Promise.all([
      store.uploadPart({ key, uploadId, partNumber: 1, body: bodyOf(Buffer.alloc(16 * MiB)) }),
      store.uploadPart({ key, uploadId, partNumber: 2, body: streamBody(generated(16 * MiB), 16 * MiB) }),
    ]);
    expect(sent.map(({ etag }) => etag)).toEqual(['e', 'e']);
    expect(performance.now() - startedAt).toBeGreaterThan(1000);
  });

  it('a slow answer that moves is never cut', async () => {
    const server = await serve((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/xml' });
      let spaces = 0;
      const timer = setInterval(() => {
        if (++spaces <= 12) return void res.write(' ');
        clearInterval(timer);
        res.end('<CompleteMultipartUploadResult><ETag>"done-1"</ETag></CompleteMultipartUploadResult>');
      }, 100);
    });
    const { store } = open(server.endpoint, { stallTimeoutMs: 500 });
    const done = await store.completeMultipartUpload({ key, uploadId, parts: [], sizeBytes: 0, checksum: null });
    expect(done.etag).toBe('done-1');
  });

  it('a server that stops reading fails the part with store-timeout, once', async () => {
    const server = await serve(() => undefined, { readBody: false });
    const { store, counts } = open(server.endpoint, { stallTimeoutMs: 200 });
    for (const body of [bodyOf(Buffer.alloc(32 * MiB)), streamBody(generated(32 * MiB), 32 * MiB)]) {
      const error = await failure(store.uploadPart({ key, uploadId, partNumber: 1, body }));
      expect(error).toMatchObject({ code: 'store-timeout', retryable: true });
      expect(error.details.operation).toBe('UploadPart');
    }
    expect(counts).toEqual({ UploadPart: 2 });
  });

  it('a server that never answers, or stops in the middle of an answer, is asked three times', async () => {
    const server = await serve((req, res) => {
      if (req.url?.includes('list-type')) res.writeHead(200, { 'content-length': '1000' }).write('<ListBucketResult>');
    });
    const { store, counts } = open(server.endpoint, { stallTimeoutMs: 150 });
    const [silent, half] = await Promise.all([
      failure(store.listBuckets()),
      failure(store.listObjects('')[Symbol.asyncIterator]().next()),
    ]);
    expect(silent.code).toBe('store-timeout');
    expect(half.code).toBe('store-timeout');
    expect(counts).toEqual({ ListBuckets: 3, ListObjectsV2: 3 });
  });

  it('gives what the kernel may still hold the time it needs at the pace seen, within bounds', () => {
    expect(extraPatience(0, 0, 60_000)).toBe(0);
    // nothing known of the link yet
    expect(extraPatience(64_000, 5, 60_000)).toBe(1000);
    expect(extraPatience(16 * MiB, 5, 1_000)).toBe(1_000);
    // 48 MiB beyond the buffers in 240 s: 200 KiB/s, so 16 MiB take 80 s more
    expect(extraPatience(64 * MiB, 240_000, 60_000)).toBeCloseTo(80_000, -2);
    expect(extraPatience(64 * MiB, 480, 60_000)).toBeLessThan(200);
    expect(extraPatience(64 * MiB, 480_000, 1_000)).toBe(3_000);
  });
});

describe('an endpoint that is not there', () => {
  it('names a host that cannot be found', async () => {
    const { store } = open('http://no-such-host.invalid:9000', { connection: { pathStyle: true } });
    const error = await failure(store.listBuckets());
    expect(error.code).toBe('store-dns');
    expect(error.message).toContain('no-such-host.invalid');
  });

  it('names a refused connection', async () => {
    const server = await serve(() => undefined);
    await server.close();
    const { store, counts } = open(server.endpoint);
    const error = await failure(store.putObject({ key, body: bodyOf(Buffer.from('x')), policy, metadata }));
    expect(error).toMatchObject({ code: 'store-unreachable', retryable: true });
    expect(error.message).toContain(server.endpoint);
    expect(counts).toEqual({ PutObject: 1 });
  });

  it('an answer cut off in the middle is a broken connection, not a half truth', async () => {
    const server = await serve((_req, res) => {
      res.writeHead(200, { 'content-length': '1000', etag: '"e"' });
      res.write('x');
      setTimeout(() => res.destroy(), 20);
    });
    const { store } = open(server.endpoint);
    expect((await failure(store.putObject({ key, body: bodyOf(Buffer.from('x')), policy, metadata }))).code).toBe(
      'store-unreachable',
    );
  });

  it('something that is not HTTP is named as such', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('SSH-2.0-OpenSSH\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { store } = open(`http://127.0.0.1:${port}`);
    const error = await failure(store.listBuckets());
    expect(error).toMatchObject({ code: 'store-unreachable', retryable: false });
  });
});

describe('TLS', () => {
  const ok: Parameters<typeof startCannedServer>[0] = (_req, res) => res.writeHead(200, { etag: '"e"' }).end();
  const put = (endpoint: string, connection: Parameters<typeof openStore>[1] = {}) =>
    open(endpoint, connection).store.putObject({ key, body: bodyOf(Buffer.from('x')), policy, metadata });

  it('refuses an unknown authority, accepts it from the CA bundle, or unchecked on loopback', async () => {
    const server = await serve(ok, { tls });
    const error = await failure(put(server.endpoint));
    expect(error).toMatchObject({ code: 'store-tls', retryable: false });
    expect(error.message).toContain('authority');
    expect((await put(server.endpoint, { connection: { caBundlePath: fixture('ca.pem') } })).etag).toBe('e');
    expect((await put(server.endpoint, { connection: { verifyTls: false } })).etag).toBe('e');
  });

  it('names an expired certificate', async () => {
    const server = await serve(ok, { tls: { key: tls.key, cert: readFileSync(fixture('expired.pem'), 'utf8') } });
    const error = await failure(put(server.endpoint, { connection: { caBundlePath: fixture('ca.pem') } }));
    expect(error.code).toBe('store-tls');
    expect(error.message).toContain('expired');
  });

  it('names a port that speaks no TLS', async () => {
    const server = await serve(ok);
    const error = await failure(put(server.endpoint.replace('http:', 'https:')));
    expect(error.code).toBe('store-tls');
    expect(error.message).toContain('does not speak TLS');
  });

  it('an unreadable CA bundle, or one without a certificate, is a bad setting', () => {
    for (const caBundlePath of ['/no/such/file.pem', fixture('localhost.key')]) {
      expect(() => open('https://127.0.0.1:1', { connection: { caBundlePath } })).toThrow(
        expect.objectContaining({ code: 'bad-settings' }),
      );
    }
  });
});
