import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { type S3TestServer, startS3Server } from './s3/server.ts';

export interface StoreUnderTest {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** Fresh, empty, this call's alone. */
  readonly bucket: string;
  readonly isOurs: boolean;
  /** null: a server that we can't look into. */
  readonly server: S3TestServer | null;
  /** Empties and deletes the bucket. */
  close(): Promise<void>;
}

/** The server that integration suites run against: `S3_TEST_ENDPOINT` (with `S3_TEST_ACCESS_KEY`, `S3_TEST_SECRET_KEY`, `S3_TEST_REGION`), else our own. */
export async function storeUnderTest(): Promise<StoreUnderTest> {
  const bucket = `sluice-test-${randomBytes(8).toString('hex')}`;
  const endpoint = process.env.S3_TEST_ENDPOINT;
  if (endpoint === undefined || endpoint === '') {
    const server = await startS3Server({ buckets: [bucket] });
    const close = async (): Promise<void> => {
      await server.close();
      await rm(server.dir, { recursive: true, force: true });
    };
    return { ...accessOf(server), bucket, isOurs: true, server, close };
  }
  const access = {
    endpoint,
    accessKeyId: required('S3_TEST_ACCESS_KEY'),
    secretAccessKey: required('S3_TEST_SECRET_KEY'),
    region: process.env.S3_TEST_REGION ?? 'us-east-1',
  };
  const client = new S3Client({ endpoint, region: access.region, credentials: access, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const close = async (): Promise<void> => {
    await emptyBucket(client, bucket);
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    client.destroy();
  };
  return { ...access, bucket, isOurs: false, server: null, close };
}

async function emptyBucket(client: S3Client, bucket: string): Promise<void> {
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    const objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
    if (objects.length > 0)
      await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }));
  }
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  for (const { Key, UploadId } of Uploads)
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
}

function accessOf({ endpoint, accessKeyId, secretAccessKey, region }: S3TestServer) {
  return { endpoint, accessKeyId, secretAccessKey, region };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`S3_TEST_ENDPOINT is set but ${name} is not`);
  return value;
}
