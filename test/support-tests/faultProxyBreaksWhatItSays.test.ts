import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, type Rule, startFaultProxy } from '../support/faultProxy.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';

const Bucket = 'b';
let server: S3TestServer;
let proxy: FaultProxy;
let client: S3Client;
let keys = 0;

beforeAll(async () => {
  server = await startS3Server({ buckets: [Bucket] });
  proxy = await startFaultProxy({ target: server.endpoint, seed: 7 });
  client = new S3Client({
    endpoint: proxy.url,
    region: server.region,
    credentials: server,
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: { httpAgent: new Agent({ keepAlive: true, maxSockets: 10 }) },
  });
});
beforeEach(() => {
  proxy.setRules([]);
  server.clearLog();
});
afterAll(async () => {
  client.destroy();
  await proxy.close();
  await server.close();
  await rm(server.dir, { recursive: true, force: true });
});

const put = (Key: string, Body: Buffer | string = 'hello', abortSignal?: AbortSignal) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body }), abortSignal === undefined ? {} : { abortSignal });
const get = async (Key: string) => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from(await Body!.transformToByteArray());
};
const freshKey = () => `key ${keys++}`;

describe('without rules', () => {
  it('passes large bodies both ways unchanged, signatures intact, counting bytes', async () => {
    const [Key, bytes, before] = [freshKey(), randomBytes(9_000_000), proxy.bytes.toServer];
    await put(Key, bytes);
    expect((await get(Key)).equals(bytes)).toBe(true);
    expect(proxy.bytes.toServer - before).toBe(bytes.length);
  });
});

describe('rules', () => {
  it('choose by operation name, number and count', async () => {
    const fault = { kind: 'status', code: 503 } as const;
    proxy.setRules([
      { match: { operation: /PutObject$/, nth: 2 }, fault },
      { match: { method: 'GET', times: 1 }, fault },
    ]);
    const Key = freshKey();
    await put(Key);
    await expect(put(Key)).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    await put(Key);
    await expect(get(Key)).rejects.toMatchObject({ name: 'SlowDown' });
    expect((await get(Key)).toString()).toBe('hello');
    expect(proxy.hits).toEqual([1, 1]);
  });

  it('fall alike for the same seed', async () => {
    const run = async (seed: number) => {
      const other = await startFaultProxy({ target: server.endpoint, seed });
      other.setRules([{ match: { probability: 0.5 }, fault: { kind: 'status', code: 500 } }]);
      const statuses: number[] = [];
      for (let i = 0; i < 24; i++) statuses.push((await fetch(`${other.url}/b/x`)).status);
      await other.close();
      return statuses.join();
    };
    const [first, again, another] = [await run(3), await run(3), await run(4)];
    expect(first).toBe(again);
    expect(first).not.toBe(another);
    expect(first).toContain('500');
    expect(first).toContain('403');
  });
});

describe('faults', () => {
  it('status: Retry-After comes along', async () => {
    proxy.setRules([{ fault: { kind: 'status', code: 503, retryAfterSeconds: 3 } }]);
    const answer = await fetch(`${proxy.url}/b/x`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3']);
    expect(await answer.text()).toContain('<Code>SlowDown</Code>');
  });

  it('latency: the answer comes later, and is right', async () => {
    proxy.setRules([{ fault: { kind: 'latency', ms: 150 } }]);
    const started = performance.now();
    await put(freshKey());
    expect(performance.now() - started).toBeGreaterThan(140);
  });

  it('bandwidth: all connections share one line', async () => {
    proxy.setRules([{ fault: { kind: 'bandwidth', bytesPerSecond: 1_000_000 } }]);
    const started = performance.now();
    await Promise.all([1, 2, 3].map(() => put(freshKey(), randomBytes(200_000))));
    const seconds = (performance.now() - started) / 1000;
    expect(seconds).toBeGreaterThan(0.55);
    expect(seconds).toBeLessThan(6);
  });

  it('resetBeforeRequest: the server hears nothing', async () => {
    proxy.setRules([{ fault: { kind: 'resetBeforeRequest' } }]);
    await expect(put(freshKey())).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    expect(server.requests).toEqual([]);
  });

  it('resetAfterBytes: a body is cut in the middle and nothing is stored', async () => {
    proxy.setRules([{ fault: { kind: 'resetAfterBytes', bytes: 300_000 } }]);
    const Key = freshKey();
    await expect(put(Key, randomBytes(1_000_000))).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNRESET|EPIPE/),
    });
    await expect.poll(() => server.requests.at(-1)?.errorCode).toBe('IncompleteBody');
    expect(server.requests.at(-1)?.bytesReceived).toBeLessThanOrEqual(300_000);
    expect(server.listKeys(Bucket)).not.toContain(Key);
    proxy.setRules([]);
    await put(Key);
  });

  it('loseResponse: it happened, and nobody was told', async () => {
    proxy.setRules([{ fault: { kind: 'loseResponse' } }]);
    const Key = freshKey();
    await expect(put(Key)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await server.readObject(Bucket, Key)).toString()).toBe('hello');
  });

  it('corruptBody: the server notices by the checksum', async () => {
    proxy.setRules([{ fault: { kind: 'corruptBody' } }]);
    await expect(put(freshKey(), randomBytes(300_000))).rejects.toMatchObject({
      name: expect.stringMatching(/BadDigest|XAmzContentSHA256Mismatch/),
    });
  });

  it('truncateResponse: an answer ends early', async () => {
    const Key = freshKey();
    await put(Key, randomBytes(100_000));
    const rules: Rule[] = [{ fault: { kind: 'truncateResponse' } }];
    proxy.setRules(rules);
    await expect(get(Key)).rejects.toThrow();
    await expect(put(freshKey())).rejects.toThrow();
    expect(proxy.hits).toEqual([2]);
  });

  it('stall: no progress until the client gives up, or for the time set', async () => {
    proxy.setRules([{ fault: { kind: 'stall', afterBytes: 100_000 } }]);
    const Key = freshKey();
    await expect(put(Key, randomBytes(500_000), AbortSignal.timeout(400))).rejects.toMatchObject({
      name: 'AbortError',
    });
    // Like a dead line: the server still waits for the rest.
    expect(server.requests).toEqual([]);
    proxy.setRules([{ fault: { kind: 'stall', afterBytes: 100_000, ms: 100 } }]);
    await put(Key, randomBytes(500_000));
  });

  it.each([false, true])('errorIn200: Complete answers 200 and fails (after the effect: %s)', async (afterEffect) => {
    const Key = freshKey();
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' }),
    );
    const part = await client.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' }),
    );
    proxy.setRules([{ match: { operation: /CompleteMultipartUpload/ }, fault: { kind: 'errorIn200', afterEffect } }]);
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
    await expect(
      client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } })),
    ).rejects.toMatchObject({ name: 'InternalError' });
    expect(server.listKeys(Bucket).includes(Key)).toBe(afterEffect);
  });

  it('a refused Expect closes the connection and hides no later request', async () => {
    proxy.setRules([{ fault: { kind: 'status', code: 503 } }]);
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const outgoing = request(`${proxy.url}/b/x`, {
        method: 'PUT',
        headers: { expect: '100-continue', 'content-length': 5 },
      });
      outgoing
        .on('response', (answer) => resolve(answer.resume().headers))
        .on('error', reject)
        .flushHeaders();
    });
    expect(headers.connection).toBe('close');
  });
});
