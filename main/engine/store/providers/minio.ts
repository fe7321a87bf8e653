import type { ProviderProfile } from '../capabilities.ts';
import { classicMaxObjectBytes } from './limits.ts';

export const minio: ProviderProfile = {
  name: 'minio',
  title: 'MinIO',
  host: null,
  server: /^MinIO/i,
  // Full-object CRCs and CRC64NVME: minio#20855 (January 2025). An older one keeps a checksum of checksums, which is compared as such.
  checksums: ['crc32', 'crc64nvme', 'crc32c', 'sha256'],
  fullObject: ['crc32', 'crc64nvme', 'crc32c'],
  // Unsigned trailers over plain HTTP came with the same releases; older ones refuse them, which is learnt.
  trailers: 'learn',
  // blog.min.io/leading-the-way-minios-conditional-write-feature-for-modern-data-workloads
  conditionalPut: true,
  conditionalComplete: true,
  objectSizeAtComplete: true,
  // github.com/minio/minio docs/minio-limits.md: 5 TiB in older releases, 50 TiB in newer ones.
  maxObjectBytes: classicMaxObjectBytes,
  needsPathStyle: false,
  quirks: ['MinIO needs MINIO_DOMAIN for buckets in the host name; --path-style works always.'],
};
