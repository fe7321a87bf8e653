import { SluiceError } from '../../../shared/errors.ts';
import { asUploadToken } from '../../../shared/ids.ts';
import { type ChecksumFields, objectChecksum } from './checksumFields.ts';
import { metadataNames, numberOrNull, unquoted } from './objectFields.ts';
import type { ObjectAnswer, ObjectHead, ObjectSlice } from './store.ts';

type Headers = Readonly<Record<string, string>>;

/** An object by the headers of an answer to HEAD or GET. */
export function headOf(headers: Headers): ObjectHead {
  const meta = (name: string): string | undefined => headers[`x-amz-meta-${name}`];
  const token = meta(metadataNames.token);
  const modifiedMs = Date.parse(headers['last-modified'] ?? '');
  return {
    sizeBytes: Number(headers['content-length'] ?? 0),
    etag: unquoted(headers.etag ?? ''),
    ...objectChecksum(checksumsOf(headers), headers['x-amz-checksum-type']),
    token: token === undefined ? null : asUploadToken(token),
    origin: meta(metadataNames.origin) ?? null,
    source: meta(metadataNames.source) ?? null,
    sse: headers['x-amz-server-side-encryption'] ?? null,
    mtimeMs: numberOrNull(meta(metadataNames.mtimeMs)),
    lastModifiedMs: Number.isNaN(modifiedMs) ? null : modifiedMs,
    versionId: headers['x-amz-version-id'] ?? null,
  };
}

/** The same with the place of the bytes that follow. Throws `store-server-error` for an answer that doesn't tell it. */
export function answerOf(headers: Headers, status: number): ObjectAnswer {
  const head = headOf(headers);
  const length = numberOrNull(headers['content-length']);
  if (length === null) throw unreadable('has no length');
  if (status !== 206) return { ...head, offset: 0, length };
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '');
  if (range === null) throw unreadable('does not say which bytes it is');
  const [offset, last, sizeBytes] = range.slice(1).map(Number) as [number, number, number];
  if (last - offset + 1 !== length) throw unreadable('contradicts itself about its length');
  return { ...head, sizeBytes, offset, length };
}

/** How the bytes are asked for: query, and name, value, name, value… of headers. */
export function sliceFields(
  slice: ObjectSlice,
  ifMatch: string | null,
): { readonly query?: string; readonly headers: string[] } {
  const headers = ['x-amz-checksum-mode', 'ENABLED'];
  if (ifMatch !== null) headers.push('if-match', `"${ifMatch}"`);
  switch (slice.kind) {
    case 'whole':
      return { headers };
    case 'range':
      headers.push('range', `bytes=${slice.offset}-${slice.offset + slice.length - 1}`);
      return { headers };
    case 'part':
      return { headers, query: `partNumber=${slice.partNumber}` };
  }
}

export const checksumsOf = (headers: Headers): ChecksumFields => ({
  ChecksumCRC32: headers['x-amz-checksum-crc32'],
  ChecksumCRC32C: headers['x-amz-checksum-crc32c'],
  ChecksumCRC64NVME: headers['x-amz-checksum-crc64nvme'],
  ChecksumSHA256: headers['x-amz-checksum-sha256'],
});

const unreadable = (what: string): SluiceError =>
  new SluiceError('store-server-error', `The store's answer to GetObject ${what}`, { operation: 'GetObject' });
