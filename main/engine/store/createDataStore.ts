import type { IncomingHttpHeaders } from 'node:http';
import { SluiceError } from '../../../shared/errors.ts';
import type { ChecksumAlgorithm, ObjectPolicy } from '../../../shared/settings.ts';
import { bodyHeaders, bodyToSend } from './bodyHeaders.ts';
import { type BucketAddress, bucketAddress, escapeKey, escapeText } from './bucketAddress.ts';
import { checksumOf } from './checksumFields.ts';
import { resolveEndpoint } from './endpoint.ts';
import { errorAnswer } from './errorAnswer.ts';
import type { WireAnswer } from './exchange.ts';
import { type AnswerSink, createHttpPool, type HttpPool, type HttpRequest } from './httpPool.ts';
import { memoCredentials } from './memoCredentials.ts';
import { hasLeft, meteredFolder } from './meteredAs.ts';
import { answerOf, checksumsOf, headOf, sliceFields } from './objectAnswer.ts';
import { conditionFields, metadataFields, numberOrNull, unquoted } from './objectFields.ts';
import { policedDataStore } from './policedStore.ts';
import { policyRefusal } from './policyRefusal.ts';
import { providerOfAnswer } from './providers/detectProvider.ts';
import { readCaBundle } from './readCaBundle.ts';
import { asS3Failure } from './s3Failure.ts';
import { amzDateOf, signV4 } from './signV4.ts';
import { createSocketPool } from './socketPool.ts';
import type { DataStore, FoundBucket, SentObject, StoreBody, StoreCredentials, StoreOptions } from './store.ts';
import { type ErrorPlace, storeError } from './storeError.ts';

const connectTimeoutMs = 10_000;
const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

interface Call {
  readonly operation: string;
  readonly method: 'PUT' | 'HEAD' | 'GET';
  /** Escaped, behind the bucket's path. */
  readonly path: string;
  readonly query?: string;
  /** name, value, name, value…: lower case, any order. */
  readonly headers?: readonly string[];
  readonly body?: StoreBody;
  readonly freshConnection?: boolean;
  readonly sink?: AnswerSink;
  readonly signal?: AbortSignal | undefined;
}

/** The bucket's data requests without the AWS SDK: signed and sent by ourselves. Throws `bad-settings`. */
export function createDataStore(options: StoreOptions): DataStore {
  const { target } = options;
  const { connection, bucket } = target;
  const endpoint = resolveEndpoint(connection);
  const profile = connection.credentials.kind === 'chain' ? connection.credentials.profile : null;
  const place: ErrorPlace = { endpoint: endpoint.name, bucket, profile };
  const connections = {
    maxSockets: options.maxSockets,
    stallTimeoutMs: options.stallTimeoutMs,
    connectTimeoutMs,
    ca: connection.caBundlePath === null ? undefined : readCaBundle(connection.caBundlePath),
    verifyTls: connection.verifyTls,
    minTls: target.policy?.tls?.minimum,
  };
  const pool = createSocketPool(connections);
  /** What is read back comes as it is written down, at the pace of the disk: node:http does that well. */
  let reading: HttpPool | undefined;
  let credentials = memoCredentials(options.credentials);
  let last: StoreCredentials | undefined;
  let region = connection.region ?? 'us-east-1';
  let address: BucketAddress | undefined;
  /** The store's clock minus ours. */
  let clockOffsetMs = 0;

  const read = async (request: HttpRequest): Promise<WireAnswer> => {
    reading ??= createHttpPool(connections);
    const answer = await reading.send(request);
    return { ...answer, headers: joined(answer.headers), timing: noTiming };
  };

  const attempt = async (call: Call): Promise<WireAnswer> => {
    const keys = await credentials();
    last = keys;
    address ??= bucketAddress(endpoint, bucket, region);
    const amzDate = amzDateOf(Date.now() + clockOffsetMs);
    const payloadHash = payloadHashOf(call, endpoint.signsPayload);
    const headers = ['host', address.hostHeader, 'x-amz-content-sha256', payloadHash, 'x-amz-date', amzDate];
    if (keys.sessionToken !== undefined) headers.push('x-amz-security-token', keys.sessionToken);
    if (call.headers) headers.push(...call.headers);
    if (call.body) headers.push(...bodyHeaders(call.body));
    sortPairs(headers);
    const path = `${address.bucketPath}${call.path}` || '/';
    const query = call.query ?? '';
    const { method } = call;
    const authorization = signV4({ method, path, query, headers, payloadHash, amzDate, region, keys });
    options.onRequest(call.operation);
    headers.push('authorization', authorization, 'user-agent', 'sluice');
    const place = { tls: address.tls, hostname: address.hostname, port: address.port, method };
    const target = query === '' ? path : `${path}?${query}`;
    const { signal, sink } = call;
    const sent = sink
      ? read({ ...place, path: target, headers: byName(headers), body: null, patience: 1, signal, sink })
      : pool.send({
          ...place,
          path: target,
          headers,
          body: call.body ? bodyToSend(call.body) : null,
          fresh: call.freshConnection ?? false,
          signal,
        });
    const { onMetered } = options;
    const meter = (status: number | null): void =>
      onMetered?.({ folderId: meteredFolder(), operation: call.operation, status, bodyBytes: bytesOf(call.body) });
    const answer = await sent.catch((error: unknown) => {
      if (hasLeft(error)) meter(null);
      throw error;
    });
    meter(answer.status);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw errorAnswer(answer);
  };

  /** Whether the next attempt has a better chance than this one. */
  const mended = async (error: SluiceError, thrown: unknown): Promise<boolean> => {
    if (error.code === 'wrong-region' && connection.region === null) {
      const found = asS3Failure(thrown).region;
      if (found === null || found === region) return false;
      region = found;
      address = undefined;
      return true;
    }
    if (error.code === 'clock-skew') {
      const { serverTimeMs } = asS3Failure(thrown);
      if (serverTimeMs === null) return false;
      clockOffsetMs = serverTimeMs - Date.now();
      return true;
    }
    const isAboutKeys = error.code === 'expired-credentials' || error.code === 'wrong-keys';
    if (!isAboutKeys || error.details.httpStatus === undefined) return false;
    const before = last;
    credentials = memoCredentials(options.credentials);
    try {
      const now = await credentials();
      return (
        now.accessKeyId !== before?.accessKeyId ||
        now.secretAccessKey !== before.secretAccessKey ||
        now.sessionToken !== before.sessionToken
      );
    } catch {
      // The refusal is the better message; the next request meets the provider's error itself.
      return false;
    }
  };

  /** A body can't be sent again from here: the caller may, when the cause was mended. */
  const sendOnce = async (call: Call): Promise<WireAnswer> => {
    try {
      return await attempt(call);
    } catch (thrown) {
      const error = storeError(thrown, call.operation, place);
      if (!(await mended(error, thrown))) throw error;
      throw SluiceError.fromView({ ...error.view(), retryable: true, retryAfterMs: 0 });
    }
  };

  const ask = async (call: Call): Promise<WireAnswer> => {
    try {
      return await attempt(call);
    } catch (thrown) {
      const error = storeError(thrown, call.operation, place);
      if (!(await mended(error, thrown))) throw error;
    }
    try {
      return await attempt(call);
    } catch (thrown) {
      throw storeError(thrown, call.operation, place);
    }
  };

  /** HEAD answers have no body: a listing says why one was refused. */
  const askHead = async (call: Call): Promise<WireAnswer | null> => {
    try {
      return await ask(call);
    } catch (thrown) {
      const error = storeError(thrown, call.operation, place);
      if (!unexplained.has(error.code)) throw error;
      const reason = await ask({
        operation: 'ListObjectsV2',
        method: 'GET',
        path: '',
        query: 'list-type=2&max-keys=1',
      }).then(
        () => null,
        (refused: unknown) => storeError(refused, 'ListObjectsV2', place),
      );
      // Asking may have renewed the credentials or found the region.
      if (reason === null) return call.operation === 'HeadBucket' ? null : ask(call);
      throw reason.code === 'access-denied' && call.operation !== 'HeadBucket' ? error : reason;
    }
  };

  return policedDataStore(target, {
    target,
    signsPayload: endpoint.signsPayload,

    headBucket: async (): Promise<FoundBucket> => {
      const answer = await askHead({ operation: 'HeadBucket', method: 'HEAD', path: '' });
      if (answer === null) return { region: null };
      return { region: answer.headers['x-amz-bucket-region'] ?? null, provider: providerOfAnswer(answer.headers) };
    },

    headObject: async (key) => {
      try {
        const answer = await askHead({
          operation: 'HeadObject',
          method: 'HEAD',
          path: `/${escapeKey(key)}`,
          headers: ['x-amz-checksum-mode', 'ENABLED'],
        });
        return headOf(answer?.headers ?? {});
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'no-such-key') return null;
        throw error;
      }
    },

    getObject: async ({ key, slice, ifMatch, signal, begin, write }) => {
      await ask({
        operation: 'GetObject',
        method: 'GET',
        path: `/${escapeKey(key)}`,
        ...sliceFields(slice, ifMatch),
        signal,
        sink: { begin: (headers, status) => begin(answerOf(joined(headers), status)), write },
      });
    },

    partLayout: async ({ key, ifMatch }) => {
      const answer = await askHead({
        operation: 'HeadObject',
        method: 'HEAD',
        path: `/${escapeKey(key)}`,
        ...sliceFields({ kind: 'part', partNumber: 1 }, ifMatch),
      });
      const partCount = numberOrNull(answer?.headers['x-amz-mp-parts-count']);
      const firstPartBytes = numberOrNull(answer?.headers['content-length']);
      return partCount === null || firstPartBytes === null ? null : { partCount, firstPartBytes };
    },

    putObject: async ({ key, body, policy, metadata, condition, signal }) => {
      const { IfNoneMatch, IfMatch } = conditionFields(condition);
      const headers = policyHeaders(policy);
      const fields = metadataFields(metadata);
      for (const name in fields) headers.push(`x-amz-meta-${name}`, fields[name]!);
      if (IfNoneMatch !== undefined) headers.push('if-none-match', IfNoneMatch);
      if (IfMatch !== undefined) headers.push('if-match', IfMatch);
      const path = `/${escapeKey(key)}`;
      const answer = await sendOnce({ operation: 'PutObject', method: 'PUT', path, headers, body, signal }).catch(
        (error: SluiceError) => {
          throw policyRefusal(error, policy);
        },
      );
      return sentObject(answer, algorithmOf(body), 'PutObject');
    },

    uploadPart: async ({ key, uploadId, partNumber, body, freshConnection, signal }) => {
      const answer = await sendOnce({
        operation: 'UploadPart',
        method: 'PUT',
        path: `/${escapeKey(key)}`,
        query: `partNumber=${partNumber}&uploadId=${escapeText(uploadId)}`,
        body,
        freshConnection,
        signal,
      });
      return sentObject(answer, algorithmOf(body), 'UploadPart');
    },

    close: () => {
      pool.close();
      reading?.close();
    },
  });
}

/** Codes a HEAD answer leaves open: wrong keys, a skewed clock, a wrong region and a denial all look alike without a body. */
const unexplained = new Set(['access-denied', 'store-refused', 'wrong-keys']);

const bytesOf = (body: StoreBody | undefined): number =>
  body === undefined ? 0 : body.kind === 'bytes' ? body.bytes.byteLength : body.length;

function byName(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < pairs.length; i += 2) headers[pairs[i]!] = pairs[i + 1]!;
  return headers;
}

function joined(from: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in from) {
    const value = from[name];
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}

const noTiming = { connectMs: 0, bodyMs: 0, answerMs: 0 };

/** By name, in place. A dozen and a half pairs: insertion beats a sort, and makes nothing that must be swept up. */
function sortPairs(pairs: string[]): void {
  for (let i = 2; i < pairs.length; i += 2) {
    const [name, value] = [pairs[i]!, pairs[i + 1]!];
    let at = i;
    for (; at > 0 && pairs[at - 2]! > name; at -= 2) {
      pairs[at] = pairs[at - 2]!;
      pairs[at + 1] = pairs[at - 1]!;
    }
    pairs[at] = name;
    pairs[at + 1] = value;
  }
}

function payloadHashOf({ body, operation }: Call, signsPayload: boolean): string {
  if (body === undefined) return emptySha256;
  if (body.kind === 'pumped' && body.checksum.placement === 'trailer') {
    if (signsPayload) throw new SluiceError('internal', `${operation} can't have a trailer: its payload is signed`);
    return 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  }
  if (!signsPayload) return 'UNSIGNED-PAYLOAD';
  if (body.sha256Hex === undefined) throw new SluiceError('internal', `${operation} needs the SHA-256 of its payload`);
  return body.sha256Hex;
}

function policyHeaders({ storageClass, sse }: ObjectPolicy): string[] {
  const headers: string[] = [];
  if (storageClass !== null) headers.push('x-amz-storage-class', storageClass);
  if (sse.kind !== 'bucket-default') headers.push('x-amz-server-side-encryption', sse.kind);
  if (sse.kind === 'aws:kms' && sse.keyId !== null)
    headers.push('x-amz-server-side-encryption-aws-kms-key-id', sse.keyId);
  return headers;
}

function algorithmOf(body: StoreBody): ChecksumAlgorithm {
  if (body.kind === 'bytes') return body.checksum.algorithm;
  return body.checksum.placement === 'trailer' ? body.checksum.algorithm : body.checksum.checksum.algorithm;
}

function sentObject({ headers, timing }: WireAnswer, algorithm: ChecksumAlgorithm, operation: string): SentObject {
  // S3 may answer 200 and put an error, or nothing, into the body.
  if (!headers.etag)
    throw new SluiceError('store-server-error', `The store's answer to ${operation} has no ETag`, { operation });
  return {
    etag: unquoted(headers.etag),
    checksum: checksumOf(checksumsOf(headers), algorithm),
    sse: headers['x-amz-server-side-encryption'] ?? null,
    timing,
  };
}
