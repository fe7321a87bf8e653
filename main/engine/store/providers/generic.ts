import type { ProviderProfile } from '../capabilities.ts';
import { classicMaxObjectBytes } from './limits.ts';

/** Any other S3: asked for what S3 has, and believed when it refuses. */
export const generic: ProviderProfile = {
  name: 'generic',
  title: 'S3-compatible store',
  host: null,
  server: null,
  checksums: ['crc32', 'crc64nvme', 'crc32c', 'sha256'],
  fullObject: ['crc32', 'crc64nvme', 'crc32c'],
  trailers: 'learn',
  conditionalPut: true,
  conditionalComplete: true,
  objectSizeAtComplete: true,
  maxObjectBytes: classicMaxObjectBytes,
  needsPathStyle: false,
  quirks: [],
};
