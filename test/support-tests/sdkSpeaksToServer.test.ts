import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';

const bucket = 'promises';
const mebibyte = 1024 * 1024;
let server: S3TestServer;
let client: S3Client;

beforeAll(async () => {
  server = await startS3Server({ buckets: [bucket] });
  client = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    credentials: server,
    forcePathStyle: true,
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await server.close();
  await rm(server.dir, { recursive: true, force: true });
});

describe('the AWS SDK against the test server', () => {
  it.each([
    'plain',
    'a b/c+d%20é.txt',
    '../../etc/passwd',
    'folder/',
    '日本語/😀',
    '/leading//double',
    'x'.repeat(1024),
    '&<>"\'',
    '.',
  ])('keeps a key as it is: %s', async (key) => {
    const bytes = randomBytes(1000);
    const put = await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
    expect(put.ETag).toBe(`"${createHash('md5').update(bytes).digest('hex')}"`);
    expect(await server.readObject(bucket, key)).toEqual(bytes);
    const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    expect(Buffer.from(await got.Body!.transformToByteArray())).toEqual(bytes);
    const list = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key }));
    expect(list.Contents?.map((each) => each.Key)).toContain(key);
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    expect(server.listKeys(bucket)).not.toContain(key);
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'a multipart upload with %s completes with the same bytes and a checksum for the whole',
    async (algorithm) => {
      const bytes = randomBytes(5 * mebibyte + 12_345);
      const Key = `multipart-${algorithm}`;
      const full = algorithm.startsWith('CRC');
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          Bucket: bucket,
          Key,
          ChecksumAlgorithm: algorithm,
          ...(full ? { ChecksumType: 'FULL_OBJECT' as const } : {}),
          Metadata: { token: 'abc' },
          ServerSideEncryption: 'AES256',
        }),
      );
      const parts = [];
      for (const [index, body] of [bytes.subarray(0, 5 * mebibyte), bytes.subarray(5 * mebibyte)].entries()) {
        const part = await client.send(
          new UploadPartCommand({
            Bucket: bucket,
            Key,
            UploadId,
            PartNumber: index + 1,
            Body: body,
            ChecksumAlgorithm: algorithm,
          }),
        );
        expect(part[`Checksum${algorithm}`]).toBeTruthy();
        parts.push({ PartNumber: index + 1, ETag: part.ETag, [`Checksum${algorithm}`]: part[`Checksum${algorithm}`] });
      }
      const listed = await client.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }));
      expect(listed.Parts?.map((part) => part[`Checksum${algorithm}`])).toEqual(
        parts.map((part) => part[`Checksum${algorithm}`]),
      );
      const done = await client.send(
        new CompleteMultipartUploadCommand({
          Bucket: bucket,
          Key,
          UploadId,
          MultipartUpload: { Parts: parts },
          MpuObjectSize: bytes.length,
        }),
      );
      expect((await server.readObject(bucket, Key)).equals(bytes)).toBe(true);
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));
      expect(head[`Checksum${algorithm}`]).toBe(done[`Checksum${algorithm}`]);
      expect(head.ChecksumType).toBe(full ? 'FULL_OBJECT' : 'COMPOSITE');
      expect(head.Metadata).toEqual({ token: 'abc' });
      expect(head.ServerSideEncryption).toBe('AES256');
      // The SDK compares a full-object checksum with what it reads.
      const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));
      expect(Buffer.from(await got.Body!.transformToByteArray()).equals(bytes)).toBe(true);
      expect(server.openUploads(bucket)).toEqual([]);
    },
  );

  it('an aborted upload is gone', async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'aborted' }));
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: 'aborted', UploadId }));
    await expect(client.send(new ListPartsCommand({ Bucket: bucket, Key: 'aborted', UploadId }))).rejects.toMatchObject(
      {
        name: 'NoSuchUpload',
      },
    );
  });
});
