import type { ProviderProfile } from '../capabilities.ts';
import { classicMaxObjectBytes } from './limits.ts';

export const wasabi: ProviderProfile = {
  name: 'wasabi',
  title: 'Wasabi',
  host: /\.wasabisys\.com$/,
  server: /^WasabiS3/i,
  checksums: ['crc32', 'sha256', 'crc64nvme'],
  // Nothing is documented of whole-object checksums: what it keeps is asked, and a checksum of checksums is compared as such.
  fullObject: [],
  trailers: 'learn',
  // Not documented either: sent, and left out when refused.
  conditionalPut: true,
  conditionalComplete: true,
  objectSizeAtComplete: false,
  maxObjectBytes: classicMaxObjectBytes,
  needsPathStyle: false,
  // docs.wasabi.com/docs/how-does-wasabi-handle-multipart-uploads
  quirks: ['An unfinished upload is paid for 30 days unless it is swept.'],
};
