import { SluiceError } from '../../../shared/errors.ts';
import type { ObjectPolicy } from '../../../shared/settings.ts';

/**
 * The same refusal, with the remedy that fits where the request asked for an encryption or a storage class: stores that lack one refuse with as little
 * as `InvalidArgument`.
 */
export function policyRefusal(error: SluiceError, { storageClass, sse }: ObjectPolicy): SluiceError {
  const { httpStatus } = error.details;
  if (error.code !== 'store-refused' || (httpStatus !== 400 && httpStatus !== 501)) return error;
  const asked = [
    ...(storageClass === null ? [] : [`storage class ${storageClass}`]),
    ...(sse.kind === 'bucket-default' ? [] : [`encryption ${sse.kind}`]),
    ...(sse.kind === 'aws:kms' && sse.keyId !== null ? [`key ${sse.keyId}`] : []),
  ];
  if (asked.length === 0) return error;
  const remedy = `The request asked for ${asked.join(', ')}: check that this store offers it, or leave it to the bucket.`;
  return SluiceError.fromView({ ...error.view(), remedy });
}
