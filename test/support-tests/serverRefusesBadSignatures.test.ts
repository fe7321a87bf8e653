import { createHash, createHmac } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { canonicalRequest, deriveSigningKey, stringToSign } from '../support/s3/signature.ts';
import { parseQuery } from '../support/s3/uri.ts';
import { type RawRequest, send, sendUnsigned, signed } from './rawRequest.ts';

const put = { method: 'PUT', path: '/b/key', body: 'hello' } as const;
const hex = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
let server: S3TestServer;

beforeAll(async () => {
  server = await startS3Server({ buckets: ['b'] });
});
afterAll(async () => {
  await server.close();
  await rm(server.dir, { recursive: true, force: true });
});

describe('signatures', () => {
  it("agrees with Amazon's published example of a GET with a range", () => {
    const headers = new Map([
      ['host', ['examplebucket.s3.amazonaws.com']],
      ['range', ['bytes=0-9']],
      ['x-amz-content-sha256', [hex('')]],
      ['x-amz-date', ['20130524T000000Z']],
    ]);
    const canonical = canonicalRequest(
      { method: 'GET', path: '/test.txt', query: [], headers },
      [...headers.keys()],
      hex(''),
    );
    const scope = '20130524/us-east-1/s3/aws4_request';
    const key = deriveSigningKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', scope);
    expect(
      createHmac('sha256', key)
        .update(stringToSign('20130524T000000Z', scope, canonical))
        .digest('hex'),
    ).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  });

  it("agrees with Amazon's published example of a listing with a query", () => {
    const headers = new Map([
      ['host', ['examplebucket.s3.amazonaws.com']],
      ['x-amz-content-sha256', [hex('')]],
      ['x-amz-date', ['20130524T000000Z']],
    ]);
    const query = parseQuery('prefix=J&max-keys=2');
    const canonical = canonicalRequest({ method: 'GET', path: '/', query, headers }, [...headers.keys()], hex(''));
    const scope = '20130524/us-east-1/s3/aws4_request';
    const key = deriveSigningKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', scope);
    expect(
      createHmac('sha256', key)
        .update(stringToSign('20130524T000000Z', scope, canonical))
        .digest('hex'),
    ).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
  });

  it('takes a request that another signer signed', async () => {
    expect((await send(server, put)).status).toBe(200);
    expect((await server.readObject('b', 'key')).toString()).toBe('hello');
  });

  const late = new Date(Date.now() - 16 * 60_000);
  const refusals: [string, Partial<RawRequest>, number, string][] = [
    ['a wrong secret', { secretAccessKey: 'other' }, 403, 'SignatureDoesNotMatch'],
    ['an unknown key id', { accessKeyId: 'nobody' }, 403, 'InvalidAccessKeyId'],
    ['a clock 16 minutes behind', { at: late }, 403, 'RequestTimeTooSkewed'],
    ['another region', { region: 'eu-west-1' }, 400, 'AuthorizationHeaderMalformed'],
    ['a payload other than its hash', { payloadHash: hex('other') }, 400, 'XAmzContentSHA256Mismatch'],
    ['a payload hash that is none', { payloadHash: 'nonsense' }, 400, 'InvalidArgument'],
    ['no signature', { tamper: (headers) => delete headers.authorization }, 403, 'AccessDenied'],
    [
      'a header slipped in unsigned',
      { tamper: (headers) => Object.assign(headers, { 'x-amz-meta-a': '1' }) },
      403,
      'AccessDenied',
    ],
    [
      'a signed header changed',
      { headers: { 'x-amz-meta-a': '1' }, tamper: (headers) => Object.assign(headers, { 'x-amz-meta-a': '2' }) },
      403,
      'SignatureDoesNotMatch',
    ],
    ['a session token that nobody issued', { headers: { 'x-amz-security-token': 'x' } }, 400, 'InvalidToken'],
  ];
  it.each(refusals)('refuses %s', async (_, change, status, code) => {
    const answer = await send(server, { ...put, path: '/b/refused', ...change });
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect(server.listKeys('b')).not.toContain('refused');
  });

  it('tells a client with a wrong clock the time', async () => {
    const answer = await send(server, { ...put, at: late });
    expect(answer.body).toContain('<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>');
    expect(Math.abs(Date.parse(/<ServerTime>(.*)<\/ServerTime>/.exec(answer.body)![1]!) - Date.now())).toBeLessThan(
      60_000,
    );
    expect(answer.headers.date).toBeTruthy();
  });

  describe('presigned', () => {
    const presign = (expires: number, at = new Date(), secret = server.secretAccessKey): string => {
      const amzDate = at.toISOString().replace(/[:-]|\.\d+/g, '');
      const scope = `${amzDate.slice(0, 8)}/us-east-1/s3/aws4_request`;
      const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(`${server.accessKeyId}/${scope}`)}&X-Amz-Date=${amzDate}&X-Amz-Expires=${expires}&X-Amz-SignedHeaders=host`;
      const canonical = `GET\n/b/key\n${query}\nhost:127.0.0.1:${server.port}\n\nhost\nUNSIGNED-PAYLOAD`;
      let key: Buffer = Buffer.from(`AWS4${secret}`);
      for (const step of scope.split('/')) key = createHmac('sha256', key).update(step).digest();
      const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${hex(canonical)}`;
      return `/b/key?${query}&X-Amz-Signature=${createHmac('sha256', key).update(toSign).digest('hex')}`;
    };
    const get = (path: string) => sendUnsigned(server.port, 'GET', path, { host: `127.0.0.1:${server.port}` });

    it('serves a URL within its time', async () => {
      await send(server, put);
      expect((await get(presign(60))).body).toBe('hello');
    });
    it('refuses one that has expired, was signed with another secret or asks for more than a week', async () => {
      expect((await get(presign(60, new Date(Date.now() - 120_000)))).body).toContain('Request has expired');
      expect((await get(presign(60, new Date(), 'other'))).code).toBe('SignatureDoesNotMatch');
      expect((await get(presign(604_801))).code).toBe('AuthorizationQueryParametersError');
    });
  });

  describe('aws-chunked', () => {
    interface Framing {
      readonly trailer?: boolean;
      readonly spoil?: (body: Buffer) => void;
      readonly checksum?: string;
      readonly chunk?: number;
    }
    const data = Buffer.alloc(20_000, 'sluice');
    const crc = (() => {
      const digest = createHash('sha1').update(data).digest('base64');
      return digest;
    })();
    const sendChunked = (path: string, { trailer = false, spoil, checksum = crc, chunk = 8192 }: Framing) => {
      const raw: RawRequest = {
        method: 'PUT',
        path,
        payloadHash: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer ? '-TRAILER' : ''}`,
        headers: {
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': String(data.length),
          ...(trailer ? { 'x-amz-trailer': 'x-amz-checksum-sha1' } : {}),
        },
      };
      const { headers, signature, key, scope, amzDate } = signed(server, raw);
      let previous = signature;
      const sign = (kind: string, ...rest: string[]) => {
        const toSign = [`AWS4-HMAC-SHA256-${kind}`, amzDate, scope, previous, ...rest].join('\n');
        previous = createHmac('sha256', key).update(toSign).digest('hex');
        return previous;
      };
      const frames: Buffer[] = [];
      for (let at = 0; at <= data.length; at += chunk) {
        const piece = data.subarray(at, at + chunk);
        frames.push(
          Buffer.from(`${piece.length.toString(16)};chunk-signature=${sign('PAYLOAD', hex(''), hex(piece))}\r\n`),
          piece,
          Buffer.from('\r\n'),
        );
      }
      frames.push(Buffer.from(`0;chunk-signature=${sign('PAYLOAD', hex(''), hex(''))}\r\n`));
      if (trailer) {
        const line = `x-amz-checksum-sha1:${checksum}`;
        frames.push(Buffer.from(`${line}\r\nx-amz-trailer-signature:${sign('TRAILER', hex(`${line}\n`))}\r\n`));
      }
      frames.push(Buffer.from('\r\n'));
      const body = Buffer.concat(frames);
      spoil?.(body);
      return sendUnsigned(server.port, 'PUT', path, { ...headers, 'content-length': String(body.length) }, body);
    };

    it.each([false, true])('stores the data without its framing (signed trailer: %s)', async (trailer) => {
      expect((await sendChunked('/b/chunked', { trailer })).status).toBe(200);
      expect((await server.readObject('b', 'chunked')).equals(data)).toBe(true);
      const head = await send(server, { method: 'HEAD', path: '/b/chunked' });
      expect(head.headers['content-encoding']).toBeUndefined();
    });
    it('refuses a chunk changed on the way, a wrong trailer and chunks under 8 KiB', async () => {
      const flip = (body: Buffer): void => {
        body[10_000] = body[10_000]! ^ 1;
      };
      expect((await sendChunked('/b/spoiled', { spoil: flip })).code).toBe('SignatureDoesNotMatch');
      const wrong = createHash('sha1').update('other').digest('base64');
      expect((await sendChunked('/b/spoiled', { trailer: true, checksum: wrong })).code).toBe('BadDigest');
      expect((await sendChunked('/b/spoiled', { chunk: 4096 })).code).toBe('InvalidChunkSizeError');
      expect(server.listKeys('b')).not.toContain('spoiled');
    });
  });
});
