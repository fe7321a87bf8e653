import { createHash, createHmac } from 'node:crypto';
import { S3Error } from './s3Error.ts';
import { encodeUri, type QueryParameter } from './uri.ts';

export interface SignedRequest {
  readonly method: string;
  /** Decoded, with its leading slash, as the client addressed it (bucket included only in path style). */
  readonly path: string;
  readonly query: readonly QueryParameter[];
  /** Lower-case names; several values of one name in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

export interface Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/** What is left to check once the head is proven: the payload, and the chain of chunk signatures that starts at `signature`. */
export interface ProvenSignature {
  readonly payloadHash: string;
  readonly signature: string;
  readonly scope: string;
  readonly amzDate: string;
  readonly signingKey: Buffer;
}

const algorithm = 'AWS4-HMAC-SHA256';
const maxSkewMs = 15 * 60_000;
const maxPresignSeconds = 604_800;

/** Checks the head of a request as S3 does; throws the S3Error that S3 would answer. */
export function proveSignature(request: SignedRequest, account: Account, now: Date): ProvenSignature {
  const authorization = header(request, 'authorization');
  const presigned = request.query.some(({ name }) => name === 'X-Amz-Algorithm' || name === 'X-Amz-Signature');
  if (authorization !== undefined && presigned)
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'Authorization', ArgumentValue: authorization },
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    );
  if (authorization !== undefined) return proveHeader(request, authorization, account, now);
  if (presigned) return provePresigned(request, account, now);
  throw new S3Error('AccessDenied');
}

export function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The key for one day, region and service. */
export function deriveSigningKey(secret: string, scope: string): Buffer {
  const [date = '', region = '', service = '', terminator = ''] = scope.split('/');
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), terminator);
}

/** `signedHeaders` lower-case and sorted. Header values are bytes as latin1, which is how Node hands them over. */
export function canonicalRequest(
  request: SignedRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  const query = request.query
    .filter(({ name }) => name !== 'X-Amz-Signature')
    .map(({ name, value }) => [encodeUri(name), encodeUri(value)] as const)
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const headers = signedHeaders.map((name) => {
    const values = request.headers.get(name) ?? [];
    return `${name}:${values.map((value) => value.trim().replace(/ +/g, ' ')).join(',')}\n`;
  });
  return [
    request.method,
    encodeUri(request.path, '/'),
    query,
    headers.join(''),
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

export function stringToSign(amzDate: string, scope: string, canonical: string): string {
  return [algorithm, amzDate, scope, sha256Hex(Buffer.from(canonical, 'latin1'))].join('\n');
}

function proveHeader(request: SignedRequest, authorization: string, account: Account, now: Date): ProvenSignature {
  if (!authorization.startsWith(algorithm))
    throw new S3Error(
      'InvalidRequest',
      {},
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    );
  const match =
    /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([^,\s]+)\s*$/.exec(
      authorization,
    );
  if (match === null)
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      {},
      'The authorization header is malformed; it could not be parsed.',
    );
  const [, credential = '', signedHeaders = '', signature = ''] = match;
  const malformed = (fields: Record<string, string>, message: string) =>
    new S3Error('AuthorizationHeaderMalformed', fields, message);
  const scope = checkCredential(credential, account, malformed, 'The authorization header is malformed');

  const amzDate = header(request, 'x-amz-date') ?? fromHttpDate(header(request, 'date'));
  if (amzDate === undefined)
    throw new S3Error('AccessDenied', {}, 'AWS authentication requires a valid Date or x-amz-date header');
  checkSkew(amzDate, now);
  checkScopeDate(amzDate, scope, malformed);

  const payloadHash = header(request, 'x-amz-content-sha256');
  if (payloadHash === undefined)
    throw new S3Error('InvalidRequest', {}, 'Missing required header for this request: x-amz-content-sha256');
  return compareSignatures(request, { signedHeaders, signature, scope, amzDate, payloadHash }, account);
}

function provePresigned(request: SignedRequest, account: Account, now: Date): ProvenSignature {
  const parameter = (name: string): string => {
    const found = request.query.filter((entry) => entry.name === name);
    if (found.length !== 1)
      throw new S3Error(
        'AuthorizationQueryParametersError',
        {},
        'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      );
    return found[0]!.value;
  };
  const refuse = (message: string) => new S3Error('AuthorizationQueryParametersError', {}, message);
  if (parameter('X-Amz-Algorithm') !== algorithm) throw refuse('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  const scope = checkCredential(
    parameter('X-Amz-Credential'),
    account,
    (fields, message) => new S3Error('AuthorizationQueryParametersError', fields, message),
    'Error parsing the X-Amz-Credential parameter',
  );
  const amzDate = parameter('X-Amz-Date');
  const signedAt = parseAmzDate(amzDate);
  if (signedAt === null) throw refuse("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const expires = parameter('X-Amz-Expires');
  if (!/^-?\d+$/.test(expires)) throw refuse('X-Amz-Expires should be a number');
  const seconds = Number(expires);
  if (seconds < 0) throw refuse('X-Amz-Expires must be non-negative');
  if (seconds > maxPresignSeconds)
    throw refuse(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  if (signedAt - now.getTime() > maxSkewMs) throw new S3Error('AccessDenied', {}, 'Request is not valid yet');
  if (now.getTime() > signedAt + seconds * 1000)
    throw new S3Error(
      'AccessDenied',
      {
        'X-Amz-Expires': expires,
        Expires: new Date(signedAt + seconds * 1000).toISOString(),
        ServerTime: now.toISOString(),
      },
      'Request has expired',
    );
  checkScopeDate(
    amzDate,
    scope,
    (fields, message) => new S3Error('AuthorizationQueryParametersError', fields, message),
  );
  const payloadHash =
    request.query.find(({ name }) => name === 'X-Amz-Content-Sha256')?.value ??
    header(request, 'x-amz-content-sha256') ??
    'UNSIGNED-PAYLOAD';
  const signedHeaders = parameter('X-Amz-SignedHeaders');
  const signature = parameter('X-Amz-Signature');
  return compareSignatures(request, { signedHeaders, signature, scope, amzDate, payloadHash }, account);
}

interface Claim {
  readonly signedHeaders: string;
  readonly signature: string;
  readonly scope: string;
  readonly amzDate: string;
  readonly payloadHash: string;
}

function compareSignatures(request: SignedRequest, claim: Claim, account: Account): ProvenSignature {
  const names = claim.signedHeaders.split(';');
  const unsigned = [...request.headers.keys()].filter(
    (name) => (name === 'host' || name === 'content-md5' || name.startsWith('x-amz-')) && !names.includes(name),
  );
  // A presigned URL may be used with x-amz-content-sha256 unsigned; nothing else may slip in.
  const strange = unsigned.filter(
    (name) => name !== 'x-amz-content-sha256' || header(request, 'authorization') !== undefined,
  );
  if (strange.length > 0)
    throw new S3Error(
      'AccessDenied',
      { HeadersNotSigned: strange.join(', ') },
      'There were headers present in the request which were not signed',
    );
  const canonical = canonicalRequest(request, names, claim.payloadHash);
  const toSign = stringToSign(claim.amzDate, claim.scope, canonical);
  const signingKey = cachedSigningKey(account.secretAccessKey, claim.scope);
  if (hmac(signingKey, toSign).toString('hex') !== claim.signature)
    throw new S3Error('SignatureDoesNotMatch', {
      AWSAccessKeyId: account.accessKeyId,
      StringToSign: toSign,
      SignatureProvided: claim.signature,
      StringToSignBytes: hexBytes(toSign),
      CanonicalRequest: canonical,
      CanonicalRequestBytes: hexBytes(canonical),
    });
  const { payloadHash, signature, scope, amzDate } = claim;
  return { payloadHash, signature, scope, amzDate, signingKey };
}

type Refusal = (fields: Record<string, string>, message: string) => S3Error;

/** Returns the scope `date/region/s3/aws4_request`. */
function checkCredential(credential: string, account: Account, refuse: Refusal, prefix: string): string {
  const parts = credential.split('/');
  const [date = '', region = '', service = '', terminator = ''] = parts.slice(-4);
  const accessKeyId = parts.slice(0, -4).join('/');
  if (parts.length < 5)
    throw refuse(
      {},
      `${prefix}; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    );
  if (!/^\d{8}$/.test(date))
    throw refuse(
      {},
      `${prefix}; incorrect date format "${date}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  if (service !== 's3') throw refuse({}, `${prefix}; incorrect service "${service}". This endpoint belongs to "s3".`);
  if (terminator !== 'aws4_request')
    throw refuse({}, `${prefix}; incorrect terminal "${terminator}". This endpoint uses "aws4_request".`);
  if (accessKeyId !== account.accessKeyId) throw new S3Error('InvalidAccessKeyId', { AWSAccessKeyId: accessKeyId });
  if (region !== account.region)
    throw refuse(
      { Region: account.region },
      `${prefix}; the region '${region}' is wrong; expecting '${account.region}'`,
    );
  return `${date}/${region}/${service}/${terminator}`;
}

function checkScopeDate(amzDate: string, scope: string, refuse: Refusal): void {
  const date = scope.slice(0, 8);
  if (!amzDate.startsWith(date))
    throw refuse(
      {},
      `Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    );
}

function checkSkew(amzDate: string, now: Date): void {
  const at = parseAmzDate(amzDate);
  if (at === null)
    throw new S3Error('AccessDenied', {}, 'AWS authentication requires a valid Date or x-amz-date header');
  if (Math.abs(now.getTime() - at) > maxSkewMs)
    throw new S3Error('RequestTimeTooSkewed', {
      RequestTime: amzDate,
      ServerTime: now.toISOString().replace(/\.\d{3}/, ''),
      MaxAllowedSkewMilliseconds: maxSkewMs,
    });
}

function parseAmzDate(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? null : at;
}

function fromHttpDate(text: string | undefined): string | undefined {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

const signingKeys = new Map<string, Buffer>();

function cachedSigningKey(secret: string, scope: string): Buffer {
  const name = `${scope}\n${secret}`;
  let key = signingKeys.get(name);
  if (key === undefined) {
    if (signingKeys.size > 100) signingKeys.clear();
    key = deriveSigningKey(secret, scope);
    signingKeys.set(name, key);
  }
  return key;
}

function header(request: SignedRequest, name: string): string | undefined {
  return request.headers.get(name)?.[0];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hexBytes(text: string): string {
  return Buffer.from(text, 'latin1')
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');
}
