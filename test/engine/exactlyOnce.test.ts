import { randomBytes } from 'node:crypto';
import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileEvent } from '../../shared/events.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

const options = { settings: { partSizeBytes: 5 * MiB } };
const overwrite = { objects: { storageClass: null, sse: { kind: 'bucket-default' }, foreign: 'overwrite' } } as const;

let harness: Harness;
/** Somebody else, who writes into the same bucket. */
let other: S3Client;
beforeEach(async () => {
  harness = await openHarness();
  const { endpoint, region, accessKeyId, secretAccessKey } = harness.server;
  other = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
});
afterEach(async () => {
  other.destroy();
  await harness.close();
});

const theyPut = (path: string, Body: string | Buffer) =>
  other.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + path, Body }));
const inBucket = async (path: string) => (await harness.server.readObject(bucket, prefix + path)).toString();
const files = (): FileEvent[] => harness.events.filter((event) => event.type === 'file');
const counts = () => harness.server.counts();
const loseLedger = () => rm(harness.dataDir, { recursive: true });

describe("somebody else's object", () => {
  it('is never overwritten: the file is an issue that says what is there and what to do', async () => {
    await theyPut('small', 'theirs');
    const theirLarge = randomBytes(11 * MiB);
    await theyPut('large', theirLarge);
    await harness.write('small', 'mine, and longer');
    await harness.write('large', randomBytes(11 * MiB));
    await harness.write('fine', 'x');
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 1, filesUploaded: 1, filesFailed: 2 });
    expect(await inBucket('small')).toBe('theirs');
    expect((await harness.server.readObject(bucket, `${prefix}large`)).equals(theirLarge)).toBe(true);
    const failed = files().filter(({ error }) => error);
    expect(failed.map(({ error }) => error?.code)).toEqual(['foreign-object', 'foreign-object']);
    expect(failed[0]?.error?.remedy).toMatch(/overwrite/);
    // Not a byte of the large one was sent in vain, and the small one was sent once.
    expect(counts()).toMatchObject({ PutObject: 4 });
    expect(counts().UploadPart).toBeUndefined();
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });

  it('is overwritten when the folder says so', async () => {
    await theyPut('small', 'theirs');
    await theyPut('large', randomBytes(11 * MiB));
    await harness.write('small', 'mine, and longer');
    await harness.write('large', randomBytes(11 * MiB));
    expect(await harness.pass({ options, folder: overwrite })).toMatchObject({ exitCode: 0, filesUploaded: 2 });
    expect(await harness.differences()).toEqual([]);
  });

  it('that replaced ours is not overwritten either', async () => {
    await harness.write('small', 'mine');
    await harness.write('large', randomBytes(11 * MiB));
    await harness.pass({ options });
    await theyPut('small', 'theirs');
    await theyPut('large', 'theirs too');
    await harness.write('small', 'mine again');
    await harness.write('large', randomBytes(12 * MiB));
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 1, filesFailed: 2 });
    expect(await inBucket('small')).toBe('theirs');
    expect(await inBucket('large')).toBe('theirs too');
    // What S3 keeps of the attempt isn't paid for.
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });

  it('is taken for ours when it has the same bytes, by whatever the store keeps of it, and not sent again', async () => {
    const large = randomBytes(11 * MiB);
    await theyPut('small', 'the same');
    await theyPut('large', large);
    await harness.write('small', 'the same');
    await harness.write('large', large);
    const before = counts();
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesFailed: 0 });
    expect(counts().PutObject).toBe((before.PutObject ?? 0) + 1);
    expect(counts().CreateMultipartUpload).toBeUndefined();
    expect(files().map(({ action }) => action)).toEqual(['skip', 'skip']);
    // It is known from now on: no request for it.
    harness.server.clearLog();
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesUnchanged: 2 });
    expect(counts().PutObject).toBeUndefined();
    await harness.write('small', 'another');
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesUploaded: 1 });
  });

  it('that goes away while it is looked at keeps nothing from being uploaded', async () => {
    await harness.write('file', 'mine');
    await harness.pass();
    await harness.write('file', 'mine again');
    const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    await other.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${prefix}file` }));
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    expect(await inBucket('file')).toBe('mine again');
  });
});

describe('our own object', () => {
  it('is known for ours after an answer was lost, without being sent twice', async () => {
    await harness.write('small', 'x');
    harness.break({ match: { operation: /PutObject/, times: 1 }, fault: { kind: 'loseResponse' } });
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesUploaded: 1, filesFailed: 0 });
    expect(counts()).toMatchObject({ PutObject: 2, HeadObject: 1 });
    expect(files()[0]).toMatchObject({ action: 'put', checksum: expect.stringMatching(/^crc32:/) });
    expect(await harness.differences()).toEqual([]);
  });

  it('is overwritten after the ledger was lost, when this folder wrote it', async () => {
    await harness.write('small', 'first');
    await harness.write('large', randomBytes(11 * MiB));
    await harness.pass({ options });
    await loseLedger();
    await harness.write('small', 'second');
    await harness.write('large', randomBytes(12 * MiB));
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesUploaded: 2 });
    expect(await harness.differences()).toEqual([]);
  });

  it('is found again after the ledger was lost, and not a byte of it sent when it has not changed', async () => {
    await harness.write('large', randomBytes(11 * MiB));
    await harness.pass({ options });
    await loseLedger();
    harness.server.clearLog();
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesUploaded: 0 });
    expect(counts().UploadPart).toBeUndefined();
    expect(files().at(-1)).toMatchObject({ action: 'skip' });
  });

  it('says which folder wrote it without saying where that is', async () => {
    await harness.write('small', 'x');
    await harness.pass();
    const { Metadata } = await other.send(new HeadObjectCommand({ Bucket: bucket, Key: `${prefix}small` }));
    expect(Metadata?.['sluice-origin']).toMatch(/^[0-9a-f]{32}$/);
  });

  it('costs no request more than its PutObject', async () => {
    for (let i = 0; i < 20; i++) await harness.write(`f${i}`, `${i}`);
    await harness.pass();
    expect(counts()).toMatchObject({ PutObject: 20 });
    expect(counts().HeadObject).toBeUndefined();
    for (let i = 0; i < 20; i++) await harness.write(`f${i}`, `changed ${i}`);
    await harness.pass();
    expect(counts()).toMatchObject({ PutObject: 40 });
    expect(counts().HeadObject).toBeUndefined();
  });
});

describe('an unfinished upload', () => {
  it("of somebody else's for the same key is left alone, also when ours was created without our hearing of it", async () => {
    const Key = `${prefix}large`;
    const { UploadId } = await other.send(
      new CreateMultipartUploadCommand({ Bucket: bucket, Key, ChecksumAlgorithm: 'CRC32' }),
    );
    await other.send(
      new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body: randomBytes(5 * MiB) }),
    );
    await harness.write('large', randomBytes(11 * MiB));
    harness.break({ match: { operation: /CreateMultipartUpload/, times: 7 }, fault: { kind: 'loseResponse' } });
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    expect(harness.server.openUploads(bucket).map(({ uploadId }) => uploadId)).toEqual([UploadId]);
  });

  it('stays in the queue when its abort fails on the dead network too, and is ended by the next run', async () => {
    await harness.write('large', randomBytes(16 * MiB));
    harness.break(
      { match: { operation: /UploadPart/, nth: 3 }, fault: { kind: 'latency', ms: 600 } },
      { match: { operation: /AbortMultipartUpload/ }, fault: { kind: 'resetBeforeRequest' } },
    );
    const passing = harness.pass({ options });
    // It changes under the upload, so that what was begun is given up.
    const end = Date.now() + 20_000;
    while (harness.server.openUploads(bucket).length === 0 && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await utimes(join(harness.root, 'large'), new Date(), new Date(Date.now() - 60_000));
    expect(await passing).toMatchObject({ filesUploaded: 1 });
    expect(harness.server.openUploads(bucket)).toHaveLength(1);
    harness.mend();
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0 });
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });
});

describe('a file that changes', () => {
  it('while its upload is being completed is uploaded again in the same run, and proven only then', async () => {
    await harness.write('large', randomBytes(11 * MiB));
    harness.break({ match: { operation: /CompleteMultipartUpload/, times: 1 }, fault: { kind: 'latency', ms: 800 } });
    const passing = harness.pass({ options });
    const end = Date.now() + 20_000;
    while ((counts().UploadPart ?? 0) < 3 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await harness.write('large', randomBytes(11 * MiB));
    expect(await passing).toMatchObject({ exitCode: 0, filesFailed: 0 });
    expect(await harness.differences()).toEqual([]);
    expect(counts()).toMatchObject({ CompleteMultipartUpload: 2 });
  });
});
