import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import type { Checksum } from './store.ts';

/** The SDK's fields for the checksums we use; each becomes an `x-amz-checksum-*` header or an element of the same name. */
export interface ChecksumFields {
  ChecksumCRC32?: string | undefined;
  ChecksumCRC32C?: string | undefined;
  ChecksumCRC64NVME?: string | undefined;
  ChecksumSHA256?: string | undefined;
}

export const s3Algorithm = { crc32: 'CRC32', crc32c: 'CRC32C', crc64nvme: 'CRC64NVME', sha256: 'SHA256' } as const;

export function checksumFields({ algorithm, value }: Checksum): ChecksumFields {
  switch (algorithm) {
    case 'crc32':
      return { ChecksumCRC32: value };
    case 'crc32c':
      return { ChecksumCRC32C: value };
    case 'crc64nvme':
      return { ChecksumCRC64NVME: value };
    case 'sha256':
      return { ChecksumSHA256: value };
  }
}

/** Composite values (`…-3`) come back as they are; `prefer` first where a store keeps several. */
export function checksumOf(fields: ChecksumFields, prefer?: ChecksumAlgorithm): Checksum | null {
  const found: Checksum[] = [];
  if (fields.ChecksumCRC64NVME) found.push({ algorithm: 'crc64nvme', value: fields.ChecksumCRC64NVME });
  if (fields.ChecksumCRC32) found.push({ algorithm: 'crc32', value: fields.ChecksumCRC32 });
  if (fields.ChecksumCRC32C) found.push({ algorithm: 'crc32c', value: fields.ChecksumCRC32C });
  if (fields.ChecksumSHA256) found.push({ algorithm: 'sha256', value: fields.ChecksumSHA256 });
  return found.find(({ algorithm }) => algorithm === prefer) ?? found[0] ?? null;
}

/** Of a whole object. A composite (`base64-N`) can only be held against the parts' own. `type` as the server says it, if it does. */
export function objectChecksum(
  fields: ChecksumFields,
  type: string | undefined,
): { readonly checksum: Checksum | null; readonly checksumType: 'full-object' | 'composite' | null } {
  const checksum = checksumOf(fields);
  if (checksum === null) return { checksum: null, checksumType: null };
  const composite = type === 'COMPOSITE' || /-\d+$/.test(checksum.value);
  return { checksum, checksumType: composite ? 'composite' : 'full-object' };
}
