import type { ProviderProfile } from '../capabilities.ts';
import { r2MaxObjectBytes } from './limits.ts';

/** developers.cloudflare.com/r2/api/s3/api: the table of checksum types. */
export const r2: ProviderProfile = {
  name: 'r2',
  title: 'Cloudflare R2',
  host: /\.r2\.cloudflarestorage\.com$/,
  // Its answers say `cloudflare`, as those of any site behind Cloudflare do.
  server: null,
  // Over all parts it keeps CRC64NVME only; CRC32 and SHA-256 as a checksum of checksums (cloudflare-docs#23443).
  checksums: ['crc64nvme', 'crc32', 'sha256'],
  fullObject: ['crc64nvme'],
  trailers: 'learn',
  conditionalPut: true,
  conditionalComplete: true,
  objectSizeAtComplete: false,
  maxObjectBytes: r2MaxObjectBytes,
  needsPathStyle: false,
  quirks: ['All parts but the last have to be of one size, which they are.'],
};
