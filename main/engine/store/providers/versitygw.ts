import type { ProviderProfile } from '../capabilities.ts';
import { classicMaxObjectBytes } from './limits.ts';

export const versitygw: ProviderProfile = {
  name: 'versitygw',
  title: 'Versity S3 Gateway',
  host: null,
  server: /^VERSITYGW/i,
  checksums: ['crc32', 'crc64nvme', 'crc32c', 'sha256'],
  fullObject: ['crc32', 'crc64nvme', 'crc32c'],
  trailers: 'learn',
  // versitygw#1522 (September 2025); before #1727 (January 2026) `If-None-Match: *` was ignored.
  conditionalPut: true,
  conditionalComplete: true,
  objectSizeAtComplete: true,
  maxObjectBytes: classicMaxObjectBytes,
  needsPathStyle: true,
  quirks: [],
};
