import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { asObjectKey, asS3UploadId } from '../../../shared/ids.ts';
import type { ObjectPolicy } from '../../../shared/settings.ts';
import { sendError, sendXml, startCannedServer } from './cannedServer.ts';
import { all, bodyOf, crc32Of, failure, metadata, openStore, policy, sha256Of } from './testStore.ts';

const key = asObjectKey('file');
const uploadId = asS3UploadId('upload');
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A store in front of a server that says just this. */
async function storeAt(answer: Parameters<typeof startCannedServer>[0], more: Parameters<typeof openStore>[1] = {}) {
  const server = await startCannedServer(answer);
  const opened = openStore(server.endpoint, more);
  closers.push(
    () => server.close(),
    () => opened.store.close(),
  );
  return { ...opened, server };
}
const put = (store: ReturnType<typeof openStore>['store']) =>
  store.putObject({ key, body: bodyOf(Buffer.from('hello')), policy, metadata });
const complete = (store: ReturnType<typeof openStore>['store']) =>
  store.completeMultipartUpload({
    key,
    uploadId,
    parts: [{ partNumber: 1, etag: 'e', checksum: crc32Of(Buffer.from('x')) }],
    sizeBytes: 1,
    checksum: null,
  });
/** ms since the epoch, of `20260101T000000Z`. */
const signedAt = (req: IncomingMessage): number =>
  Date.parse(
    String(req.headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  );

describe('an answer is read to the end', () => {
  it.each(['', '\n'])('an error inside the 200 of Complete is an error (%j after it)', async (after) => {
    const { store, counts } = await storeAt((_req, res) =>
      sendXml(
        res,
        `   <Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>${after}`,
      ),
    );
    expect(await failure(complete(store))).toMatchObject({ code: 'store-server-error', retryable: true });
    expect(counts.CompleteMultipartUpload).toBeGreaterThanOrEqual(1);
  });

  it('an empty 200 of Complete, or a Put without an ETag, is an error', async () => {
    const { store } = await storeAt((_req, res) => res.end());
    expect((await failure(complete(store))).code).toBe('store-server-error');
    expect((await failure(put(store))).code).toBe('store-server-error');
  });

  it('a page that leads to itself ends in an error, not in a loop', async () => {
    const { store } = await storeAt((req, res) =>
      sendXml(
        res,
        req.url?.includes('uploads')
          ? '<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>'
          : '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>',
      ),
    );
    expect((await failure(all(store.listObjects('')))).code).toBe('store-server-error');
    expect((await failure(all(store.listMultipartUploads('')))).code).toBe('store-server-error');
  });

  it("an HTML page of somebody's proxy is a refusal in one sentence", async () => {
    const { store } = await storeAt((_req, res) =>
      res.writeHead(407, { 'content-type': 'text/html' }).end('<html><body><p>Sign in<br></html>'),
    );
    expect((await failure(store.listBuckets())).code).toBe('store-refused');
  });

  it('names in a listing survive XML and URL encoding, asked for or not', async () => {
    const names = ['a b+c%d', 'é/ü/日本', 'x&<>"\'y', '+'];
    const encoded = names.map((name) => encodeURIComponent(name).replaceAll('%20', '+'));
    const listing = (keys: string[], extra: string) =>
      `<ListBucketResult>${extra}${keys.map((one) => `<Contents><Key>${one}</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents>`).join('')}</ListBucketResult>`;
    let page = listing(encoded, '<EncodingType>url</EncodingType>');
    const { store } = await storeAt((_req, res) => sendXml(res, page));
    expect((await all(store.listObjects(''))).map((object) => object.key)).toEqual(names);
    page = listing(
      names.map((name) => name.replaceAll('&', '&amp;').replaceAll('<', '&lt;')),
      '',
    );
    const listed = await all(store.listObjects(''));
    expect(listed.map((object) => object.key)).toEqual(names);
    expect(listed[0]?.etag).toBe('e');
  });

  it.each([
    ['says so', 'says'],
    ['encodes in silence', 'silent'],
    ['does not encode', 'never'],
  ])('names of uploads are the ones that were given, at a store that %s', async (_name, kind) => {
    const names = ['a b+c%d', 'a%20b', 'é/日本', 'plain'];
    const { store, server } = await storeAt((req, res) => {
      const asked = req.url?.includes('encoding-type=url') === true;
      const encode = asked && kind !== 'never';
      const keys = names.map((name) => (encode ? encodeURIComponent(name) : name));
      const uploads = keys.map((one) => `<Upload><Key>${one}</Key><UploadId>u</UploadId></Upload>`).join('');
      const said = asked && kind === 'says' ? '<EncodingType>url</EncodingType>' : '';
      sendXml(res, `<ListMultipartUploadsResult>${said}${uploads}</ListMultipartUploadsResult>`);
    });
    expect((await all(store.listMultipartUploads(''))).map((upload) => upload.key)).toEqual(names);
    expect(server.requests).toHaveLength(kind === 'says' ? 1 : 2);
  });

  it('a store that does not encode names of uploads is asked no second time where there is no doubt', async () => {
    const { store, server } = await storeAt((_req, res) =>
      sendXml(
        res,
        '<ListMultipartUploadsResult><Upload><Key>a/b c.txt</Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>',
      ),
    );
    expect((await all(store.listMultipartUploads(''))).map((upload) => upload.key)).toEqual(['a/b c.txt']);
    expect(server.requests).toHaveLength(1);
  });

  it('a full page of 1,000 objects with quoted ETags is read', async () => {
    const contents = Array.from(
      { length: 1000 },
      (_, i) => `<Contents><Key>k&amp;${i}</Key><Size>${i}</Size><ETag>&quot;e${i}&quot;</ETag></Contents>`,
    );
    const { store } = await storeAt((_req, res) =>
      sendXml(res, `<ListBucketResult>${contents.join('')}</ListBucketResult>`),
    );
    expect((await all(store.listObjects(''))).at(-1)).toMatchObject({ key: 'k&999', etag: 'e999', sizeBytes: 999 });
  });
});

describe('what is sent', () => {
  it('data has its checksum, its length and an unsigned payload; Complete has the whole object', async () => {
    const seen: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];
    const { store } = await storeAt((req, res, body) => {
      seen.push({ url: String(req.url), headers: req.headers, body: body.toString() });
      const result = req.url?.includes('uploads')
        ? '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'
        : '';
      sendXml(res, result || '<CompleteMultipartUploadResult><ETag>"done-1"</ETag></CompleteMultipartUploadResult>', {
        etag: '"e"',
      });
    });
    const bytes = Buffer.from('hello');
    await store.putObject({
      key,
      body: bodyOf(bytes),
      policy: { storageClass: 'STANDARD_IA', sse: { kind: 'aws:kms', keyId: 'key-1' }, foreign: 'keep' },
      metadata,
    });
    await store.uploadPart({ key, uploadId, partNumber: 1, body: bodyOf(bytes, sha256Of(bytes)) });
    await store.createMultipartUpload({ key, algorithm: 'crc64nvme', policy, metadata });
    await store.createMultipartUpload({ key, algorithm: 'sha256', policy, metadata });
    await store.completeMultipartUpload({
      key,
      uploadId,
      parts: [{ partNumber: 1, etag: 'e', checksum: { algorithm: 'crc64nvme', value: 'AAAAAAAAAAE=' } }],
      sizeBytes: 5,
      checksum: { algorithm: 'crc64nvme', value: 'AAAAAAAAAAI=' },
    });
    expect(seen[0]?.headers).toMatchObject({
      'content-length': '5',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-checksum-crc32': crc32Of(bytes).value,
      'x-amz-sdk-checksum-algorithm': 'CRC32',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
      'x-amz-meta-sluice-token': 'token-1',
      'x-amz-meta-sluice-mtime': '1700000000123.5',
      'x-amz-meta-sluice-size': '5',
    });
    expect(seen[1]?.headers).toMatchObject({
      'x-amz-checksum-sha256': sha256Of(bytes).value,
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    });
    expect(seen[2]?.headers).toMatchObject({
      'x-amz-checksum-algorithm': 'CRC64NVME',
      'x-amz-checksum-type': 'FULL_OBJECT',
    });
    expect(seen[3]?.headers).toMatchObject({
      'x-amz-checksum-algorithm': 'SHA256',
      'x-amz-checksum-type': 'COMPOSITE',
    });
    expect(seen[4]?.headers).toMatchObject({
      'x-amz-mp-object-size': '5',
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-checksum-crc64nvme': 'AAAAAAAAAAI=',
    });
    expect(seen[4]?.body).toContain('<ChecksumCRC64NVME>AAAAAAAAAAE=</ChecksumCRC64NVME>');
    for (const { headers } of seen) expect(headers).not.toHaveProperty('expect');
  });

  it('a bucket becomes part of the host unless path style is asked for or needed', async () => {
    const hosts: string[] = [];
    const { server } = await storeAt((req, res) => {
      hosts.push(`${req.headers.host} ${req.url}`);
      res.writeHead(200, { etag: '"e"' }).end();
    });
    for (const [host, pathStyle] of [
      ['s3.localhost', false],
      ['s3.localhost', true],
      ['localhost', false],
    ] as const) {
      const { store } = openStore(`http://${host}:${server.port}`, { connection: { pathStyle } });
      await put(store);
      store.close();
    }
    expect(hosts).toEqual([
      `bucket.s3.localhost:${server.port} /file`,
      `s3.localhost:${server.port} /bucket/file`,
      `localhost:${server.port} /bucket/file`,
    ]);
  });
});

describe('who retries', () => {
  it('data goes out once, control requests three times, each attempt counted', async () => {
    const { store, counts } = await storeAt((_req, res) => sendError(res, 503, 'SlowDown', '', { 'retry-after': '1' }));
    const refused = await failure(put(store));
    expect(refused).toMatchObject({ code: 'store-throttled', retryable: true });
    expect(refused.details.retryAfterMs).toBe(1000);
    const body = bodyOf(Buffer.from('hello'));
    await failure(store.uploadPart({ key, uploadId, partNumber: 1, body }));
    expect(counts).toEqual({ PutObject: 1, UploadPart: 1 });
    const { store: other, counts: controls } = await storeAt((_req, res) => sendError(res, 500, 'InternalError'));
    await failure(other.createMultipartUpload({ key, algorithm: 'crc32', policy, metadata }));
    await failure(all(other.listObjects('')));
    // Each attempt may have made an upload: whoever asks must know of each.
    expect(controls).toEqual({ CreateMultipartUpload: 1, ListObjectsV2: 3 });
  });

  it('a refusal is not asked again', async () => {
    const { store, counts } = await storeAt((_req, res) => sendError(res, 403, 'AccessDenied'));
    expect((await failure(store.createMultipartUpload({ key, algorithm: 'crc32', policy, metadata }))).code).toBe(
      'access-denied',
    );
    expect(counts).toEqual({ CreateMultipartUpload: 1 });
  });

  it('an upload that is already gone is aborted well', async () => {
    const { store } = await storeAt((_req, res) => sendError(res, 404, 'NoSuchUpload'));
    await store.abortMultipartUpload({ key, uploadId });
    expect((await failure(all(store.listParts({ key, uploadId })))).code).toBe('no-such-upload');
  });
});

describe('a refusal without a reason', () => {
  const asked: ObjectPolicy = { storageClass: 'GLACIER', sse: { kind: 'aws:kms', keyId: 'k1' }, foreign: 'keep' };

  it('names the encryption and the storage class that were asked for, and no words the store did not say', async () => {
    const { store } = await storeAt((_req, res) =>
      res.writeHead(400).end('<Error><Code>InvalidArgument</Code><Message></Message></Error>'),
    );
    for (const error of [
      await failure(store.putObject({ key, body: bodyOf(Buffer.from('x')), policy: asked, metadata })),
      await failure(store.createMultipartUpload({ key, algorithm: 'crc32', policy: asked, metadata })),
    ]) {
      expect(error.code).toBe('store-refused');
      expect(error.message).toMatch(/: InvalidArgument$/);
      expect(error.details.remedy).toContain('storage class GLACIER, encryption aws:kms, key k1');
    }
    expect((await failure(put(store))).details.remedy).not.toContain('storage class');
  });

  it('for another cause keeps its own remedy', async () => {
    const { store } = await storeAt((_req, res) => sendError(res, 403, 'AccessDenied'));
    const error = await failure(store.createMultipartUpload({ key, algorithm: 'crc32', policy: asked, metadata }));
    expect(error.code).toBe('access-denied');
    expect(error.details.remedy).not.toContain('GLACIER');
  });
});

describe('a Complete that the store failed', () => {
  const failedThen = (listParts: (res: ServerResponse) => void) =>
    storeAt((req, res) => (req.method === 'POST' ? sendError(res, 500, 'InternalError') : listParts(res)));

  it.each(['NoSuchUpload', 'NoSuchKey'])('means the upload is gone when its parts are (%s)', async (code) => {
    const { store, counts } = await failedThen((res) => sendError(res, 404, code));
    expect(await failure(complete(store))).toMatchObject({ code: 'no-such-upload' });
    expect(counts).toMatchObject({ CompleteMultipartUpload: 3, ListParts: 1 });
  });

  it('may be asked for again while its parts are there, or nobody can tell', async () => {
    const there = await failedThen((res) => sendXml(res, '<ListPartsResult></ListPartsResult>'));
    expect(await failure(complete(there.store))).toMatchObject({
      code: 'store-server-error',
      details: { operation: 'CompleteMultipartUpload', retryable: true },
    });
    const denied = await failedThen((res) => sendError(res, 403, 'AccessDenied'));
    expect((await failure(complete(denied.store))).code).toBe('store-server-error');
  });
});

describe('the clock', () => {
  it.each([-40, 40])('one that is %i minutes off is corrected once, for all parallel requests', async (minutes) => {
    const now = () => Date.now() + minutes * 60_000;
    const { store, counts } = await storeAt((req, res) => {
      res.setHeader('date', new Date(now()).toUTCString());
      if (Math.abs(signedAt(req) - now()) > 15 * 60_000) {
        return sendError(res, 403, 'RequestTimeTooSkewed', `<ServerTime>${new Date(now()).toISOString()}</ServerTime>`);
      }
      res.writeHead(200, { etag: '"e"', 'content-length': '0' }).end();
    });
    const heads = await Promise.all(Array.from({ length: 8 }, () => store.headObject(key)));
    expect(heads.every((head) => head?.etag === 'e')).toBe(true);
    expect(counts.HeadObject).toBeLessThanOrEqual(16);
    // the data client is another one: it learns by itself, at the price of one answer
    await failure(put(store));
    await Promise.all([put(store), put(store)]);
    expect(counts.PutObject).toBe(3);
  });

  it('a data request that meets the skew first says so, and the next one goes through', async () => {
    const now = () => Date.now() + 3_600_000;
    const { store } = await storeAt((req, res) => {
      res.setHeader('date', new Date(now()).toUTCString());
      if (Math.abs(signedAt(req) - now()) > 15 * 60_000) return sendError(res, 403, 'RequestTimeTooSkewed');
      res.writeHead(200, { etag: '"e"' }).end();
    });
    const error = await failure(put(store));
    expect(error).toMatchObject({ code: 'clock-skew', retryable: true });
    expect(error.details.retryAfterMs).toBe(0);
    expect(error.message).toMatch(/(59|60) minutes behind/);
    expect((await put(store)).etag).toBe('e');
  });

  it('one that stays refused is named with the minutes', async () => {
    const serverTime = new Date(Date.now() - 50 * 60_000);
    const { store, counts } = await storeAt((_req, res) => {
      res.setHeader('date', serverTime.toUTCString());
      sendError(res, 403, 'RequestTimeTooSkewed', `<ServerTime>${serverTime.toISOString()}</ServerTime>`);
    });
    const error = await failure(store.createMultipartUpload({ key, algorithm: 'crc32', policy, metadata }));
    expect(error.code).toBe('clock-skew');
    expect(error.message).toContain('50 minutes ahead');
    expect(counts.CreateMultipartUpload).toBeLessThanOrEqual(3);
  });
});

describe('the region', () => {
  const scopeOf = (req: IncomingMessage): string =>
    /Credential=[^/]+\/\d+\/([^/]+)\//.exec(String(req.headers.authorization))?.[1] ?? '';
  const inFrankfurt: Parameters<typeof startCannedServer>[0] = (req, res) => {
    if (scopeOf(req) === 'eu-central-1') {
      return void res
        .writeHead(200, { etag: '"e"', 'x-amz-bucket-region': 'eu-central-1', 'content-length': '0' })
        .end();
    }
    if (req.method === 'HEAD') return void res.writeHead(301, { 'x-amz-bucket-region': 'eu-central-1' }).end();
    sendError(res, 400, 'AuthorizationHeaderMalformed', '<Region>eu-central-1</Region>');
  };

  it('is found by asking when nobody named one, and kept', async () => {
    const { store, counts } = await storeAt(inFrankfurt);
    expect(await store.headBucket()).toEqual({ region: 'eu-central-1' });
    expect(await store.headBucket()).toEqual({ region: 'eu-central-1' });
    await failure(put(store));
    await put(store);
    expect(counts).toEqual({ HeadBucket: 3, PutObject: 2 });
  });

  it('learned from a data request, lets the next one through', async () => {
    const { store } = await storeAt(inFrankfurt);
    const error = await failure(put(store));
    expect(error).toMatchObject({ code: 'wrong-region', retryable: true });
    expect((await put(store)).etag).toBe('e');
  });

  it('that was named wrongly is refused, with the right one', async () => {
    const { store } = await storeAt(inFrankfurt, { connection: { region: 'us-west-2' } });
    for (const error of [await failure(store.headBucket()), await failure(put(store))]) {
      expect(error).toMatchObject({ code: 'wrong-region', retryable: false });
      expect(error.message).toContain('eu-central-1');
    }
  });
});

describe('a HEAD answer without words', () => {
  it.each([
    ['InvalidAccessKeyId', 'wrong-keys'],
    ['SignatureDoesNotMatch', 'wrong-keys'],
    ['AccessDenied', 'access-denied'],
    ['ExpiredToken', 'expired-credentials'],
  ])('%s is found out by asking with a body', async (s3Code, code) => {
    const { store } = await storeAt((req, res) =>
      req.method === 'HEAD' ? res.writeHead(403).end() : sendError(res, 403, s3Code),
    );
    expect((await failure(store.headBucket())).code).toBe(code);
    expect((await failure(store.headObject(key))).code).toBe(code);
  });

  it('of an object that is not there is null', async () => {
    const { store } = await storeAt((_req, res) => res.writeHead(404).end());
    expect(await store.headObject(key)).toBeNull();
    expect((await failure(store.headBucket())).code).toBe('no-such-bucket');
  });
});

describe('credentials', () => {
  it('that expired in use are asked for again', async () => {
    let asked = 0;
    const { store } = await storeAt(
      (req, res) => {
        if (req.headers['x-amz-security-token'] === 'session-1') return sendError(res, 400, 'ExpiredToken');
        res.writeHead(200, { etag: '"e"', 'content-length': '0' }).end();
      },
      { credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 's', sessionToken: `session-${++asked}` }) },
    );
    expect((await store.headObject(key))?.etag).toBe('e');
    expect((await put(store)).etag).toBe('e');
  });

  it('a part that meets the expiry may be sent again only when there are new ones', async () => {
    const expired: Parameters<typeof startCannedServer>[0] = (_req, res) => sendError(res, 400, 'ExpiredToken');
    let asked = 0;
    const renewing = await storeAt(expired, {
      credentials: async () => ({ accessKeyId: `A${++asked}`, secretAccessKey: 's' }),
    });
    expect(await failure(put(renewing.store))).toMatchObject({ code: 'expired-credentials', retryable: true });
    const fixed = await storeAt(expired);
    expect(await failure(put(fixed.store))).toMatchObject({ code: 'expired-credentials', retryable: false });
  });

  it('never show up in an error', async () => {
    const { store } = await storeAt((_req, res) =>
      sendError(res, 403, 'SignatureDoesNotMatch', '<StringToSign>x</StringToSign>'),
    );
    const error = await failure(put(store));
    expect(JSON.stringify(error.view())).not.toContain('very-secret');
    expect(error.message).not.toMatch(/Signature=|Credential=/);
  });
});
