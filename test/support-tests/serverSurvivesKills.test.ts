import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { send, signed } from './rawRequest.ts';

const Bucket = 'b';
const partBytes = 5 * 1024 * 1024;
const serve = fileURLToPath(new URL('../support/s3/serve.ts', import.meta.url));
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-kills-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Access {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

function clientOf(access: Access): S3Client {
  return new S3Client({
    endpoint: access.endpoint,
    region: access.region,
    credentials: access,
    forcePathStyle: true,
    maxAttempts: 1,
  });
}

async function startProcess(): Promise<{ child: ChildProcess; access: Access }> {
  const child = spawn(process.execPath, [serve, '--dir', dir, '--bucket', Bucket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) =>
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString())),
  );
  return { child, access: JSON.parse(line) as Access };
}

const exit = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

describe('the server as a process', () => {
  it('killed in the middle of a part keeps what it acknowledged and nothing else', async () => {
    const first = await startProcess();
    const client = clientOf(first.access);
    await client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'old' }));
    await client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'new' }));
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'big', ChecksumAlgorithm: 'CRC32' }),
    );
    const bytes = randomBytes(partBytes);
    const part = { Bucket, Key: 'big', UploadId, ChecksumAlgorithm: 'CRC32' as const };
    await client.send(new UploadPartCommand({ ...part, PartNumber: 2, Body: bytes }));
    const half = new Readable({ read() {} });
    half.push(bytes.subarray(0, partBytes / 2));
    const lost = client.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: half, ContentLength: partBytes }));
    const failure = expect(lost).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const killed = exit(first.child);
    first.child.kill('SIGKILL');
    await killed;
    await failure;

    const second = await startProcess();
    const again = clientOf(second.access);
    const kept = await again.send(new GetObjectCommand({ Bucket, Key: 'kept' }));
    expect(await kept.Body?.transformToString()).toBe('new');
    const { Parts } = await again.send(new ListPartsCommand({ Bucket, Key: 'big', UploadId }));
    expect(Parts?.map((each) => [each.PartNumber, each.Size])).toEqual([[2, partBytes]]);
    await again.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: bytes }));
    const all = await again.send(new ListPartsCommand({ Bucket, Key: 'big', UploadId }));
    await again.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: 'big', UploadId, MultipartUpload: { Parts: all.Parts! } }),
    );
    const got = await again.send(new GetObjectCommand({ Bucket, Key: 'big' }));
    expect(Buffer.from(await got.Body!.transformToByteArray()).equals(Buffer.concat([bytes, bytes]))).toBe(true);
    client.destroy();
    again.destroy();
    const ended = exit(second.child);
    second.child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

describe('however parts arrive, the object is their bytes in order', () => {
  let server: S3TestServer;
  let client: S3Client;
  beforeEach(async () => {
    server = await startS3Server({ dir, buckets: [Bucket] });
    client = clientOf(server);
  });
  afterEach(async () => {
    client.destroy();
    await server.close();
  });

  const sizes = [partBytes, partBytes, partBytes, 1234];
  const orders: [string, number[][]][] = [
    ['in order', [[0], [1], [2], [3]]],
    ['backwards, the short one first', [[3], [2], [1], [0]]],
    ['all at once', [[2, 0, 3, 1]]],
    ['one sent twice with other bytes', [[1], [0, 2], [1], [3]]],
    ['the same part twice at once', [[0, 0], [1, 1, 2], [3]]],
  ];
  it.each(orders)('%s', async (_, waves) => {
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'k', ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
    );
    const sent = new Map<string, Buffer>();
    for (const wave of waves)
      await Promise.all(
        wave.map(async (index) => {
          const bytes = randomBytes(sizes[index]!);
          const PartNumber = index + 1;
          const { ETag } = await client.send(
            new UploadPartCommand({
              Bucket,
              Key: 'k',
              UploadId,
              PartNumber,
              Body: bytes,
              ChecksumAlgorithm: 'CRC32',
            }),
          );
          sent.set(ETag!, bytes);
        }),
      );
    const { Parts = [] } = await client.send(new ListPartsCommand({ Bucket, Key: 'k', UploadId }));
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'k', UploadId, MultipartUpload: { Parts } }));
    const whole = Buffer.concat(Parts.map((part) => sent.get(part.ETag!)!));
    expect((await server.readObject(Bucket, 'k')).equals(whole)).toBe(true);
  });

  it('a part whose checksum failed is sent again; parts left out at Complete are left out', async () => {
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'k', ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
    );
    const bytes = randomBytes(partBytes);
    const path = `/b/k?partNumber=1&uploadId=${UploadId}`;
    const wrong = { 'content-md5': createHash('md5').update('other').digest('base64') };
    expect((await send(server, { method: 'PUT', path, body: randomBytes(partBytes), headers: wrong })).code).toBe(
      'BadDigest',
    );
    expect(server.openUploads(Bucket)[0]?.parts).toEqual([]);
    const part = (PartNumber: number, Body: Buffer) =>
      client.send(new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }));
    const { ETag } = await part(1, bytes);
    await part(2, bytes);
    const Parts = [{ PartNumber: 1, ETag }];
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'k', UploadId, MultipartUpload: { Parts } }));
    expect((await server.readObject(Bucket, 'k')).equals(bytes)).toBe(true);
  });

  it('a streamed body with its checksum in the trailer is stored without framing, and refused when wrong', async () => {
    const bytes = randomBytes(300_000);
    const pieces = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);
    await client.send(
      new PutObjectCommand({
        Bucket,
        Key: 'streamed',
        Body: pieces,
        ContentLength: bytes.length,
        ChecksumAlgorithm: 'CRC64NVME',
      }),
    );
    expect((await server.readObject(Bucket, 'streamed')).equals(bytes)).toBe(true);
    const headers = {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '5',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    const put = (body: string) =>
      send(server, {
        method: 'PUT',
        path: '/b/trailer',
        body,
        headers,
        payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      });
    expect((await put('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n')).status).toBe(200);
    expect((await put('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n')).code).toBe('BadDigest');
    expect((await put('5\r\nhello\r\n0\r\n\r\n')).code).toBe('MalformedTrailerError');
    expect((await put('4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n')).code).toBe('IncompleteBody');
    expect((await put('5\r\nhello')).code).toBe('IncompleteBody');
  });
});

describe('bodies that never come', () => {
  it('are refused before 100 Continue, or time out as S3 says', async () => {
    const server = await startS3Server({ dir, buckets: [Bucket], bodyIdleTimeoutMs: 200 });
    const ask = (secretAccessKey: string): Promise<string> => {
      const { headers } = signed(server, {
        method: 'PUT',
        path: '/b/k',
        payloadHash: 'UNSIGNED-PAYLOAD',
        secretAccessKey,
      });
      const lines = Object.entries({ ...headers, 'content-length': '5', expect: '100-continue' }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      return new Promise((resolve, reject) => {
        let text = '';
        const socket = connect(server.port, '127.0.0.1', () =>
          socket.write(`PUT /b/k HTTP/1.1\r\n${lines.join('')}\r\n`),
        );
        socket.on('data', (data: Buffer) => {
          text += data.toString();
        });
        socket.on('error', reject).on('close', () => resolve(text));
      });
    };
    const refused = await ask('wrong');
    expect(refused).toMatch(/^HTTP\/1\.1 403 [\s\S]*connection: close/i);
    expect(refused).not.toContain('100 Continue');
    const stalled = await ask(server.secretAccessKey);
    expect(stalled).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
    expect(stalled).toContain('<Code>RequestTimeout</Code>');
    await server.close();
  });
});
