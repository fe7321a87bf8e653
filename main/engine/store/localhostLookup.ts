import { lookup as dnsLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** RFC 6761 gives `*.localhost` to this machine, but a bare resolver doesn't know it: virtual-host buckets of local servers need it. */
export const lookup: LookupFunction = (hostname, options, callback) =>
  dnsLookup(/\.localhost$/i.test(hostname) ? 'localhost' : hostname, options, callback);
