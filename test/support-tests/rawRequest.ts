import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import type { S3TestServer } from '../support/s3/server.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** `<Code>` of the error, if it is one. */
  readonly code: string | null;
}

export interface RawRequest {
  readonly method: string;
  /** As on the wire, query included. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Of x-amz-content-sha256; default the body's own. */
  readonly payloadHash?: string;
  readonly at?: Date;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly region?: string;
  /** Changes the headers after signing. */
  readonly tamper?: (headers: Record<string, string>) => void;
}

/** A signer of its own, written from Amazon's description and sharing nothing with the server's. */
export function signed(
  server: S3TestServer,
  raw: RawRequest,
): { headers: Record<string, string>; signature: string; key: Buffer; scope: string; amzDate: string } {
  const amzDate = (raw.at ?? new Date()).toISOString().replace(/[:-]|\.\d+/g, '');
  const region = raw.region ?? server.region;
  const scope = `${amzDate.slice(0, 8)}/${region}/s3/aws4_request`;
  const payloadHash =
    raw.payloadHash ??
    createHash('sha256')
      .update(raw.body ?? '')
      .digest('hex');
  const headers: Record<string, string> = {
    host: `127.0.0.1:${server.port}`,
    'x-amz-date': amzDate,
    'x-amz-content-sha256': payloadHash,
    ...raw.headers,
  };
  const names = Object.keys(headers).sort();
  const [path = '', query = ''] = raw.path.split('?');
  const canonicalQuery = query
    .split('&')
    .filter(Boolean)
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&');
  const canonical = `${raw.method}\n${path}\n${canonicalQuery}\n${names.map((name) => `${name}:${headers[name]}\n`).join('')}\n${names.join(';')}\n${payloadHash}`;
  const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key: Buffer = Buffer.from(`AWS4${raw.secretAccessKey ?? server.secretAccessKey}`);
  for (const step of scope.split('/')) key = createHmac('sha256', key).update(step).digest();
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${raw.accessKeyId ?? server.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { headers, signature, key, scope, amzDate };
}

export function send(server: S3TestServer, raw: RawRequest): Promise<RawAnswer> {
  const { headers } = signed(server, raw);
  raw.tamper?.(headers);
  return sendUnsigned(server.port, raw.method, raw.path, headers, raw.body);
}

export function sendUnsigned(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: Buffer | string,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', method, path, headers, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('error', reject);
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? null;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text, code });
      });
    });
    outgoing.end(body);
  });
}
