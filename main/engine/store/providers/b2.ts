import type { ProviderProfile } from '../capabilities.ts';
import { classicMaxObjectBytes } from './limits.ts';

export const b2: ProviderProfile = {
  name: 'b2',
  title: 'Backblaze B2',
  host: /\.backblazeb2\.com$/,
  // It says `nginx`.
  server: null,
  // Some clusters refuse x-amz-checksum-* ("Unsupported header", nocobase#6872, cyberduck#15841), newer ones take CRC32 (obsidian-s3-sync-and-backup#84).
  checksums: ['crc32', 'sha256'],
  fullObject: [],
  trailers: false,
  // 501 "A header you provided implies functionality that is not implemented" (obsidian-s3-sync-and-backup#78, lance#5614).
  conditionalPut: false,
  conditionalComplete: false,
  objectSizeAtComplete: false,
  // backblaze.com/docs/cloud-storage-large-files: 10 TB; through the S3 API 5 TB is what is promised.
  maxObjectBytes: classicMaxObjectBytes,
  needsPathStyle: false,
  quirks: [
    'B2 has no conditional writes: somebody else writing the same key at the same moment goes unnoticed.',
    'Buckets on older clusters refuse checksums; Sluice does not upload without one.',
  ],
};
