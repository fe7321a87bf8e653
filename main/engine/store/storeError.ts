import type { ErrorCode, ErrorDetails } from '../../../shared/errors.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { asS3Failure, type S3Failure } from './s3Failure.ts';

/** Where the request went, for the sentence. */
export interface ErrorPlace {
  /** The endpoint's URL without secrets, or `AWS S3`. */
  readonly endpoint: string;
  readonly bucket: string | null;
  readonly profile?: string | null;
}

const anyPlace: ErrorPlace = { endpoint: 'the store', bucket: null };

/** Whatever the SDK, Node or the server threw, as our error. A SluiceError passes unchanged. `nowMs` is this machine's clock. */
export function storeError(
  thrown: unknown,
  operation: string,
  place: ErrorPlace = anyPlace,
  nowMs = Date.now(),
): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const failure = asS3Failure(thrown);
  const { code, message, ...details } = classify(failure, operation, place, nowMs);
  return new SluiceError(code, message, {
    ...details,
    operation,
    cause: thrown,
    ...(failure.status !== null && { httpStatus: failure.status }),
    ...(failure.status !== null && failure.name !== '' && { s3Code: failure.name }),
    ...(failure.requestId !== null && { requestId: failure.requestId }),
    ...(failure.retryAfterMs !== null && { retryAfterMs: failure.retryAfterMs }),
  });
}

type Verdict = { readonly code: ErrorCode; readonly message: string } & Pick<
  ErrorDetails,
  'remedy' | 'retryable' | 'retryAfterMs'
>;

function classify(failure: S3Failure, operation: string, place: ErrorPlace, nowMs: number): Verdict {
  if (failure.name === 'AbortError') return { code: 'interrupted', message: `${operation} was interrupted` };
  return (
    nodeVerdict(failure, place) ??
    credentialVerdict(failure, place) ??
    s3Verdict(failure, operation, place, nowMs) ??
    statusVerdict(failure, operation, place) ?? {
      code: 'store-refused',
      message: `${place.endpoint} refused ${operation}: ${sentenceOf(failure)}`,
    }
  );
}

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection',
  ECONNRESET: 'broke the connection',
  EPIPE: 'broke the connection',
  ECONNABORTED: 'broke the connection',
  EHOSTUNREACH: "can't be reached",
  EHOSTDOWN: "can't be reached",
  ENETUNREACH: "can't be reached: no network",
  ENETDOWN: "can't be reached: no network",
  EADDRNOTAVAIL: "can't be reached: no free local port",
  ETIMEDOUT: "doesn't answer",
  ESOCKETTIMEDOUT: "doesn't answer",
};

function nodeVerdict({ nodeCode, name, message }: S3Failure, { endpoint }: ErrorPlace): Verdict | null {
  if (nodeCode === null && name === 'TimeoutError')
    return { code: 'store-timeout', message: `${endpoint} stopped answering` };
  if (nodeCode === null) return null;
  if (nodeCode === 'STALLED') return { code: 'store-timeout', message: `${endpoint} stopped answering: ${message}` };
  if (nodeCode === 'ENOTFOUND' || nodeCode === 'EAI_AGAIN' || nodeCode === 'EAI_FAIL') {
    return { code: 'store-dns', message: `The host of ${endpoint} can't be found` };
  }
  const reason = unreachable[nodeCode];
  if (reason !== undefined) return { code: 'store-unreachable', message: `${endpoint} ${reason}` };
  if (
    /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)|SELF_SIGNED_CERT/.test(
      nodeCode,
    )
  ) {
    return { code: 'store-tls', message: `No secure connection to ${endpoint}: ${tlsReason(nodeCode, message)}` };
  }
  if (nodeCode.startsWith('HPE_')) {
    return {
      code: 'store-unreachable',
      message: `${endpoint} does not answer in HTTP`,
      retryable: false,
      remedy: 'Check the endpoint URL: http or https, and the port.',
    };
  }
  return null;
}

function tlsReason(nodeCode: string, message: string): string {
  if (nodeCode === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (nodeCode === 'CERT_NOT_YET_VALID') return "its certificate is not valid yet; is this machine's clock right?";
  if (nodeCode === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another name';
  if (nodeCode.includes('SELF_SIGNED')) return 'its certificate is self-signed';
  if (nodeCode.startsWith('UNABLE_TO_')) return 'the authority of its certificate is not known here';
  if (/wrong.version.number|packet length too long/i.test(message) || nodeCode === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return 'it does not speak TLS on this port';
  return `the TLS handshake failed (${nodeCode})`;
}

function credentialVerdict({ name, message }: S3Failure, place: ErrorPlace): Verdict | null {
  if (
    expired.has(name) ||
    (isCredentialsError(name) && /expired|refresh this sso session|token refresh|reauthenticate/i.test(message))
  ) {
    const profile = place.profile ?? null;
    return {
      code: 'expired-credentials',
      message: profile === null ? 'The sign-in has expired' : `The sign-in of profile ${profile} has expired`,
      remedy:
        profile === null
          ? 'Sign in again (for SSO: aws sso login).'
          : `Sign in again (for SSO: aws sso login --profile ${profile}).`,
    };
  }
  if (isCredentialsError(name))
    return { code: 'no-credentials', message: `No credentials were found for ${place.endpoint}` };
  if (wrongKeys.has(name)) {
    return {
      code: 'wrong-keys',
      message: `${place.endpoint} does not accept the ${name === 'SignatureDoesNotMatch' ? 'secret' : 'access'} key`,
    };
  }
  return null;
}

const isCredentialsError = (name: string): boolean =>
  name === 'CredentialsProviderError' || name === 'TokenProviderError';
const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'SSOTokenProviderFailure']);
const wrongKeys = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidSecurity',
]);
const throttled = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestLimitExceeded',
  'TooManyRequests',
  'TooManyRequestsException',
  'RequestThrottled',
  'BandwidthLimitExceeded',
  'Busy',
  'SlowDownRead',
  'SlowDownWrite',
  'XMinioServerBusy',
]);
const denied = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'AccountProblem',
  'NotSignedUp',
  'AccessDeniedException',
  'InvalidPayer',
]);
const mismatch = new Set([
  'BadDigest',
  'InvalidDigest',
  'XAmzContentSHA256Mismatch',
  'ContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
]);

function s3Verdict(failure: S3Failure, operation: string, place: ErrorPlace, nowMs: number): Verdict | null {
  const { name, message } = failure;
  const { endpoint } = place;
  const bucket = place.bucket ?? '(none)';
  if (throttled.has(name)) return { code: 'store-throttled', message: `${endpoint} asks to slow down` };
  if (denied.has(name)) return { code: 'access-denied', message: deniedMessage(operation, place) };
  if (
    mismatch.has(name) ||
    (name === 'InvalidRequest' && /checksum.*(not match|mismatch)|not match.*checksum/i.test(message))
  ) {
    return { code: 'checksum-mismatch', message: `${endpoint} received other bytes than were sent (${name})` };
  }
  if (name === 'InvalidRequest' && /mp-object-size/i.test(message)) {
    return { code: 'invalid-part', message: `${endpoint} counts other bytes in this upload than were sent` };
  }
  switch (name) {
    case 'InternalError':
      return { code: 'store-server-error', message: `${endpoint} failed inside (${name})` };
    case 'RequestTimeout':
    case 'RequestTimeoutException':
      return { code: 'store-timeout', message: `${endpoint} gave up waiting for the rest of the request` };
    case 'IncompleteBody':
      return { code: 'store-unreachable', message: `${endpoint} received only a part of the request` };
    case 'RequestTimeTooSkewed':
    case 'RequestExpired':
    case 'RequestInTheFuture':
      return { code: 'clock-skew', message: skewMessage(failure.serverTimeMs, endpoint, nowMs) };
    case 'NoSuchBucket':
      return { code: 'no-such-bucket', message: `There is no bucket ${bucket} at ${endpoint}` };
    case 'InvalidBucketName':
      return { code: 'no-such-bucket', message: `${bucket} is no name of a bucket` };
    case 'NoSuchUpload':
      return unknownUpload(place);
    case 'NoSuchKey':
      return notThere(operation, place);
    case 'InvalidObjectState':
      return { code: 'object-archived', message: `The object is archived in ${bucket} and can't be read as it is` };
    case 'PreconditionFailed':
      return { code: 'precondition-failed', message: `Somebody else wrote this object in ${bucket}` };
    case 'ConditionalRequestConflict':
    case 'OperationAborted':
      return { code: 'conflict', message: `Another request for the same object was under way in ${bucket}` };
    case 'InvalidPart':
    case 'InvalidPartOrder':
    case 'EntityTooSmall':
      return { code: 'invalid-part', message: `${endpoint} does not accept the parts of this upload (${name})` };
    case 'EntityTooLarge':
      return { code: 'file-too-large', message: `The object is larger than ${endpoint} takes` };
    case 'KeyTooLongError':
      return { code: 'key-too-long', message: `The key is longer than ${endpoint} takes` };
    case 'PermanentRedirect':
    case 'IllegalLocationConstraintException':
      return wrongRegion(failure, place);
    case 'TemporaryRedirect':
      return { code: 'store-server-error', message: `${endpoint} is still setting up bucket ${bucket}` };
    case 'AuthorizationHeaderMalformed':
      return failure.region === null
        ? { code: 'wrong-keys', message: `${endpoint} does not accept the access key` }
        : wrongRegion(failure, place);
    default:
      return null;
  }
}

/** What an answer without a code (HEAD has no body) can tell. */
function statusVerdict(failure: S3Failure, operation: string, place: ErrorPlace): Verdict | null {
  const { endpoint } = place;
  switch (failure.status) {
    case 301:
      return wrongRegion(failure, place);
    case 400:
      return operation === 'HeadBucket' && failure.region !== null ? wrongRegion(failure, place) : null;
    case 401:
      return { code: 'wrong-keys', message: `${endpoint} does not accept the keys` };
    case 403:
      return { code: 'access-denied', message: deniedMessage(operation, place) };
    case 404:
      if (failure.name !== '' && failure.name !== 'NotFound' && !failure.nameIsGuess) return null;
      return operation === 'HeadBucket' || operation.startsWith('List')
        ? { code: 'no-such-bucket', message: `There is no bucket ${place.bucket ?? ''} at ${endpoint}` }
        : notThere(operation, place);
    case 408:
      return { code: 'store-timeout', message: `${endpoint} gave up waiting for the rest of the request` };
    case 409:
      return { code: 'conflict', message: `Another request was in the way of ${operation} at ${endpoint}` };
    case 412:
      return {
        code: 'precondition-failed',
        message: `Somebody else wrote this object in ${place.bucket ?? 'the bucket'}`,
      };
    case 429:
    case 503:
      return { code: 'store-throttled', message: `${endpoint} asks to slow down` };
    case 500:
    case 502:
    case 504:
      return { code: 'store-server-error', message: `${endpoint} failed inside (HTTP ${failure.status})` };
    default:
      return null;
  }
}

/** Ceph says NoSuchKey of an upload that is gone. */
const notThere = (operation: string, place: ErrorPlace): Verdict =>
  uploadOperations.has(operation)
    ? unknownUpload(place)
    : { code: 'no-such-key', message: `The object is not in ${place.bucket ?? 'the bucket'}` };
const uploadOperations = new Set(['UploadPart', 'ListParts', 'CompleteMultipartUpload', 'AbortMultipartUpload']);

const unknownUpload = ({ endpoint }: ErrorPlace): Verdict => ({
  code: 'no-such-upload',
  message: `${endpoint} does not know this upload`,
});

function wrongRegion({ region }: S3Failure, { endpoint, bucket }: ErrorPlace): Verdict {
  const what = bucket === null ? endpoint : `Bucket ${bucket}`;
  if (region === null) return { code: 'wrong-region', message: `${what} is in another region` };
  return {
    code: 'wrong-region',
    message: `${what} is in region ${region}`,
    remedy: `Set the region with --region ${region}.`,
  };
}

const deniedMessage = (operation: string, { endpoint, bucket }: ErrorPlace): string =>
  bucket === null || operation === 'ListBuckets'
    ? `${endpoint} does not allow ${operation}`
    : `${endpoint} does not allow ${operation} on bucket ${bucket}`;

function skewMessage(serverTimeMs: number | null, endpoint: string, nowMs: number): string {
  if (serverTimeMs === null) return `This machine's clock is more than 15 minutes away from that of ${endpoint}`;
  const minutes = Math.round(Math.abs(nowMs - serverTimeMs) / 60_000);
  return `This machine's clock is ${minutes} minutes ${nowMs > serverTimeMs ? 'ahead of' : 'behind'} that of ${endpoint}`;
}

function sentenceOf({ name, message, status }: S3Failure): string {
  const said = message === '' || message === name ? '' : message;
  return [name, said].filter((part) => part !== '').join(': ') || `HTTP ${status ?? '?'}`;
}
