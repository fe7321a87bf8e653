import { randomBytes } from 'node:crypto';
import { appendFileSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc32Text } from '../../../main/engine/transfer/digest.ts';
import { createSendPool, type SendPool } from '../../../main/engine/transfer/sendPool.ts';
import type { SendJob } from '../../../main/engine/transfer/sendProtocol.ts';
import { asObjectKey, asS3UploadId, asUploadToken } from '../../../shared/ids.ts';
import { ObjectPolicy, StoreConnection } from '../../../shared/settings.ts';
import { sourceIdentity } from '../../../shared/source.ts';
import { KiB, MiB } from '../../../shared/units.ts';
import { type ByteSink, startByteSink } from './byteSink.ts';

let place: string;
let sink: ByteSink;
let pool: SendPool;
const requests: string[] = [];
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'sluice-pool-'));
  requests.length = 0;
});
afterEach(async () => {
  await pool.close();
  await sink.close();
  rmSync(place, { recursive: true });
});

async function open(options: { workers?: number; memoryBytes?: number; discard?: boolean; delayMs?: number } = {}) {
  sink = await startByteSink({ discard: options.discard ?? false, delayMs: options.delayMs ?? 0 });
  pool = createSendPool({
    workers: options.workers ?? 2,
    maxSockets: 250,
    stallTimeoutMs: 60_000,
    memoryBytes: options.memoryBytes ?? 64 * MiB,
    onRequests: (operations) => requests.push(...operations),
  });
  const connection = StoreConnection.parse({ endpointUrl: sink.endpoint, region: 'us-east-1', pathStyle: true });
  pool.addStore('store', { connection, bucket: 'bucket', policy: undefined }, async () => ({
    accessKeyId: 'id',
    secretAccessKey: 'key',
  }));
}

function file(name: string, content: Buffer): string {
  const path = join(place, name);
  writeFileSync(path, content);
  return path;
}

const rangeOf = (path: string, offset: number, length: number) => ({
  path,
  identity: sourceIdentity(lstatSync(path, { bigint: true })),
  offset,
  length,
});

function put(path: string, key: string, overrides: Partial<SendJob & { kind: 'put' }> = {}): SendJob & { kind: 'put' } {
  const { size } = lstatSync(path);
  return {
    kind: 'put',
    store: 'store',
    source: rangeOf(path, 0, size),
    key: asObjectKey(key),
    algorithm: 'crc32',
    policy: ObjectPolicy.parse({}),
    metadata: {
      token: asUploadToken('7e7c2b0e-2f9a-4b4e-9a33-0123456789ab'),
      origin: 'here',
      mtimeMs: 0,
      sizeBytes: size,
    },
    condition: { kind: 'none' },
    placement: 'trailer',
    provenChecksum: null,
    ...overrides,
  };
}

function part(path: string, partNumber: number, partBytes: number): SendJob & { kind: 'part' } {
  const offset = (partNumber - 1) * partBytes;
  return {
    kind: 'part',
    store: 'store',
    source: rangeOf(path, offset, Math.min(partBytes, lstatSync(path).size - offset)),
    key: asObjectKey('large'),
    uploadId: asS3UploadId('upload'),
    partNumber,
    algorithm: 'crc32',
    placement: partNumber % 2 ? 'trailer' : 'header',
    freshConnection: false,
  };
}

describe('the send pool', () => {
  it('sends what is in the files, small and large, whole and in parts, with the checksum first or last', async () => {
    await open();
    const contents = [0, 1, 4095, 4096, 100_000, 1 * MiB, 1 * MiB + 1, 9 * MiB + 3].map((size) => randomBytes(size));
    const large = randomBytes(37 * MiB + 11);
    const path = file('large', large);
    const sent = new Map<string, number>();
    const counting = (key: string) => (bytes: number) => void sent.set(key, (sent.get(key) ?? 0) + bytes);
    await Promise.all([
      ...contents.flatMap((content, i) =>
        (['header', 'trailer'] as const).map(async (placement) => {
          const key = `file-${i}-${placement}`;
          const job = put(file(key, content), key, { placement });
          const result = await pool.send(job, counting(key)).result;
          expect(result).toMatchObject({ kind: 'stored', checksum: { value: crc32Text(crc32(content)) } });
          expect(sink.bodies.get(`/bucket/${key}`)?.equals(content)).toBe(true);
          expect(sent.get(key) ?? 0).toBe(content.length);
        }),
      ),
      ...[1, 2, 3, 4].map(async (partNumber) => {
        const result = await pool.send(part(path, partNumber, 10 * MiB)).result;
        const content = large.subarray((partNumber - 1) * 10 * MiB, partNumber * 10 * MiB);
        expect(result).toMatchObject({ kind: 'stored', checksum: { value: crc32Text(crc32(content)) } });
        const url = [...sink.bodies.keys()].find((each) => each.includes(`partNumber=${partNumber}`)) ?? '';
        expect(sink.bodies.get(url)?.equals(content)).toBe(true);
      }),
    ]);
    expect(requests.filter((operation) => operation === 'PutObject').length).toBe(16);
    expect(requests.filter((operation) => operation === 'UploadPart').length).toBe(4);
  });

  it('does not send what the bucket has already', async () => {
    await open();
    for (const size of [10 * KiB, 3 * MiB]) {
      const content = randomBytes(size);
      const provenChecksum = `crc32:${crc32Text(crc32(content))}`;
      const job = put(file(`same-${size}`, content), 'same', { provenChecksum });
      expect(await pool.send(job).result).toMatchObject({ kind: 'unchanged' });
    }
    expect(requests).toEqual([]);
  });

  it('says that a file changed, never that it was stored', async () => {
    await open({ delayMs: 300 });
    const path = file('small', randomBytes(5000));
    const job = put(path, 'small');
    await sleep(30);
    appendFileSync(path, 'x');
    await expect(pool.send(job).result).rejects.toMatchObject({ code: 'source-changed' });
    const large = file('large', randomBytes(20 * MiB));
    const parts = [part(large, 1, 10 * MiB), part(large, 2, 10 * MiB)].map((each) => pool.send(each).result);
    const outcomes = Promise.allSettled(parts);
    await sleep(200);
    appendFileSync(large, 'x');
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'source-changed' } });
    expect([...sink.bodies.keys()].filter((url) => url.includes('/small'))).toEqual([]);
  });

  it('keeps its memory budget however much is in flight', async () => {
    await open({ memoryBytes: 8 * MiB, discard: true, delayMs: 20 });
    const large = file('large', randomBytes(60 * MiB));
    const small = Array.from({ length: 40 }, (_, i) => file(`small-${i}`, randomBytes(900 * KiB)));
    await Promise.all([
      ...Array.from({ length: 12 }, (_, i) => pool.send(part(large, i + 1, 5 * MiB)).result),
      ...small.map((path, i) => pool.send(put(path, `small-${i}`)).result),
    ]);
    expect(pool.memory().mostHeldBytes).toBeLessThanOrEqual(8 * MiB);
    expect(pool.memory().mostHeldBytes).toBeGreaterThan(2 * MiB);
  });

  it('stops a cancelled job in the middle of its body', async () => {
    await open();
    pool.setBandwidth(1 * MiB);
    const handle = pool.send(part(file('large', randomBytes(20 * MiB)), 1, 20 * MiB));
    // In the middle: some of it has arrived, and at this rate the rest is 19 s away.
    for (let i = 0; i < 1000 && sink.receivedBytes() < 100 * KiB; i++) await sleep(10);
    expect(sink.receivedBytes()).toBeGreaterThanOrEqual(100 * KiB);
    const cancelledAt = performance.now();
    handle.cancel();
    await expect(handle.result).rejects.toMatchObject({ code: 'interrupted' });
    expect(performance.now() - cancelledAt).toBeLessThan(5_000);
    for (let i = 0; i < 50 && sink.aborted.length === 0; i++) await sleep(20);
    expect(sink.aborted.length).toBe(1);
  });

  it.each([1, 2])(
    'on %i threads keeps a bandwidth limit within a twentieth on the wire, with parts, small files and retries',
    async (workers) => {
      await open({ workers, discard: true });
      const limit = 6 * MiB;
      pool.setBandwidth(limit);
      const large = file('large', randomBytes(60 * MiB));
      const small = Array.from({ length: 50 }, (_, i) => file(`small-${i}`, randomBytes(4 * KiB)));
      let stopped = false;
      let count = 0;
      const lane = async (next: () => SendJob) => {
        while (!stopped) {
          const handle = pool.send(next());
          // A job that is cancelled and sent again counts as what it put on the wire.
          if (++count % 17 === 0) setTimeout(handle.cancel, 30);
          await handle.result.catch(() => undefined);
        }
      };
      const lanes = [
        ...Array.from({ length: 4 }, () => lane(() => part(large, (count % 10) + 1, 6 * MiB))),
        ...Array.from({ length: 8 }, () => lane(() => put(small[count % 50] ?? '', `small-${count}`))),
      ];
      await sleep(1500);
      const from = { bytes: sink.receivedBytes(), at: performance.now() };
      await sleep(10_000);
      const rate = ((sink.receivedBytes() - from.bytes) / (performance.now() - from.at)) * 1000;
      expect(rate / limit).toBeGreaterThan(0.95);
      expect(rate / limit).toBeLessThan(1.05);

      // A new limit counts at once, for those who wait too.
      pool.setBandwidth(limit * 4);
      await sleep(200);
      const raised = { bytes: sink.receivedBytes(), at: performance.now() };
      await sleep(2_000);
      const raisedRate = ((sink.receivedBytes() - raised.bytes) / (performance.now() - raised.at)) * 1000;
      expect(raisedRate / (limit * 4)).toBeGreaterThan(0.8);
      stopped = true;
      pool.setBandwidth(null);
      await Promise.all(lanes);
    },
  );
});
