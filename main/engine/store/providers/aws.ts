import type { ProviderProfile } from '../capabilities.ts';
import { awsMaxObjectBytes } from './limits.ts';

/** docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html and conditional-writes.html */
export const aws: ProviderProfile = {
  name: 'aws',
  title: 'AWS S3',
  host: /(^|\.)amazonaws\.com(\.cn)?$/,
  server: /^AmazonS3$/,
  // CRC32 before CRC64NVME: as good for this, and zlib does it 1.6 times as fast.
  checksums: ['crc32', 'crc64nvme', 'crc32c', 'sha256'],
  fullObject: ['crc32', 'crc64nvme', 'crc32c'],
  trailers: true,
  conditionalPut: true,
  conditionalComplete: true,
  objectSizeAtComplete: true,
  maxObjectBytes: awsMaxObjectBytes,
  needsPathStyle: false,
  quirks: [],
};
