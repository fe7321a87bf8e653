import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketAccelerateConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { send } from './rawRequest.ts';

const Bucket = 'b';
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

describe('listing', () => {
  it('pages in byte order, with prefixes folded', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'listing' }));
    const keys = ['a', 'b/1', 'b/2', 'b/c/3', 'b\u{1F600}', 'b\uFFFD', 'd e+f', 'z/'];
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: 'listing', Key, Body: Key }));
    const seen: (string | undefined)[] = [];
    for (let ContinuationToken: string | undefined, more = true; more; ) {
      const page = await client.send(
        new ListObjectsV2Command({
          Bucket: 'listing',
          MaxKeys: 1,
          Delimiter: '/',
          ContinuationToken,
          EncodingType: 'url',
        }),
      );
      expect(page.KeyCount).toBe(1);
      seen.push(
        ...(page.Contents ?? []).map((each) => each.Key),
        ...(page.CommonPrefixes ?? []).map((each) => each.Prefix),
      );
      ContinuationToken = page.NextContinuationToken;
      more = page.IsTruncated === true;
    }
    expect(seen.map((each) => decodeURIComponent(each!))).toEqual(['a', 'b/', 'b\uFFFD', 'b\u{1F600}', 'd e+f', 'z/']);
    const inside = await client.send(new ListObjectsV2Command({ Bucket: 'listing', Prefix: 'b/', StartAfter: 'b/1' }));
    expect(inside.Contents?.map((each) => each.Key)).toEqual(['b/2', 'b/c/3']);
    await expect(client.send(new DeleteBucketCommand({ Bucket: 'listing' }))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
    });
    const gone = await client.send(
      new DeleteObjectsCommand({ Bucket: 'listing', Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
    expect(gone.Deleted).toHaveLength(keys.length);
    await client.send(new DeleteBucketCommand({ Bucket: 'listing' }));
  });
});

describe('objects and buckets', () => {
  it('serves ranges and refuses those outside', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'range', Body: '0123456789' }));
    const read = async (Range: string) =>
      (await client.send(new GetObjectCommand({ Bucket, Key: 'range', Range }))).Body?.transformToString();
    expect([
      await read('bytes=2-4'),
      await read('bytes=7-'),
      await read('bytes=-2'),
      await read('bytes=5-100'),
    ]).toEqual(['234', '789', '89', '56789']);
    await expect(read('bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  it('copies with new metadata and refuses a copy onto itself that changes nothing', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'one', Body: 'x', Metadata: { a: '1' } }));
    await client.send(
      new CopyObjectCommand({ Bucket, Key: 'two', CopySource: `${Bucket}/one`, StorageClass: 'STANDARD_IA' }),
    );
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'two' }));
    expect([head.Metadata, head.StorageClass]).toEqual([{ a: '1' }, 'STANDARD_IA']);
    await expect(
      client.send(new CopyObjectCommand({ Bucket, Key: 'one', CopySource: `${Bucket}/one` })),
    ).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  it('words its errors as S3 does', async () => {
    const noBucket = await send(server, { method: 'GET', path: '/nowhere/key' });
    expect(noBucket.status).toBe(404);
    expect(noBucket.body).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>NoSuchBucket<\/Code><Message>The specified bucket does not exist<\/Message><BucketName>nowhere<\/BucketName><RequestId>[0-9A-F]{16}<\/RequestId><HostId>[^<]+<\/HostId><\/Error>$/,
    );
    expect(noBucket.headers['x-amz-request-id']).toMatch(/^[0-9A-F]{16}$/);
    expect((await send(server, { method: 'GET', path: '/b/nothing' })).code).toBe('NoSuchKey');
    expect((await send(server, { method: 'PUT', path: `/b/${'x'.repeat(1025)}`, body: 'x' })).code).toBe(
      'KeyTooLongError',
    );
    expect(
      (
        await send(server, {
          method: 'POST',
          path: '/b?delete',
          body: '<Delete>',
          headers: { 'content-md5': createHash('md5').update('<Delete>').digest('base64') },
        })
      ).code,
    ).toBe('MalformedXML');
  });

  it('keeps acceleration, versioning and lifecycle configuration', async () => {
    await client.send(
      new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration: { Status: 'Enabled' } }),
    );
    expect((await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status).toBe('Enabled');
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }));
    expect((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Suspended');
    const get = () => client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    await expect(get()).rejects.toMatchObject({ name: 'NoSuchLifecycleConfiguration' });
    const Rules = [
      {
        ID: 'sweep',
        Status: 'Enabled' as const,
        Filter: { Prefix: '' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ];
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    expect((await get()).Rules).toEqual(Rules);
  });

  it('speaks virtual-host style too', async () => {
    const other = await startS3Server({ buckets: ['hosted'], virtualHostSuffix: 's3.localhost' });
    const host = `hosted.s3.localhost:${other.port}`;
    expect((await send(other, { method: 'PUT', path: '/a/b', body: 'x', headers: { host } })).status).toBe(200);
    expect(other.listKeys('hosted')).toEqual(['a/b']);
    await other.close();
    await rm(other.dir, { recursive: true, force: true });
  });
});
