import { describe, expect, it } from 'vitest';
import { storeError } from '../../../main/engine/store/storeError.ts';
import { type ErrorCode, SluiceError } from '../../../shared/errors.ts';

const place = { endpoint: 'https://minio.lan:9000', bucket: 'photos', profile: null };
const named = (name: string, status: number | null, more: object = {}) =>
  Object.assign(new Error('said so'), {
    name,
    ...(status !== null && { $metadata: { httpStatusCode: status, requestId: 'R1' } }),
    ...more,
  });
const node = (code: string, message = code) => Object.assign(new Error(message), { code });
const sdkError = (status: number) => named('Unknown', status);

describe('every failure has its code', () => {
  const cases: readonly (readonly [string, unknown, ErrorCode, retryable: boolean])[] = [
    ['ENOTFOUND', node('ENOTFOUND'), 'store-dns', true],
    ['EAI_AGAIN', node('EAI_AGAIN'), 'store-dns', true],
    ['ECONNREFUSED', node('ECONNREFUSED'), 'store-unreachable', true],
    ['ECONNRESET', node('ECONNRESET'), 'store-unreachable', true],
    ['EPIPE', node('EPIPE'), 'store-unreachable', true],
    ['EHOSTUNREACH', node('EHOSTUNREACH'), 'store-unreachable', true],
    ['ENETUNREACH', node('ENETUNREACH'), 'store-unreachable', true],
    [
      'all addresses refused',
      Object.assign(new AggregateError([node('ECONNREFUSED'), node('ENETUNREACH')])),
      'store-unreachable',
      true,
    ],
    ['wrapped reset', new Error('failed', { cause: node('ECONNRESET') }), 'store-unreachable', true],
    ['no connection in time', Object.assign(node('ETIMEDOUT'), { name: 'TimeoutError' }), 'store-unreachable', true],
    ['no progress', Object.assign(node('STALLED'), { name: 'TimeoutError' }), 'store-timeout', true],
    ['CERT_HAS_EXPIRED', node('CERT_HAS_EXPIRED'), 'store-tls', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', node('DEPTH_ZERO_SELF_SIGNED_CERT'), 'store-tls', false],
    ['SELF_SIGNED_CERT_IN_CHAIN', node('SELF_SIGNED_CERT_IN_CHAIN'), 'store-tls', false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', node('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'store-tls', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', node('ERR_TLS_CERT_ALTNAME_INVALID'), 'store-tls', false],
    ['EPROTO', node('EPROTO', 'wrong version number'), 'store-tls', false],
    ['SlowDown', named('SlowDown', 503), 'store-throttled', true],
    ['bare 503', sdkError(503), 'store-throttled', true],
    ['bare 429', sdkError(429), 'store-throttled', true],
    ['Throttling', named('Throttling', 400), 'store-throttled', true],
    ['RequestLimitExceeded', named('RequestLimitExceeded', 400), 'store-throttled', true],
    ['InternalError', named('InternalError', 500), 'store-server-error', true],
    ['InternalError in a 200', named('InternalError', 503), 'store-server-error', true],
    ['bare 500', sdkError(500), 'store-server-error', true],
    ['bare 502', sdkError(502), 'store-server-error', true],
    ['bare 504', sdkError(504), 'store-server-error', true],
    ['RequestTimeout', named('RequestTimeout', 400), 'store-timeout', true],
    ['InvalidAccessKeyId', named('InvalidAccessKeyId', 403), 'wrong-keys', false],
    ['SignatureDoesNotMatch', named('SignatureDoesNotMatch', 403), 'wrong-keys', false],
    ['ExpiredToken', named('ExpiredToken', 400), 'expired-credentials', false],
    ['ExpiredTokenException', named('ExpiredTokenException', 403), 'expired-credentials', false],
    ['TokenRefreshRequired', named('TokenRefreshRequired', 400), 'expired-credentials', false],
    ['CredentialsProviderError', named('CredentialsProviderError', null), 'no-credentials', false],
    ['AccessDenied', named('AccessDenied', 403), 'access-denied', false],
    ['AllAccessDisabled', named('AllAccessDisabled', 403), 'access-denied', false],
    ['bare 403', sdkError(403), 'access-denied', false],
    ['RequestTimeTooSkewed', named('RequestTimeTooSkewed', 403), 'clock-skew', true],
    ['NoSuchBucket', named('NoSuchBucket', 404), 'no-such-bucket', false],
    ['NoSuchUpload', named('NoSuchUpload', 404), 'no-such-upload', false],
    ['NoSuchKey', named('NoSuchKey', 404), 'no-such-key', false],
    ['bare 404', named('NotFound', 404), 'no-such-key', false],
    ['BadDigest', named('BadDigest', 400), 'checksum-mismatch', true],
    ['InvalidDigest', named('InvalidDigest', 400), 'checksum-mismatch', true],
    ['XAmzContentSHA256Mismatch', named('XAmzContentSHA256Mismatch', 400), 'checksum-mismatch', true],
    [
      'InvalidRequest of a checksum',
      Object.assign(named('InvalidRequest', 400), { message: 'The computed checksum did not match' }),
      'checksum-mismatch',
      true,
    ],
    [
      'InvalidRequest of the size',
      Object.assign(named('InvalidRequest', 400), {
        message: "The provided 'x-amz-mp-object-size' header does not match",
      }),
      'invalid-part',
      false,
    ],
    ['PreconditionFailed', named('PreconditionFailed', 412), 'precondition-failed', false],
    ['bare 412', sdkError(412), 'precondition-failed', false],
    ['ConditionalRequestConflict', named('ConditionalRequestConflict', 409), 'conflict', true],
    ['OperationAborted', named('OperationAborted', 409), 'conflict', true],
    ['InvalidPart', named('InvalidPart', 400), 'invalid-part', false],
    ['InvalidPartOrder', named('InvalidPartOrder', 400), 'invalid-part', false],
    ['EntityTooSmall', named('EntityTooSmall', 400), 'invalid-part', false],
    ['PermanentRedirect', named('PermanentRedirect', 301), 'wrong-region', false],
    ['bare 301', sdkError(301), 'wrong-region', false],
    ['aborted by us', named('AbortError', null), 'interrupted', false],
    ['something new', named('TeapotError', 418), 'store-refused', false],
    ['no Error at all', 'nonsense', 'store-refused', false],
  ];
  it.each(cases)('%s', (_name, thrown, code, retryable) => {
    const error = storeError(thrown, 'PutObject', place);
    expect(error.code).toBe(code);
    expect(error.retryable).toBe(retryable);
    expect(error.details.operation).toBe('PutObject');
    expect(error.message).toMatch(/^\S.{10,200}[^.\s]$/);
    expect(error.details.remedy).not.toBe('');
  });
});

describe('what the user is told', () => {
  it('the right region, when the server names it', () => {
    const fromHeader = named('PermanentRedirect', 301, {
      $response: { headers: { 'x-amz-bucket-region': 'eu-west-1' } },
    });
    const fromBody = named('AuthorizationHeaderMalformed', 400, { Region: 'eu-west-1' });
    for (const thrown of [fromHeader, fromBody]) {
      const error = storeError(thrown, 'PutObject', place);
      expect(error.code).toBe('wrong-region');
      expect(error.message).toContain('eu-west-1');
      expect(error.details.remedy).toContain('--region eu-west-1');
    }
  });

  it('how far the clock is off, and which way', () => {
    const now = Date.parse('2026-01-01T12:00:00Z');
    const skewed = (ServerTime: string) =>
      storeError(named('RequestTimeTooSkewed', 403, { ServerTime }), 'PutObject', place, now).message;
    expect(skewed('2026-01-01T11:23:00Z')).toContain('37 minutes ahead');
    expect(skewed('2026-01-01T12:20:00Z')).toContain('20 minutes behind');
  });

  it('how long the store wants to be left alone: seconds or a date', () => {
    const wait = (value: string) =>
      storeError(named('SlowDown', 503, { $response: { headers: { 'retry-after': value } } }), 'PutObject', place)
        .details.retryAfterMs;
    expect(wait('7')).toBe(7_000);
    expect(wait(new Date(Date.now() + 30_000).toUTCString())).toBeGreaterThan(25_000);
    expect(wait('soon')).toBe(0);
  });

  it('bucket, endpoint, status, code and request id', () => {
    const error = storeError(named('NoSuchBucket', 404), 'HeadBucket', place);
    expect(error.message).toBe('There is no bucket photos at https://minio.lan:9000');
    expect(error.details).toMatchObject({ httpStatus: 404, s3Code: 'NoSuchBucket', requestId: 'R1' });
  });

  it("S3's own words, where we have no better ones", () => {
    expect(storeError(named('MethodNotAllowed', 405), 'PutObject', place).message).toContain(
      'MethodNotAllowed: said so',
    );
  });

  it('how to sign in again, for the profile in use', () => {
    const thrown = Object.assign(named('CredentialsProviderError', null), {
      message: 'The SSO session associated with this profile has expired.',
    });
    const error = storeError(thrown, 'PutObject', { ...place, profile: 'work' });
    expect(error.code).toBe('expired-credentials');
    expect(error.details.remedy).toContain('aws sso login --profile work');
  });

  it('a HEAD of a bucket that is not there is about the bucket', () => {
    expect(storeError(named('NotFound', 404), 'HeadBucket', place).code).toBe('no-such-bucket');
  });

  it('an upload that Ceph calls no key is an upload that is gone', () => {
    for (const operation of ['ListParts', 'UploadPart', 'CompleteMultipartUpload', 'AbortMultipartUpload'])
      expect(storeError(named('NoSuchKey', 404), operation, place).code).toBe('no-such-upload');
    expect(storeError(named('NoSuchKey', 404), 'HeadObject', place).code).toBe('no-such-key');
  });

  it('our own errors pass as they are', () => {
    const own = new SluiceError('source-changed', 'It changed');
    expect(storeError(own, 'PutObject', place)).toBe(own);
  });
});
