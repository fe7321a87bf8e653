import { createHmac, hash } from 'node:crypto';
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
  const signature = createHmac('sha256', signingKey(amzDate.slice(0, 8), region, keys.secretAccessKey))
    .update(toSign)
    .digest('hex');
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
let lastKey: { day: string; region: string; secret: string; key: Buffer } = {
  day: '',
  region: '',
  secret: '',
  key: Buffer.alloc(0),
};

function signingKey(day: string, region: string, secret: string): Buffer {
  if (lastKey.day !== day || lastKey.region !== region || lastKey.secret !== secret) {
    let key: Buffer | string = `AWS4${secret}`;
    for (const step of [day, region, 's3', 'aws4_request']) key = createHmac('sha256', key).update(step).digest();
    lastKey = { day, region, secret, key: key as Buffer };
  }
  return lastKey.key;
}
