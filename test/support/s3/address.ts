import type { IncomingMessage } from 'node:http';
import type { SignedRequest } from './signature.ts';
import { decodeUri, parseQuery } from './uri.ts';

export interface Address extends SignedRequest {
  readonly bucket: string | null;
  readonly key: string | null;
}

/** Which bucket and key a request means: path style, or virtual-host style where the host ends with the suffix. */
export function addressOf(request: IncomingMessage, virtualHostSuffix: string | undefined): Address {
  const url = request.url ?? '/';
  const at = url.indexOf('?');
  const path = decodeUri(at < 0 ? url : url.slice(0, at));
  const query = at < 0 ? [] : parseQuery(url.slice(at + 1));
  const headers = new Map(
    Object.entries(request.headersDistinct).flatMap(([name, values]) =>
      values === undefined ? [] : [[name, values] as const],
    ),
  );
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const method = request.method ?? 'GET';
  const suffix = `.${virtualHostSuffix}`;
  if (virtualHostSuffix !== undefined && host.endsWith(suffix)) {
    const key = path.slice(1);
    return { method, path, query, headers, bucket: host.slice(0, -suffix.length), key: key === '' ? null : key };
  }
  const slash = path.indexOf('/', 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  const key = slash < 0 ? '' : path.slice(slash + 1);
  return { method, path, query, headers, bucket: bucket === '' ? null : bucket, key: key === '' ? null : key };
}
