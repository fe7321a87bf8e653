import { S3Error } from './s3Error.ts';
import type { ProvenSignature } from './signature.ts';

/** How the bytes on the wire relate to the object's bytes, as `x-amz-content-sha256` declares it. */
export type PayloadForm =
  | { readonly kind: 'plain'; readonly sha256: string | null; readonly length: number }
  | {
      readonly kind: 'chunked';
      readonly signed: ProvenSignature | null;
      readonly trailer: boolean;
      readonly length: number;
    };

const streaming: Record<string, { readonly signed: boolean; readonly trailer: boolean }> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { signed: true, trailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { signed: true, trailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { signed: false, trailer: true },
};

const maxPutBytes = 5 * 1024 ** 3;

/** `header` looks up a request header. Throws what S3 answers to a body it will not read. */
export function payloadForm(
  header: (name: string) => string | undefined,
  proven: ProvenSignature,
  mayBeEmpty: boolean,
): PayloadForm {
  const { payloadHash } = proven;
  const stream = streaming[payloadHash];
  if (stream !== undefined) {
    const length = contentLength(header('x-amz-decoded-content-length'));
    if (length === null) throw new S3Error('MissingContentLength');
    return { kind: 'chunked', signed: stream.signed ? proven : null, trailer: stream.trailer, length };
  }
  if (payloadHash !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(payloadHash))
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payloadHash },
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    );
  if (header('transfer-encoding') !== undefined) throw new S3Error('NotImplemented', { Header: 'Transfer-Encoding' });
  const length = contentLength(header('content-length')) ?? (mayBeEmpty ? 0 : null);
  if (length === null) throw new S3Error('MissingContentLength');
  return { kind: 'plain', sha256: payloadHash === 'UNSIGNED-PAYLOAD' ? null : payloadHash, length };
}

function contentLength(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d+$/.test(text))
    throw new S3Error('InvalidArgument', { ArgumentName: 'Content-Length', ArgumentValue: text });
  const length = Number(text);
  if (length > maxPutBytes) throw new S3Error('EntityTooLarge', { ProposedSize: length, MaxSizeAllowed: maxPutBytes });
  return length;
}
