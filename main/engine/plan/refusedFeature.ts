import type { ErrorView } from '../../../shared/errors.ts';

/** What a request asked for beyond plain S3. */
export interface AskedFeatures {
  readonly condition: boolean;
  readonly trailer: boolean;
}

export type Feature = 'condition' | 'trailer' | 'checksum';

/**
 * Which feature a store refused, if that is what its answer says: `501 NotImplemented`, or a 400 that names the header. Where it could be one or the other, the trailer: it
 * only saves time. null: it refused for another reason.
 */
export function refusedFeature(error: ErrorView, asked: AskedFeatures): Feature | null {
  const { httpStatus, s3Code, message } = error;
  if (httpStatus === undefined || (httpStatus !== 501 && (httpStatus < 400 || httpStatus >= 500))) return null;
  const named = byName(message);
  if (named === 'condition') return asked.condition ? named : null;
  if (named === 'trailer') return asked.trailer ? named : null;
  const unsupported = httpStatus === 501 || s3Code === 'NotImplemented';
  if (unsupported && asked.trailer) return 'trailer';
  if (unsupported && asked.condition) return 'condition';
  return named;
}

function byName(message: string): Feature | null {
  if (/if-(none-)?match|conditional/i.test(message)) return 'condition';
  if (/trailer|aws-chunked|STREAMING-|decoded-content-length|MissingContentLength/i.test(message)) return 'trailer';
  if (
    /checksum-algorithm|x-amz-checksum-(crc|sha)/i.test(message) &&
    /unsupported|not supported|unknown|invalid/i.test(message)
  )
    return 'checksum';
  return null;
}

/** Whether a part sent with a trailer for the first time failed for what may be the trailer. Wrong signatures are among it: some stores count the trailer's as the body's. */
export function mayRefuseTrailer({ code, httpStatus }: ErrorView): boolean {
  if (code === 'checksum-mismatch' || httpStatus === 501) return true;
  if (httpStatus === undefined || httpStatus < 400 || httpStatus >= 500) return false;
  return !unrelated.has(code);
}
const unrelated = new Set<ErrorView['code']>([
  'no-such-bucket',
  'no-such-upload',
  'no-such-key',
  'store-throttled',
  'store-timeout',
  'clock-skew',
  'expired-credentials',
  'wrong-region',
]);
