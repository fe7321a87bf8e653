import { hash } from 'node:crypto';
import type { StoreCredentials } from './store.ts';

export interface ToSign {
  readonly method: string;
  /** As it goes out: escaped, and never normalised (S3 takes `//` and `..` in a key literally). */
  readonly path: string;
  /** As it goes out: escaped, names in order. `''`: none. */
  readonly query: string;
  /** name, value, name, value…: names in lower case and in order, `host` among them, values without surplus spaces. All are signed. */
  readonly headers: readonly string[];
  readonly payloadHash: string;
  /** `20260101T000000Z`, as in `x-amz-date`. */
  readonly amzDate: string;
  readonly region: string;
  readonly keys: StoreCredentials;
}

/**
 * The Authorization header of AWS Signature Version 4 for S3 (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). The caller keeps the headers sorted,
 * so that a signature costs two hashes and no sorting; the key of the day is kept between calls.
 */
export function signV4({ method, path, query, headers, payloadHash, amzDate, region, keys }: ToSign): string {
  let canonical = `${method}\n${path}\n${query}\n`;
  let names = '';
  for (let i = 0; i < headers.length; i += 2) {
    canonical += `${headers[i]}:${headers[i + 1]}\n`;
    names += i === 0 ? headers[i] : `;${headers[i]}`;
  }
  canonical += `\n${names}\n${payloadHash}`;
  const scope = `${amzDate.slice(0, 8)}/${region}/s3/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${hash('sha256', canonical, 'hex')}`;
  const signature = hmac(signingKey(amzDate.slice(0, 8), region, keys.secretAccessKey), toSign, 'hex');
  return `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

/** `20260101T000000Z` of a time in ms; the last second's answer is kept. */
export function amzDateOf(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== lastDate.second) {
    const iso = new Date(second * 1000).toISOString();
    lastDate = { second, text: `${iso.slice(0, 19).replace(/[-:]/g, '')}Z` };
  }
  return lastDate.text;
}

let lastDate = { second: Number.NaN, text: '' };
let lastKey: { day: string; region: string; secret: string; key: HmacKey } | undefined;

function signingKey(day: string, region: string, secret: string): HmacKey {
  if (lastKey?.day !== day || lastKey.region !== region || lastKey.secret !== secret) {
    let key = hmacKey(Buffer.from(`AWS4${secret}`));
    for (const step of [day, region, 's3', 'aws4_request']) key = hmacKey(hmac(key, step, 'buffer'));
    lastKey = { day, region, secret, key };
  }
  return lastKey.key;
}

/** The two padded blocks of a key, RFC 2104. */
interface HmacKey {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

const blockBytes = 64;

function hmacKey(secret: Buffer): HmacKey {
  const key = Buffer.alloc(blockBytes);
  (secret.length > blockBytes ? hash('sha256', secret, 'buffer') : secret).copy(key);
  return { inner: key.map((byte) => byte ^ 0x36) as Buffer, outer: key.map((byte) => byte ^ 0x5c) as Buffer };
}

/** Two one-shot hashes: Node's Hmac makes a key object each time, which costs 30 µs where these cost 4. */
function hmac<F extends 'hex' | 'buffer'>(
  { inner, outer }: HmacKey,
  text: string,
  as: F,
): F extends 'hex' ? string : Buffer;
function hmac({ inner, outer }: HmacKey, text: string, as: 'hex' | 'buffer'): string | Buffer {
  const digest = hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer');
  return hash('sha256', Buffer.concat([outer, digest]), as as 'buffer');
}
