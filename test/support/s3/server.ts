import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { addressOf } from './address.ts';
import { answer, answerError } from './answer.ts';
import { S3Context } from './context.ts';
import { RequestGate } from './requestGate.ts';
import { countByOperation, maxLogEntries, type RequestLogEntry } from './requestLog.ts';
import { findOperation } from './router.ts';
import { S3Error } from './s3Error.ts';
import { proveSignature } from './signature.ts';
import { Storage } from './storage.ts';
import { temporaryFolder } from './temporaryFolder.ts';

export type { RequestLogEntry } from './requestLog.ts';

export interface S3ServerOptions {
  readonly dir?: string;
  readonly port?: number;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly region?: string;
  /** Made unless they are there. */
  readonly buckets?: readonly string[];
  /** `s3.localhost`: `bucket.s3.localhost` is then the bucket. Path style always works. */
  readonly virtualHostSuffix?: string;
  readonly now?: () => Date;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** A body without a byte for this long is answered `RequestTimeout`. Default 20,000 as S3. */
  readonly bodyIdleTimeoutMs?: number;
  /** Requests above this rate are answered `503 SlowDown`, unread. A burst of a tenth of a second's worth is let through. */
  readonly maxRequestsPerSecond?: number;
  /** Told of bytes of objects and documents as they arrive. */
  readonly onBytes?: (count: number) => void;
  /** Told, before the answer, of each object that is written; `file` holds its bytes. */
  readonly onObject?: (object: { readonly bucket: string; readonly key: string; readonly file: string }) => void;
}

export interface S3TestServer {
  readonly endpoint: string;
  readonly port: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly dir: string;
  /** Every HTTP request, in order of completion; capped at 200,000. */
  readonly requests: RequestLogEntry[];
  /** Requests by S3 operation name. */
  counts(): Record<string, number>;
  clearLog(): void;
  readObject(bucket: string, key: string): Promise<Buffer>;
  /** The file that holds exactly the object's bytes. */
  objectFile(bucket: string, key: string): string;
  listKeys(bucket: string): string[];
  openUploads(bucket: string): { key: string; uploadId: string; parts: number[] }[];
  close(): Promise<void>;
}

/** An S3 that is strict rather than kind, on 127.0.0.1. Its state is in `dir` and outlives it. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3TestServer> {
  const dir = options.dir ?? temporaryFolder();
  mkdirSync(dir, { recursive: true });
  const account = {
    accessKeyId: options.accessKeyId ?? 'sluicetest',
    secretAccessKey: options.secretAccessKey ?? 'sluicetestsecret',
    region: options.region ?? 'us-east-1',
  };
  const now = options.now ?? (() => new Date());
  const { onObject, maxRequestsPerSecond } = options;
  const storage = new Storage(dir, (bucket, object) =>
    onObject?.({ bucket: bucket.name, key: object.key, file: storage.path(bucket, object.file) }),
  );
  const gate = maxRequestsPerSecond === undefined ? null : new RequestGate(maxRequestsPerSecond);
  for (const name of options.buckets ?? [])
    if (!storage.buckets.has(name)) storage.createBucket(name, now().toISOString());
  const requests: RequestLogEntry[] = [];

  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): Promise<void> => {
    const requestId = randomBytes(8).toString('hex').toUpperCase();
    const log: RequestLogEntry = {
      operation: 'Unknown',
      bucket: null,
      key: null,
      partNumber: null,
      uploadId: null,
      status: 0,
      bytesReceived: 0,
      errorCode: null,
    };
    let asked = !expectsContinue;
    try {
      const address = addressOf(request, options.virtualHostSuffix);
      const { bucket, key, query, headers } = address;
      const parameter = (name: string) => query.find((each) => each.name === name)?.value;
      log.bucket = bucket;
      log.key = key;
      log.partNumber = parameter('partNumber') === undefined ? null : Number(parameter('partNumber'));
      log.uploadId = parameter('uploadId') ?? null;
      const operation = findOperation({
        method: address.method,
        bucket,
        key,
        hasQuery: (name) => parameter(name) !== undefined,
        hasHeader: (name) => headers.has(name),
      });
      log.operation = operation?.name ?? 'Unknown';
      if (gate?.pass() === false) throw new S3Error('SlowDown');
      const proven = proveSignature(address, account, now());
      const token = headers.get('x-amz-security-token')?.[0];
      if (token !== undefined) throw new S3Error('InvalidToken', { 'Token-0': token });
      if (key !== null && Buffer.byteLength(key) > maxKeyBytes)
        throw new S3Error('KeyTooLongError', { Size: Buffer.byteLength(key), MaxSizeAllowed: maxKeyBytes });
      if (operation === null)
        throw new S3Error('MethodNotAllowed', {
          Method: address.method,
          ResourceType: key === null ? 'BUCKET' : 'OBJECT',
        });
      if (operation.run === null)
        throw new S3Error('NotImplemented', {}, 'This operation is not supported by the test server');
      const context = new S3Context({
        storage,
        region: account.region,
        now,
        bodyIdleTimeoutMs: options.bodyIdleTimeoutMs ?? 20_000,
        method: address.method,
        bucketName: bucket,
        key,
        query,
        headers,
        request,
        log,
        proven,
        onBytes: options.onBytes,
        askForBody: () => {
          if (!asked) response.writeContinue();
          asked = true;
        },
      });
      if (address.method !== 'PUT' && address.method !== 'POST') context.expectNoBody();
      const result = await operation.run(context);
      log.status = result.status;
      await answer(request, response, result, requestId);
    } catch (error) {
      const s3Error = error instanceof S3Error ? error : new S3Error('InternalError', {}, String(error));
      if (!(error instanceof S3Error))
        process.stderr.write(`S3 test server: ${String((error as Error)?.stack ?? error)}\n`);
      log.status = s3Error.status;
      log.errorCode = s3Error.code;
      // A client that still waits for 100 would otherwise send its next request into this body's place.
      const close = !asked || s3Error.code === 'RequestTimeout' || s3Error.code === 'IncompleteBody';
      await answerError(request, response, s3Error, { requestId, close, region: account.region });
    } finally {
      if (requests.length < maxLogEntries) requests.push(log);
    }
  };

  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.on('request', (request, response) => void handle(request, response, false));
  server.on('checkContinue', (request, response) => void handle(request, response, true));
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;

  const bucketNamed = (name: string) => {
    const bucket = storage.buckets.get(name);
    if (bucket === undefined) throw new Error(`no bucket ${name}`);
    return bucket;
  };
  const objectFile = (name: string, key: string): string => {
    const bucket = bucketNamed(name);
    const object = bucket.objects.get(key);
    if (object === undefined) throw new Error(`no object ${key} in ${name}`);
    return storage.path(bucket, object.file);
  };
  return {
    endpoint: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    ...account,
    dir,
    requests,
    counts: () => countByOperation(requests),
    clearLog: () => {
      requests.length = 0;
    },
    readObject: (bucket, key) => readFile(objectFile(bucket, key)),
    objectFile,
    listKeys: (bucket) => [...bucketNamed(bucket).objects.keys()],
    openUploads: (bucket) =>
      [...bucketNamed(bucket).uploads.values()].map(({ upload, parts }) => ({
        key: upload.key,
        uploadId: upload.uploadId,
        parts: [...parts.keys()].sort((a, b) => a - b),
      })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          storage.close();
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

const maxKeyBytes = 1024;
