import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { send } from './rawRequest.ts';

const Bucket = 'b';
const fiveMebibytes = 5 * 1024 * 1024;
const big = randomBytes(fiveMebibytes);
let server: S3TestServer;
let client: S3Client;

beforeAll(async () => {
  server = await startS3Server({ buckets: [Bucket] });
  client = connect(server);
});
afterAll(async () => {
  client.destroy();
  await server.close();
  await rm(server.dir, { recursive: true, force: true });
});

function connect(to: S3TestServer): S3Client {
  return new S3Client({
    endpoint: to.endpoint,
    region: to.region,
    credentials: to,
    forcePathStyle: true,
    maxAttempts: 1,
  });
}

async function createUpload(
  Key: string,
  extra: object = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' },
): Promise<string> {
  return (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...extra }))).UploadId as string;
}

async function uploadPart(
  Key: string,
  UploadId: string,
  PartNumber: number,
  Body: Buffer | string,
): Promise<CompletedPart> {
  const part = await client.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }),
  );
  return { PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 };
}

const complete = (Key: string, UploadId: string, Parts: CompletedPart[], extra: object = {}) =>
  client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...extra }));
const crcOf = (data: Buffer | string): string => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(data));
  return digest.toString('base64');
};

describe('checksums', () => {
  const md5 = (data: string) => createHash('md5').update(data).digest('base64');
  const cases: [string, Record<string, string>, string][] = [
    ['a wrong Content-MD5', { 'content-md5': md5('other') }, 'BadDigest'],
    ['a Content-MD5 in hex', { 'content-md5': createHash('md5').update('hello').digest('hex') }, 'InvalidDigest'],
    ['a wrong CRC32', { 'x-amz-checksum-crc32': crcOf('other') }, 'BadDigest'],
    ['a wrong CRC32C', { 'x-amz-checksum-crc32c': crcOf('hello') }, 'BadDigest'],
    ['a wrong CRC64NVME', { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, 'BadDigest'],
    [
      'a wrong SHA-256',
      { 'x-amz-checksum-sha256': createHash('sha256').update('other').digest('base64') },
      'BadDigest',
    ],
    ['a checksum of a wrong length', { 'x-amz-checksum-crc32': 'AAAA' }, 'InvalidRequest'],
    ['two checksums', { 'x-amz-checksum-crc32': crcOf('hello'), 'x-amz-checksum-sha1': 'x' }, 'InvalidRequest'],
    ['an announced checksum that is missing', { 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'InvalidRequest'],
  ];
  it.each(cases)('refuses %s and stores nothing', async (_, headers, code) => {
    const answer = await send(server, { method: 'PUT', path: '/b/bad', body: 'hello', headers });
    expect([answer.status, answer.code]).toEqual([400, code]);
    expect(server.listKeys(Bucket)).not.toContain('bad');
  });
});

describe('multipart rules', () => {
  it('refuses a short part before the last, wrong order, wrong ETags, wrong checksums, missing parts, no parts', async () => {
    const Key = 'rules';
    const id = await createUpload(Key);
    const first = await uploadPart(Key, id, 1, 'short');
    const second = await uploadPart(Key, id, 2, 'last');
    await expect(complete(Key, id, [first, second])).rejects.toMatchObject({ name: 'EntityTooSmall' });
    await expect(complete(Key, id, [second, first])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(complete(Key, id, [first, first])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    const wrongEtag = { ...first, ETag: second.ETag! };
    await expect(complete(Key, id, [wrongEtag])).rejects.toMatchObject({ name: 'InvalidPart' });
    const wrongChecksum = { ...first, ChecksumCRC32: second.ChecksumCRC32! };
    await expect(complete(Key, id, [wrongChecksum])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete(Key, id, [{ ...first, PartNumber: 3 }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete(Key, id, [])).rejects.toMatchObject({ name: 'MalformedXML' });
    expect(server.openUploads(Bucket).find((each) => each.key === Key)?.parts).toEqual([1, 2]);
  });

  it('refuses a whole of another size, another checksum or another checksum type, then takes the right one, once', async () => {
    const Key = 'whole';
    const id = await createUpload(Key);
    const parts = [await uploadPart(Key, id, 1, big), await uploadPart(Key, id, 2, 'tail')];
    const whole = Buffer.concat([big, Buffer.from('tail')]);
    await expect(complete(Key, id, parts, { MpuObjectSize: 7 })).rejects.toMatchObject({ name: 'InvalidRequest' });
    await expect(complete(Key, id, parts, { ChecksumCRC32: crcOf('x') })).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(complete(Key, id, parts, { ChecksumType: 'COMPOSITE' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    const done = await complete(Key, id, parts, {
      ChecksumCRC32: crcOf(whole),
      ChecksumType: 'FULL_OBJECT',
      MpuObjectSize: whole.length,
    });
    expect(done.ChecksumCRC32).toBe(crcOf(whole));
    const etags = parts.map((part) => Buffer.from(part.ETag!.replaceAll('"', ''), 'hex'));
    expect(done.ETag).toBe(`"${createHash('md5').update(Buffer.concat(etags)).digest('hex')}-2"`);
    expect((await server.readObject(Bucket, Key)).equals(whole)).toBe(true);
    await expect(complete(Key, id, parts)).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('knows part numbers 1 to 10,000 and only the checksum that the upload was created with', async () => {
    const Key = 'numbers';
    const id = await createUpload(Key);
    for (const number of [0, 10_001])
      await expect(uploadPart(Key, id, number, 'x')).rejects.toMatchObject({ name: 'InvalidArgument' });
    await uploadPart(Key, id, 10_000, 'x');
    const other = new UploadPartCommand({
      Bucket,
      Key,
      UploadId: id,
      PartNumber: 1,
      Body: 'x',
      ChecksumAlgorithm: 'SHA256',
    });
    await expect(client.send(other)).rejects.toMatchObject({ name: 'InvalidRequest' });
    await expect(uploadPart(Key, 'nonsense', 1, 'x')).rejects.toMatchObject({ name: 'NoSuchUpload' });
    const full = new CreateMultipartUploadCommand({
      Bucket,
      Key,
      ChecksumAlgorithm: 'SHA256',
      ChecksumType: 'FULL_OBJECT',
    });
    await expect(client.send(full)).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  it('pages ListParts and ListMultipartUploads', async () => {
    const Key = 'paged/a';
    const id = await createUpload(Key);
    for (const number of [1, 2, 3, 4, 5]) await uploadPart(Key, id, number, `part ${number}`);
    const first = await client.send(new ListPartsCommand({ Bucket, Key, UploadId: id, MaxParts: 2 }));
    expect([first.IsTruncated, first.NextPartNumberMarker, first.Parts?.length]).toEqual([true, '2', 2]);
    const rest = await client.send(new ListPartsCommand({ Bucket, Key, UploadId: id, PartNumberMarker: '2' }));
    expect(rest.Parts?.map((part) => part.PartNumber)).toEqual([3, 4, 5]);
    const ids = [id, await createUpload(Key), await createUpload('paged/b')];
    const seen: (string | undefined)[] = [];
    for (let markers = {}, more = true; more; ) {
      const page = await client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: 'paged/', MaxUploads: 1, ...markers }),
      );
      seen.push(...(page.Uploads ?? []).map((upload) => upload.UploadId));
      more = page.IsTruncated === true;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(seen.sort()).toEqual(ids.sort());
  });

  it('copies ranges of objects as parts', async () => {
    const Key = 'from-copy';
    await client.send(new PutObjectCommand({ Bucket, Key: 'source é+ %41', Body: big }));
    const id = await createUpload(Key);
    const CopySource = `${Bucket}/${encodeURIComponent('source é+ %41')}`;
    const whole = await client.send(
      new UploadPartCopyCommand({ Bucket, Key, UploadId: id, PartNumber: 1, CopySource }),
    );
    const range = await client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key,
        UploadId: id,
        PartNumber: 2,
        CopySource,
        CopySourceRange: 'bytes=10-19',
      }),
    );
    await complete(Key, id, [
      { PartNumber: 1, ETag: whole.CopyPartResult?.ETag },
      { PartNumber: 2, ETag: range.CopyPartResult?.ETag },
    ]);
    expect((await server.readObject(Bucket, Key)).equals(Buffer.concat([big, big.subarray(10, 20)]))).toBe(true);
    const head = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(head.ChecksumCRC32).toBe(crcOf(Buffer.concat([big, big.subarray(10, 20)])));
  });
});

describe('conditions', () => {
  it('write only where nothing is, or where the expected object is', async () => {
    const Key = 'conditional';
    const put = (extra: object) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...extra }));
    await expect(put({ IfMatch: '"abc"' })).rejects.toMatchObject({ name: 'NoSuchKey' });
    const { ETag } = await put({ IfNoneMatch: '*' });
    await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    await expect(put({ IfMatch: '"abc"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await put({ IfMatch: ETag });
    const id = await createUpload(Key);
    const part = await uploadPart(Key, id, 1, 'y');
    await expect(complete(Key, id, [part], { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await complete(Key, id, [part], { IfMatch: ETag });
    const remove = (IfMatch: string) => client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
    await expect(remove('"abc"')).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(
      client.send(
        new CopyObjectCommand({
          Bucket,
          Key,
          CopySource: `${Bucket}/${Key}`,
          MetadataDirective: 'REPLACE',
          IfNoneMatch: '*',
        }),
      ),
    ).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const { ETag: now } = await client.send(new HeadObjectCommand({ Bucket, Key }));
    await remove(now!);
    expect(server.listKeys(Bucket)).not.toContain(Key);
  });

  it('lets one of many simultaneous creators win', async () => {
    const tries = Array.from({ length: 8 }, (_, i) =>
      client.send(new PutObjectCommand({ Bucket, Key: 'race', Body: randomBytes(200_000 + i), IfNoneMatch: '*' })),
    );
    const results = await Promise.allSettled(tries);
    expect(results.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
  });
});

describe('restart', () => {
  it('finds objects, metadata and open uploads with their parts again, and completes them', async () => {
    const before = await startS3Server({ buckets: ['kept'] });
    let sdk = connect(before);
    await sdk.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/../b', Body: 'old' }));
    await sdk.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/../b', Body: 'hello', Metadata: { m: '1' } }));
    const Key = 'resumed';
    const { UploadId } = await sdk.send(
      new CreateMultipartUploadCommand({ Bucket: 'kept', Key, ChecksumAlgorithm: 'CRC32' }),
    );
    const send = (PartNumber: number, Body: Buffer) =>
      sdk.send(new UploadPartCommand({ Bucket: 'kept', Key, UploadId, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }));
    await send(1, Buffer.from(big).reverse());
    await send(1, big);
    sdk.destroy();
    await before.close();

    const after = await startS3Server({ dir: before.dir });
    sdk = connect(after);
    expect((await after.readObject('kept', 'a/../b')).toString()).toBe('hello');
    expect((await sdk.send(new HeadObjectCommand({ Bucket: 'kept', Key: 'a/../b' }))).Metadata).toEqual({ m: '1' });
    expect(after.openUploads('kept')).toEqual([{ key: Key, uploadId: UploadId, parts: [1] }]);
    await send(2, Buffer.from('tail'));
    const { Parts } = await sdk.send(new ListPartsCommand({ Bucket: 'kept', Key, UploadId }));
    await sdk.send(
      new CompleteMultipartUploadCommand({
        Bucket: 'kept',
        Key,
        UploadId,
        MultipartUpload: {
          Parts: Parts!.map(({ PartNumber, ETag, ChecksumCRC32 }) => ({ PartNumber, ETag, ChecksumCRC32 })),
        },
      }),
    );
    expect((await after.readObject('kept', Key)).equals(Buffer.concat([big, Buffer.from('tail')]))).toBe(true);
    expect(after.openUploads('kept')).toEqual([]);
    sdk.destroy();
    await after.close();
    await rm(after.dir, { recursive: true, force: true });
  });
});
