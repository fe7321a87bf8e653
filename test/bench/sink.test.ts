import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from './compile.ts';
import { type Sink, startSink, startTlsFront } from './sink/startSink.ts';

const rust = await compile(fileURLToPath(new URL('./sink/sink.rs', import.meta.url)));
const go = await compile(fileURLToPath(new URL('./sink/tlsFront.go', import.meta.url)));
const kinds = [...(typeof rust === 'string' ? [] : [['rust'] as const]), ['node'] as const];
if (typeof rust === 'string') it.skip(`the sink in Rust: ${rust}`, () => undefined);
if (typeof go === 'string') it.skip(`the TLS front in Go: ${go}`, () => undefined);

describe.each(kinds)('the sink in %s answers as S3 would, so that a tool believes its upload', (kind) => {
  let sink: Sink;
  const put = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(sink.endpoint + path, { method: 'PUT', body: body as BodyInit, headers });
  const text = async (
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<string> =>
    (await fetch(sink.endpoint + path, { method, headers, ...(body !== undefined && { body }) })).text();
  beforeAll(async () => {
    sink = await startSink({ kind });
  });
  afterAll(() => sink.close());

  it('keeps size, metadata, checksum and the MD5 that was sent, and counts', async () => {
    await sink.forget();
    const md5 = createHash('md5').update('hello').digest();
    const headers = {
      'content-md5': md5.toString('base64'),
      'x-amz-meta-mtime': '17',
      'x-amz-checksum-crc32': 'NhCmhg==',
    };
    const answer = await put('/b/a%20b/c.txt', 'hello', headers);
    expect(answer.headers.get('x-amz-checksum-crc32')).toBe('NhCmhg==');
    const head = await fetch(`${sink.endpoint}/b/a%20b/c.txt`, { method: 'HEAD' });
    expect(Object.fromEntries(head.headers)).toMatchObject({
      etag: `"${md5.toString('hex')}"`,
      'content-length': '5',
      'x-amz-meta-mtime': '17',
      'x-amz-checksum-crc32': 'NhCmhg==',
    });
    expect(await sink.counts('b', 'a b/')).toMatchObject({
      objects: 1,
      objectBytes: 5,
      dataBytes: 5,
      requests: { PutObject: 1, HeadObject: 1 },
    });
    expect(await sink.counts('b', 'other/')).toMatchObject({ objects: 0, objectBytes: 0 });
    expect((await fetch(`${sink.endpoint}/b/none`, { method: 'HEAD' })).status).toBe(404);
  });

  it('refuses to replace what If-None-Match says must not be there', async () => {
    expect((await put('/b/once', 'x', { 'if-none-match': '*' })).status).toBe(200);
    expect((await put('/b/once', 'x', { 'if-none-match': '*' })).status).toBe(412);
  });

  it('takes a multipart upload, and refuses to complete it with a part or a size that it was not sent', async () => {
    const id = /<UploadId>(.*)<\/UploadId>/.exec(
      await text('POST', '/b/m?uploads', undefined, { 'x-amz-meta-token': 't' }),
    )![1]!;
    const etags: string[] = [];
    for (const number of [1, 2])
      etags.push((await put(`/b/m?partNumber=${number}&uploadId=${id}`, 'abc')).headers.get('etag')!);
    const list = await text('GET', `/b/m?uploadId=${id}`);
    expect(list.match(/<PartNumber>/g)).toHaveLength(2);
    const complete = (numbers: readonly number[]): string =>
      `<CompleteMultipartUpload>${numbers.map((n) => `<Part><PartNumber>${n}</PartNumber><ETag>${etags[n - 1] ?? '"x"'}</ETag></Part>`).join('')}</CompleteMultipartUpload>`;
    expect(await text('POST', `/b/m?uploadId=${id}`, complete([1, 2, 3]))).toContain('InvalidPart');
    expect(await text('POST', `/b/m?uploadId=${id}`, complete([1, 2]), { 'x-amz-mp-object-size': '7' })).toContain(
      'InvalidRequest',
    );
    const crc = {
      'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=',
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-mp-object-size': '6',
    };
    const done = await text('POST', `/b/m?uploadId=${id}`, complete([1, 2]), crc);
    expect(done).toContain('-2&quot;</ETag>');
    expect(done).toContain('<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>');
    const head = await fetch(`${sink.endpoint}/b/m`, { method: 'HEAD' });
    expect(Object.fromEntries(head.headers)).toMatchObject({ 'content-length': '6', 'x-amz-meta-token': 't' });
    expect(await text('POST', `/b/m?uploadId=${id}`, complete([1, 2]))).toContain('NoSuchUpload');
    expect((await sink.counts()).uploadsOpen).toBe(0);
  });

  it('lists 1,000 keys a page, in order, each once', async () => {
    for (let at = 0; at < 1_050; at += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, n) => put(`/many/p/k%26${String(at + n).padStart(5, '0')}`, 'x')),
      );
    const keys: string[] = [];
    let token = '';
    for (let page = 0; page < 3; page++) {
      const query = token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`;
      const xml = await text('GET', `/many?list-type=2&prefix=p%2F${query}`);
      keys.push(...[...xml.matchAll(/<Key>(.*?)<\/Key>/g)].map((match) => match[1]!));
      token = (/<NextContinuationToken>(.*?)</.exec(xml)?.[1] ?? '').replaceAll('&amp;', '&');
      if (token === '') break;
    }
    expect(keys).toHaveLength(1_050);
    expect(keys).toEqual([...new Set(keys)].sort());
    expect(keys[0]).toBe('p/k&amp;00000');
  });

  it('reads aws-chunked in HTTP chunks after an Expect, takes the checksum from the trailer and keeps the connection', async () => {
    const body = '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n';
    const head = ['PUT /b/chunked HTTP/1.1', 'host: sink', 'transfer-encoding: chunked', 'expect: 100-continue'];
    const aws = [
      'content-encoding: aws-chunked',
      'x-amz-trailer: x-amz-checksum-crc32',
      'x-amz-decoded-content-length: 5',
    ];
    const answers = await talk(sink.port, [
      `${[...head, ...aws].join('\r\n')}\r\n\r\n`,
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      'HEAD /b/chunked HTTP/1.1\r\nhost: sink\r\nconnection: close\r\n\r\n',
    ]);
    expect(answers).toContain('HTTP/1.1 100 Continue');
    expect(answers.match(/x-amz-checksum-crc32: NhCmhg==/gi)).toHaveLength(2);
    expect(answers).toMatch(/content-length: 5\r\n/i);
  });

  it('answers 503 above the rate it was given', async () => {
    const limited = await startSink({ kind, maxRps: 20 });
    try {
      const send = (at: number): Promise<Response> =>
        fetch(`${limited.endpoint}/b/${at}`, { method: 'PUT', body: 'x' });
      const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => send(at)));
      const refused = answers.filter((answer) => answer.status === 503).length;
      expect(refused).toBeGreaterThan(10);
      expect(await limited.counts()).toMatchObject({ rejected: refused, objects: 30 - refused });
    } finally {
      await limited.close();
    }
  });
});

it.skipIf(typeof go === 'string')(
  'the TLS front passes on what was put, with its trailer, and trusts its own authority',
  async () => {
    const sink = await startSink();
    const front = await startTlsFront(sink);
    if (typeof front === 'string') throw new Error(front);
    try {
      const headers = { 'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-decoded-content-length': '5' };
      const body = '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n';
      const checksum = await new Promise((resolve, reject) => {
        const options = { method: 'PUT', headers, ca: readFileSync(front.caFile) };
        httpsRequest(`${front.endpoint}/b/tls`, options, (answer) => resolve(answer.headers['x-amz-checksum-crc32']))
          .once('error', reject)
          .end(body);
      });
      expect(checksum).toBe('NhCmhg==');
      expect(await sink.counts('b')).toMatchObject({ objects: 1, objectBytes: 5, bodyBytes: body.length });
    } finally {
      await front.close();
      await sink.close();
    }
  },
);

/** Sends each piece once something new has been answered to the one before; everything that came back. */
function talk(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    let next = 1;
    const socket = connect(port, '127.0.0.1', () => socket.write(pieces[0]!));
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      if (next < pieces.length) socket.write(pieces[next++]!);
    });
    socket.once('close', () => resolve(heard));
    socket.once('error', reject);
  });
}
