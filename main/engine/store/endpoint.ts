import { isIP } from 'node:net';
import { SluiceError } from '../../../shared/errors.ts';
import type { StoreConnection } from '../../../shared/settings.ts';

/** Where a connection leads, and what follows from it. */
export interface StoreEndpoint {
  /** null: AWS itself; the SDK then knows the host of each region. */
  readonly url: string | null;
  /** For messages: never holds a password. */
  readonly name: string;
  readonly host: string | null;
  readonly tls: boolean;
  readonly loopback: boolean;
  readonly pathStyle: boolean;
  /** Plain HTTP over a network: the payload's SHA-256 is part of the signature. */
  readonly signsPayload: boolean;
}

/** Throws `bad-settings`. */
export function resolveEndpoint(connection: StoreConnection): StoreEndpoint {
  if (connection.endpointUrl === null) {
    if (!connection.verifyTls) throw uncheckedTls('AWS S3');
    const { pathStyle } = connection;
    return { url: null, name: 'AWS S3', host: null, tls: true, loopback: false, pathStyle, signsPayload: false };
  }
  const url = parse(connection.endpointUrl);
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const loopback = isLoopback(host);
  const tls = url.protocol === 'https:';
  const text = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  if (!connection.verifyTls && !loopback) throw uncheckedTls(text);
  return {
    url: text,
    name: text,
    host,
    tls,
    loopback,
    // `bucket.127.0.0.1` and `bucket.localhost` resolve nowhere on a bare machine
    pathStyle: connection.pathStyle || isIP(host) !== 0 || host === 'localhost',
    signsPayload: !tls && !loopback,
  };
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function parse(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new SluiceError('bad-settings', 'The endpoint is not an http or https URL', {
      remedy: 'Write the endpoint as https://host or https://host:port.',
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new SluiceError('bad-settings', `The endpoint ${url.origin} has a user, a query or a fragment`, {
      remedy: 'Name only the host of the endpoint; keys go into the sign-in.',
    });
  }
  return url;
}

const uncheckedTls = (name: string): SluiceError =>
  new SluiceError('bad-settings', `The certificate of ${name} must be checked: it is not on this machine`, {
    remedy: 'Name the authority of its certificate with --ca-bundle instead of turning the check off.',
  });
