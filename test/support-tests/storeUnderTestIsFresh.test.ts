import { rm } from 'node:fs/promises';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { storeUnderTest } from '../support/storeUnderTest.ts';

const variables = ['S3_TEST_ENDPOINT', 'S3_TEST_ACCESS_KEY', 'S3_TEST_SECRET_KEY', 'S3_TEST_REGION'] as const;
const before = variables.map((name) => [name, process.env[name]] as const);
let foreign: S3TestServer;

beforeAll(async () => {
  foreign = await startS3Server({ accessKeyId: 'other', secretAccessKey: 'othersecret', region: 'eu-test-1' });
});
afterEach(() => {
  for (const [name, value] of before)
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
});
afterAll(async () => {
  await foreign.close();
  await rm(foreign.dir, { recursive: true, force: true });
});

async function roundTrip(): Promise<string | undefined> {
  const store = await storeUnderTest();
  const { endpoint, region, bucket: Bucket } = store;
  const client = new S3Client({ endpoint, region, credentials: store, forcePathStyle: true });
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
  const text = await (await client.send(new GetObjectCommand({ Bucket, Key: 'a' }))).Body?.transformToString();
  client.destroy();
  await store.close();
  return text;
}

describe('the store under test', () => {
  it('is our own server where the environment names none', async () => {
    for (const name of variables) delete process.env[name];
    expect(await roundTrip()).toBe('x');
    expect(foreign.requests).toEqual([]);
  });

  it('is the server that the environment names, in a bucket of its own that is gone afterwards', async () => {
    process.env.S3_TEST_ENDPOINT = foreign.endpoint;
    process.env.S3_TEST_ACCESS_KEY = 'other';
    process.env.S3_TEST_SECRET_KEY = 'othersecret';
    process.env.S3_TEST_REGION = 'eu-test-1';
    expect(await roundTrip()).toBe('x');
    const [bucket] = foreign.requests.filter((each) => each.operation === 'CreateBucket').map((each) => each.bucket);
    expect(bucket).toMatch(/^sluice-test-/);
    expect(() => foreign.listKeys(bucket!)).toThrow(/no bucket/);
  });

  it('says which variable is missing', async () => {
    process.env.S3_TEST_ENDPOINT = foreign.endpoint;
    delete process.env.S3_TEST_ACCESS_KEY;
    await expect(storeUnderTest()).rejects.toThrow('S3_TEST_ACCESS_KEY');
  });
});
