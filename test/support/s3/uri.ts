import { S3Error } from './s3Error.ts';

/** Percent-encodes as SigV4 and S3's `encoding-type=url` do: everything but A–Z a–z 0–9 - . _ ~ (and `keep`). */
export function encodeUri(text: string, keep = ''): string {
  const encoded = encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return keep === '/' ? encoded.replaceAll('%2F', '/') : encoded;
}

/** Throws `InvalidURI` on a broken escape or bytes that are not UTF-8. */
export function decodeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI', { URI: text });
  }
}

export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

export function parseQuery(raw: string): readonly QueryParameter[] {
  if (raw === '') return [];
  return raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      const decode = (part: string) => decodeUri(part.replaceAll('+', ' '));
      return at < 0
        ? { name: decode(pair), value: '' }
        : { name: decode(pair.slice(0, at)), value: decode(pair.slice(at + 1)) };
    });
}
