import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FolderInput } from '../../shared/settings.ts';
import { StoreConnection } from '../../shared/settings.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';
import { type PickyOptions, type PickyStore, type Refusal, startPickyStore } from '../support/pickyStore.ts';

/** Few at a time, so that what the first part teaches is of use to the next. */
const settings = { partSizeBytes: 5 * MiB, maxConnections: 4 };

let harness: Harness;
let store: PickyStore | undefined;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(async () => {
  await store?.close();
  store = undefined;
  await harness.close();
});

/** A folder whose store is the strict server without something. */
async function at(options: Omit<PickyOptions, 'target'>): Promise<Partial<FolderInput>> {
  store = await startPickyStore({ target: harness.server.endpoint, ...options });
  const { region } = harness.server;
  return { connection: StoreConnection.parse({ endpointUrl: store.url, pathStyle: true, region }) };
}
const pass = (folder: Partial<FolderInput>) => harness.pass({ options: { settings }, folder });

const notImplemented: Refusal = {
  status: 501,
  code: 'NotImplemented',
  message: 'A header you provided implies functionality that is not implemented',
};
const isConditional = (headers: IncomingHttpHeaders) =>
  headers['if-none-match'] !== undefined || headers['if-match'] !== undefined;
const hasTrailer = (headers: IncomingHttpHeaders) => headers['x-amz-trailer'] !== undefined;

describe('a store without', () => {
  it('conditional writes is asked once for each kind of write, and written to all the same', async () => {
    const folder = await at({ refuse: (headers) => (isConditional(headers) ? notImplemented : null) });
    await harness.write('small', 'x');
    await harness.write('large', randomBytes(11 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 2 });
    expect(await harness.differences()).toEqual([]);
    expect(store?.refused).toHaveLength(2);
    // Remembered: the next run doesn't ask.
    await harness.write('small', 'y');
    await harness.write('large', randomBytes(11 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 2 });
    expect(store?.refused).toHaveLength(2);
    expect(await harness.differences()).toEqual([]);
  });

  it('trailing checksums costs one part sent twice, once, and no try', async () => {
    const folder = await at({ refuse: (headers) => (hasTrailer(headers) ? notImplemented : null) });
    for (let i = 0; i < 3; i++) await harness.write(`large ${i}`, randomBytes(26 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 3, retries: 0 });
    expect(store?.refused).toHaveLength(1);
    await harness.write('more', randomBytes(26 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 1, retries: 0 });
    expect(store?.refused).toHaveLength(1);
    expect(await harness.differences()).toEqual([]);
  });

  it('its checksums in answers is never sent a trailer, since nobody could tell what it made of it', async () => {
    let trailers = 0;
    const folder = await at({
      refuse: (headers) => {
        if (hasTrailer(headers)) trailers++;
        return null;
      },
      conceal: /^x-amz-checksum/,
    });
    await harness.write('large', randomBytes(41 * MiB));
    await pass(folder);
    await harness.write('large', randomBytes(41 * MiB));
    await pass(folder);
    expect(trailers).toBe(0);
    expect(await harness.differences()).toEqual([]);
  });

  it("checksums of what others put there is believed by its ETag, where that is an MD5, also by verify's second reading", async () => {
    const folder = await at({ conceal: /^x-amz-checksum/ });
    const { endpoint, region, accessKeyId, secretAccessKey } = harness.server;
    const other = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
    });
    for (const [path, Body] of Object.entries({ same: 'the same', other: 'theirs!!' }))
      await other.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}${path}`, Body }));
    other.destroy();
    await harness.write('same', 'the same');
    await harness.write('other', 'not them');
    expect(await pass(folder)).toMatchObject({ exitCode: 1, filesFailed: 1, filesUploaded: 0 });
    const taken = harness.events.flatMap((event) => (event.type === 'file' && !event.error ? [event] : []));
    expect(taken).toMatchObject([
      { path: 'same', action: 'skip', checksum: expect.stringMatching(/^md5:[0-9a-f]{32}$/) },
    ]);
    const engine = await harness.open({ settings });
    const { problems } = await engine.api.verifyFolder({ folderId: await harness.folder(engine, folder), deep: true });
    expect(problems.map(({ path }) => path)).toEqual(['other']);
  });

  it('a word about CRC-32C gets its large files with CRC32, which every store knows, and keeps no upload of the try', async () => {
    const folder = await at({ conceal: /^x-amz-checksum-algorithm$/ });
    await harness.write('large', randomBytes(11 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    await harness.write('another', randomBytes(11 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    const sent = harness.events.flatMap((event) => (event.type === 'file' ? [event.checksum?.split(':')[0]] : []));
    expect(sent).toEqual(['crc32', 'crc32']);
    expect(await harness.differences()).toEqual([]);
    // Asked for once: what was learnt is remembered.
    expect(harness.server.counts().CreateMultipartUpload).toBe(3);
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });

  it('one checksum algorithm is sent another', async () => {
    const message = "Unsupported header 'x-amz-checksum-crc32' received for this API call.";
    const folder = await at({
      refuse: (headers) =>
        headers['x-amz-checksum-crc32'] === undefined ? null : { status: 400, code: 'InvalidArgument', message },
    });
    for (let i = 0; i < 5; i++) await harness.write(`small ${i}`, `${i}`);
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 5 });
    const checksums = harness.events.flatMap((event) => (event.type === 'file' ? [event.checksum?.split(':')[0]] : []));
    expect(new Set(checksums)).toEqual(new Set(['crc64nvme']));
    expect(await harness.differences()).toEqual([]);
  });

  it('the encryption it was asked for is an issue, not a failure', async () => {
    const folder = await at({ conceal: /^x-amz-server-side-encryption/ });
    const objects = { storageClass: null, sse: { kind: 'AES256' }, foreign: 'keep' } as const;
    for (let i = 0; i < 5; i++) await harness.write(`small ${i}`, `${i}`);
    await harness.write('large', randomBytes(11 * MiB));
    const summary = await pass({ ...folder, objects });
    expect(summary).toMatchObject({ filesUploaded: 6, filesFailed: 0, exitCode: 1 });
    const issues = harness.events.flatMap((event) => (event.type === 'issue' ? [event.error.code] : []));
    expect(issues).toEqual(['encryption-missing']);
  });
});

describe('a store with everything', () => {
  it('gets trailing checksums once one part has shown that it takes them', async () => {
    let trailers = 0;
    const folder = await at({
      refuse: (headers) => {
        if (hasTrailer(headers)) trailers++;
        return null;
      },
    });
    await harness.write('large', randomBytes(101 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, retries: 0 });
    expect(trailers).toBeGreaterThan(0);
    const parts = harness.server.counts().UploadPart ?? 0;
    expect(parts).toBe(21);
    // Known from the start now, for objects in one piece too.
    const before = trailers;
    await harness.write('larger', randomBytes(21 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, retries: 0 });
    expect(trailers - before).toBe(5);
    expect(await harness.differences()).toEqual([]);
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });
});

describe('a store where somebody else writes at the same moment', () => {
  const conflict: Refusal = {
    status: 409,
    code: 'ConditionalRequestConflict',
    message: 'The conditional request cannot succeed due to a conflicting operation against this resource.',
  };

  it('has a put sent again, and an upload in parts started over, as S3 wants it', async () => {
    const once = new Set([/^PUT .*small/, /^POST .*large\?uploadId=/]);
    const folder = await at({
      refuse: (_, subject) => {
        for (const each of once) if (each.test(subject)) return once.delete(each) ? conflict : null;
        return null;
      },
    });
    await harness.write('small', 'x');
    await harness.write('large', randomBytes(11 * MiB));
    expect(await pass(folder)).toMatchObject({ exitCode: 0, filesUploaded: 2, filesFailed: 0 });
    expect(store?.refused).toHaveLength(2);
    expect(harness.server.counts()).toMatchObject({ CreateMultipartUpload: 2, CompleteMultipartUpload: 1 });
    expect(harness.server.openUploads(bucket)).toEqual([]);
    expect(await harness.differences()).toEqual([]);
  });
});
