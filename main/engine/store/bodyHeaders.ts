import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { chunkedLength, type PumpedBody } from './bodySink.ts';
import type { StoreBody } from './store.ts';

const checksumHeader = {
  crc32: 'x-amz-checksum-crc32',
  crc32c: 'x-amz-checksum-crc32c',
  crc64nvme: 'x-amz-checksum-crc64nvme',
  sha256: 'x-amz-checksum-sha256',
} as const satisfies Record<ChecksumAlgorithm, string>;
/** Of the base64 text. */
const checksumLength = { crc32: 8, crc32c: 8, crc64nvme: 12, sha256: 44 } as const satisfies Record<
  ChecksumAlgorithm,
  number
>;

/** Headers that describe a body, name, value, name, value…; all are to be signed. */
export function bodyHeaders(body: StoreBody): string[] {
  if (body.kind === 'bytes') return withChecksum(body.bytes.length, body.checksum.algorithm, body.checksum.value);
  const { checksum, length } = body;
  if (checksum.placement === 'header') {
    return withChecksum(length, checksum.checksum.algorithm, checksum.checksum.value);
  }
  const name = checksumHeader[checksum.algorithm];
  return [
    'content-encoding',
    'aws-chunked',
    'content-length',
    `${chunkedLength(length, name, checksumLength[checksum.algorithm])}`,
    'x-amz-decoded-content-length',
    `${length}`,
    'x-amz-trailer',
    name,
  ];
}

/** As the connection pool sends it. */
export function bodyToSend(body: StoreBody): Buffer | PumpedBody {
  if (body.kind === 'bytes') return body.bytes;
  const { pump, checksum, length } = body;
  if (checksum.placement === 'header') return { length, pump, trailer: null };
  return { length, pump, trailer: () => [checksumHeader[checksum.algorithm], checksum.result().value] };
}

/** Stores that check a checksum only when its algorithm is named too (Ceph) get both. */
const withChecksum = (length: number, algorithm: ChecksumAlgorithm, value: string): string[] => [
  'content-length',
  `${length}`,
  checksumHeader[algorithm],
  value,
  'x-amz-sdk-checksum-algorithm',
  algorithm.toUpperCase(),
];
