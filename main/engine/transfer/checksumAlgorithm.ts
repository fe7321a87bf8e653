import type { ChecksumAlgorithm, EngineSettings } from '../../../shared/settings.ts';

/** `auto`: CRC32, whole-object, which every S3 with checksums takes and zlib does at 4 GiB/s a core (CRC64NVME by aws-crt: 1.6). */
export const checksumAlgorithm = (setting: EngineSettings['checksum']): ChecksumAlgorithm =>
  setting === 'auto' ? 'crc32' : setting;
