import { isIP } from 'node:net';
import { SluiceError } from '../../../shared/errors.ts';
import type { StoreEndpoint } from './endpoint.ts';

/** Where the requests for one bucket go. */
export interface BucketAddress {
  readonly tls: boolean;
  /** To connect to: without brackets. */
  readonly hostname: string;
  readonly port: number | undefined;
  /** The Host header: brackets and a port that isn't the scheme's own. */
  readonly hostHeader: string;
  /** `/bucket`, or '' where the bucket is part of the host; behind the path of the endpoint, if it has one. */
  readonly bucketPath: string;
}

/**
 * The address that the SDK would choose. The bucket goes into the host unless path style is asked for, it is no host name, or the certificate wouldn't match (a dot over
 * TLS). Throws `bad-settings` for a region that is none, and for buckets that speak another protocol.
 */
export function bucketAddress(endpoint: StoreEndpoint, bucket: string, region: string): BucketAddress {
  if (endpoint.url === null && /--x-s3$|--op-s3$/.test(bucket)) {
    throw new SluiceError('bad-settings', `${bucket} is a directory bucket or an alias of Outposts`, {
      remedy: 'Use a general purpose bucket.',
    });
  }
  const url = new URL(endpoint.url ?? `https://${awsHost(region)}`);
  const inHost = !endpoint.pathStyle && mayBeHost(bucket, !endpoint.tls);
  const base = url.pathname === '/' ? '' : url.pathname.replace(/\/+$/, '');
  const host = inHost ? `${bucket}.${url.hostname}` : url.hostname;
  return {
    tls: endpoint.tls,
    hostname: host.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : Number(url.port),
    hostHeader: url.port === '' ? host : `${host}:${url.port}`,
    bucketPath: inHost ? base : `${base}/${bucket}`,
  };
}

/** Every byte outside the unreserved ones becomes `%XX`, `/` stays: as the signature wants it, and as the SDK sends it. */
export const escapeKey = (key: string): string => (plain.test(key) ? key : key.split('/').map(escapeText).join('/'));

export const escapeText = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

const plain = /^[A-Za-z0-9\-._~/]*$/;

/** AWS's partitions by the beginning of the region's name (the SDK's partitions.json). */
const domains: readonly (readonly [prefix: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eusc-', 'amazonaws.eu'],
];

function awsHost(region: string): string {
  if (!hostLabel.test(region)) {
    throw new SluiceError('bad-settings', `${region} is no region of AWS`, {
      remedy: 'Name a region such as eu-central-1 with --region.',
    });
  }
  const domain = domains.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com';
  // as the SDK: whoever must use FIPS or IPv6 says so in the environment
  const fips = process.env.AWS_USE_FIPS_ENDPOINT === 'true' ? 's3-fips' : 's3';
  const stack = process.env.AWS_USE_DUALSTACK_ENDPOINT === 'true' ? '.dualstack' : '';
  return `${fips}${stack}.${region}.${domain}`;
}

const hostLabel = /^(?!-)[a-zA-Z0-9-]{1,63}$/;

function mayBeHost(bucket: string, dots: boolean): boolean {
  if (dots) return bucket.split('.').every((label) => mayBeHost(label, false));
  return hostLabel.test(bucket) && bucket.length >= 3 && bucket === bucket.toLowerCase() && isIP(bucket) === 0;
}
