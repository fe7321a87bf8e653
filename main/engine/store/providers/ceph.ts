import type { ProviderProfile } from '../capabilities.ts';
import { classicMaxObjectBytes } from './limits.ts';

export const ceph: ProviderProfile = {
  name: 'ceph',
  title: 'Ceph RGW',
  host: null,
  // It says nothing of itself in most versions; newer ones and some front ends do.
  server: /ceph/i,
  // ceph#54856 and the Squid release (2024); CRC64NVME and full-object checksums came later.
  checksums: ['crc32', 'sha256'],
  fullObject: [],
  trailers: 'learn',
  conditionalPut: true,
  conditionalComplete: true,
  objectSizeAtComplete: false,
  maxObjectBytes: classicMaxObjectBytes,
  needsPathStyle: false,
  quirks: [
    'Releases before Squid keep no checksums: files are then confirmed by size only.',
    'Buckets in the host name need rgw_dns_name; --path-style works always.',
  ],
};
