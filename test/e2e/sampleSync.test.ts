import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { GetObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSample } from '../../scripts/makeSample.ts';
import { hashOf } from '../support/hashOf.ts';
import { type StoreUnderTest, storeUnderTest } from '../support/storeUnderTest.ts';

const sluice = join(import.meta.dirname, '../../dist/main/sluice.js');
/** The whole measure against a real server; the embedded one gets it from the kill test already. */
const whole = process.env.S3_TEST_ENDPOINT !== undefined;
const smallFiles = whole ? 5000 : 500;
const bigMiB = whole ? 1024 : 150;

describe(`${smallFiles} small files and one of ${bigMiB} MiB`, () => {
  let store: StoreUnderTest;
  let client: S3Client;
  let place: string;
  let folder: string;

  beforeAll(async () => {
    store = await storeUnderTest();
    const { endpoint, region, accessKeyId, secretAccessKey } = store;
    client = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
    place = await mkdtemp(join(tmpdir(), 'sluice-sample-'));
    folder = join(place, 'source');
    await mkdir(folder);
    await makeSample(folder, smallFiles, bigMiB);
  });
  afterAll(async () => {
    client.destroy();
    await store.close();
    await rm(place, { recursive: true, force: true });
  });

  const run = async (...args: string[]): Promise<{ code: number; last: Record<string, unknown> }> => {
    const child = spawn(process.execPath, [sluice, ...args, '--data-dir', join(place, 'data'), '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, AWS_ACCESS_KEY_ID: store.accessKeyId, AWS_SECRET_ACCESS_KEY: store.secretAccessKey },
    });
    const lines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    const [code] = (await once(child, 'close')) as [number];
    return { code, last: JSON.parse(lines.join('').trim().split('\n').at(-1) ?? '{}') as Record<string, unknown> };
  };

  it('arrive byte for byte, are confirmed by checksum, and verify --deep says so', async () => {
    const synced = await run(
      'sync',
      folder,
      `s3://${store.bucket}/sample`,
      '--endpoint-url',
      store.endpoint,
      '--region',
      store.region,
    );
    expect(synced.last).toMatchObject({ type: 'summary', filesUploaded: smallFiles + 2, filesFailed: 0 });
    expect(synced.code).toBe(0);
    console.log(
      `${store.isOurs ? 'embedded' : store.endpoint}: ${Number(synced.last.durationMs) / 1000} s, ${Math.round(Number(synced.last.throughputBytesPerSecond) / 2 ** 20)} MiB/s, RSS ${Math.round(Number(synced.last.maxRssBytes) / 2 ** 20)} MiB`,
    );

    const verified = await run('verify', folder, '--deep');
    expect(verified.code).toBe(0);

    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files).toHaveLength(smallFiles + 2);
    let next = 0;
    const different: string[] = [];
    const lane = async (): Promise<void> => {
      for (let file = files[next++]; file !== undefined; file = files[next++]) {
        const Key = `sample/${relative(folder, file)}`;
        const { Body } = await client.send(new GetObjectCommand({ Bucket: store.bucket, Key }));
        const [local, remote] = await Promise.all([hashOf(createReadStream(file)), hashOf(Body as Readable)]);
        if (local !== remote) different.push(Key);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    expect(different).toEqual([]);

    const open = await client.send(new ListMultipartUploadsCommand({ Bucket: store.bucket }));
    expect(open.Uploads ?? []).toEqual([]);

    const again = await run(
      'sync',
      folder,
      `s3://${store.bucket}/sample`,
      '--endpoint-url',
      store.endpoint,
      '--region',
      store.region,
    );
    expect(again.last).toMatchObject({ filesUnchanged: smallFiles + 2, filesUploaded: 0, requests: { HeadBucket: 1 } });
  }, 600_000);
});
