import type { ReceivedBody } from './body.ts';
import {
  type ChecksumAlgorithm,
  checksumAlgorithms,
  checksumHeader,
  digestBytes,
  isChecksumAlgorithm,
} from './checksums.ts';
import { S3Error } from './s3Error.ts';

type Header = (name: string) => string | undefined;

export interface DeclaredDigests {
  readonly md5: Buffer | null;
  /** `value` null: it comes in the trailer. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string | null } | null;
  readonly trailers: readonly string[];
}

/** What the client claims of the body, from its headers. Throws on a claim that S3 refuses unread. */
export function declaredDigests(header: Header): DeclaredDigests {
  const trailers = (header('x-amz-trailer') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const inHeader = checksumAlgorithms.filter((each) => header(checksumHeader(each)) !== undefined);
  const inTrailer = checksumAlgorithms.filter((each) => trailers.includes(checksumHeader(each)));
  if (inHeader.length + inTrailer.length > 1)
    throw new S3Error(
      'InvalidRequest',
      {},
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  const algorithm = inHeader[0] ?? inTrailer[0] ?? null;
  const value = inHeader[0] === undefined ? null : (header(checksumHeader(inHeader[0])) ?? null);
  if (algorithm !== null && value !== null) checkForm(algorithm, value);
  checkSdkAlgorithm(header('x-amz-sdk-checksum-algorithm'), algorithm);
  return {
    md5: contentMd5(header('content-md5')),
    checksum: algorithm === null ? null : { algorithm, value },
    trailers,
  };
}

/** Throws `BadDigest` where the body is not what was claimed. */
export function verifyDigests(declared: DeclaredDigests, body: ReceivedBody): void {
  if (declared.md5 !== null && !declared.md5.equals(body.md5))
    throw new S3Error('BadDigest', {
      ExpectedDigest: declared.md5.toString('base64'),
      CalculatedDigest: body.md5.toString('base64'),
    });
  for (const name of body.trailers.keys())
    if (!declared.trailers.includes(name)) throw new S3Error('MalformedTrailerError');
  for (const name of declared.trailers) if (!body.trailers.has(name)) throw new S3Error('MalformedTrailerError');
  if (declared.checksum === null) return;
  const { algorithm } = declared.checksum;
  const value = declared.checksum.value ?? body.trailers.get(checksumHeader(algorithm)) ?? '';
  checkForm(algorithm, value);
  if (body.checksums.get(algorithm) !== value)
    throw new S3Error('BadDigest', {}, `The ${algorithm} you specified did not match the calculated checksum.`);
}

/** The one checksum header of a request without an object's bytes (Complete), or null. */
export function declaredObjectChecksum(header: Header): { algorithm: ChecksumAlgorithm; value: string } | null {
  const found = checksumAlgorithms.filter((each) => header(checksumHeader(each)) !== undefined);
  if (found.length > 1)
    throw new S3Error(
      'InvalidRequest',
      {},
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  const algorithm = found[0];
  return algorithm === undefined ? null : { algorithm, value: header(checksumHeader(algorithm)) as string };
}

function checkSdkAlgorithm(asked: string | undefined, declared: ChecksumAlgorithm | null): void {
  if (asked === undefined) return;
  const name = asked.toUpperCase();
  if (!isChecksumAlgorithm(name))
    throw new S3Error('InvalidRequest', {}, 'Value for x-amz-sdk-checksum-algorithm header is invalid.');
  if (declared === null)
    throw new S3Error(
      'InvalidRequest',
      {},
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  if (declared !== name)
    throw new S3Error('InvalidRequest', {}, 'Value for x-amz-sdk-checksum-algorithm header is invalid.');
}

function contentMd5(text: string | undefined): Buffer | null {
  if (text === undefined) return null;
  const digest = Buffer.from(text, 'base64');
  // Hex is valid base64 of the wrong length: the classic mistake.
  if (digest.length !== 16 || digest.toString('base64') !== text)
    throw new S3Error('InvalidDigest', { 'Content-MD5': text });
  return digest;
}

function checkForm(algorithm: ChecksumAlgorithm, value: string): void {
  const digest = Buffer.from(value, 'base64');
  if (digest.length !== digestBytes[algorithm] || digest.toString('base64') !== value)
    throw new S3Error('InvalidRequest', {}, `Value for ${checksumHeader(algorithm)} header is invalid.`);
}
