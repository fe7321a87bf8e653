import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

interface Stored {
  readonly size: number;
  readonly etag: string;
  readonly modified: Date;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SinkStore {
  /** By `bucket/key`. */
  readonly objects: Map<string, Stored>;
  readonly uploads: Map<
    string,
    { readonly path: string; readonly headers: Stored['headers']; readonly parts: Map<number, Stored> }
  >;
  serial: number;
  dataBytes: number;
}

export interface SinkAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Body {
  readonly bytes: number;
  /** Its last bytes, where a trailer was announced. */
  readonly tail: string;
  /** All of it, of a POST. */
  readonly text: string;
}

/** S3's name of what is asked; `METHOD ?` for what the sink does not know. */
export function operationOf(method: string, url: URL, headers: IncomingHttpHeaders): string {
  const [bucket, key] = pathOf(url);
  const has = (name: string): boolean => url.searchParams.has(name);
  const copies = headers['x-amz-copy-source'] !== undefined;
  if (bucket === '') return 'ListBuckets';
  if (key === '') {
    if (method === 'HEAD') return 'HeadBucket';
    if (method === 'PUT') return 'CreateBucket';
    if (method === 'GET' && has('uploads')) return 'ListMultipartUploads';
    if (method === 'GET' && has('location')) return 'GetBucketLocation';
    if (method === 'GET' && (url.search === '' || has('prefix') || has('list-type') || has('delimiter')))
      return url.searchParams.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    return `${method} ${[...url.searchParams.keys()][0] ?? '?'}`;
  }
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'POST' && has('uploads')) return 'CreateMultipartUpload';
  if (method === 'POST' && has('uploadId')) return 'CompleteMultipartUpload';
  if (method === 'PUT' && has('uploadId') && !copies) return 'UploadPart';
  if (method === 'PUT' && !has('uploadId')) return copies ? 'CopyObject' : 'PutObject';
  if (method === 'GET' && has('uploadId')) return 'ListParts';
  if (method === 'DELETE') return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  return `${method} ?`;
}

/** What the Rust sink answers to the operation, less the listing by delimiter. */
export function answerS3(
  store: SinkStore,
  operation: string,
  url: URL,
  headers: IncomingHttpHeaders,
  body: Body,
): SinkAnswer {
  const [bucket, key] = pathOf(url);
  const path = `${bucket}/${key}`;
  const uploadId = url.searchParams.get('uploadId') ?? '';
  const upload = store.uploads.get(uploadId);
  const exists = headers['if-none-match'] === '*' && store.objects.has(path);
  switch (operation) {
    case 'ListBuckets':
      return xml('ListAllMyBucketsResult', '<Buckets></Buckets>');
    case 'HeadBucket':
    case 'CreateBucket':
      return { status: 200, headers: { 'x-amz-bucket-region': 'us-east-1' }, body: '' };
    case 'GetBucketLocation':
      return xml('LocationConstraint', '');
    case 'ListMultipartUploads':
      return xml('ListMultipartUploadsResult', '<IsTruncated>false</IsTruncated>');
    case 'ListObjects':
    case 'ListObjectsV2':
      return listed(store, `${bucket}/`, url);
    case 'HeadObject': {
      const object = store.objects.get(path);
      if (object === undefined) return { status: 404, headers: {}, body: '' };
      const { etag, modified, size } = object;
      const about = { etag: `"${etag}"`, 'last-modified': modified.toUTCString(), 'content-length': String(size) };
      return { status: 200, headers: { ...object.headers, ...about }, body: '' };
    }
    case 'PutObject': {
      if (exists) return failure(412, 'PreconditionFailed');
      const object = received(store, headers, body);
      store.objects.set(path, object);
      return { status: 200, headers: { ...checksumsOf(object.headers), etag: `"${object.etag}"` }, body: '' };
    }
    case 'CreateMultipartUpload': {
      const id = `sink-${nextEtag(store)}`;
      store.uploads.set(id, { path, headers: keptHeaders(headers), parts: new Map() });
      return xml(
        'InitiateMultipartUploadResult',
        `<Bucket>${bucket}</Bucket><Key>${escaped(key)}</Key><UploadId>${id}</UploadId>`,
      );
    }
    case 'UploadPart': {
      const part = received(store, headers, body);
      if (upload === undefined) return failure(404, 'NoSuchUpload');
      upload.parts.set(Number(url.searchParams.get('partNumber')), part);
      return { status: 200, headers: { ...checksumsOf(part.headers), etag: `"${part.etag}"` }, body: '' };
    }
    case 'CompleteMultipartUpload': {
      if (upload === undefined) return failure(404, 'NoSuchUpload');
      if (exists) return failure(412, 'PreconditionFailed');
      const named = [...body.text.matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map((match) =>
        upload.parts.get(Number(match[1])),
      );
      if (named.length === 0 || named.includes(undefined)) return failure(400, 'InvalidPart');
      const size = named.reduce((sum, part) => sum + part!.size, 0);
      if (Number(headers['x-amz-mp-object-size'] ?? size) !== size) return failure(400, 'InvalidRequest');
      const checksums = checksumsOf(keptHeaders(headers));
      const etag = `${nextEtag(store)}-${named.length}`;
      store.objects.set(path, { size, etag, modified: new Date(), headers: { ...upload.headers, ...checksums } });
      store.uploads.delete(uploadId);
      return xml('CompleteMultipartUploadResult', `<ETag>&quot;${etag}&quot;</ETag>${checksumElements(checksums)}`);
    }
    case 'AbortMultipartUpload':
      return store.uploads.delete(uploadId) ? { status: 204, headers: {}, body: '' } : failure(404, 'NoSuchUpload');
    case 'ListParts': {
      if (upload === undefined) return failure(404, 'NoSuchUpload');
      const parts = [...upload.parts]
        .toSorted(([a], [b]) => a - b)
        .map(
          ([number, part]) =>
            `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${part.etag}&quot;</ETag><Size>${part.size}</Size>${checksumElements(checksumsOf(part.headers))}</Part>`,
        );
      return xml('ListPartsResult', `<IsTruncated>false</IsTruncated>${parts.join('')}`);
    }
    case 'DeleteObject':
      store.objects.delete(path);
      return { status: 204, headers: {}, body: '' };
    default:
      return key === '' ? failure(404, 'NoSuchConfiguration') : failure(501, 'NotImplemented');
  }
}

function listed(store: SinkStore, bucket: string, url: URL): SinkAnswer {
  const query = url.searchParams;
  const start = bucket + (query.get('prefix') ?? '');
  const after = bucket + (query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? '');
  const encode = query.get('encoding-type') === 'url' ? encodeURI : escaped;
  const keys = [...store.objects.keys()].filter((path) => path.startsWith(start) && path > after).sort();
  const page = keys.slice(0, 1_000);
  const more = keys.length > page.length;
  const last = page.at(-1)?.slice(bucket.length) ?? '';
  const contents = page.map((path) => {
    const { etag, size, modified } = store.objects.get(path)!;
    return `<Contents><Key>${encode(path.slice(bucket.length))}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size></Contents>`;
  });
  const next = more
    ? `<NextContinuationToken>${escaped(last)}</NextContinuationToken><NextMarker>${encode(last)}</NextMarker>`
    : '';
  return xml(
    'ListBucketResult',
    `<KeyCount>${page.length}</KeyCount><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}`,
  );
}

function received(store: SinkStore, headers: IncomingHttpHeaders, body: Body): Stored {
  const kept = keptHeaders(headers);
  const trailer = headers['x-amz-trailer'];
  const value = typeof trailer === 'string' ? body.tail.split(`${trailer}:`).at(1)?.split('\r')[0]?.trim() : undefined;
  const size = Number(headers['x-amz-decoded-content-length'] ?? body.bytes);
  store.dataBytes += size;
  const md5 = headers['content-md5'];
  const etag = typeof md5 === 'string' ? Buffer.from(md5, 'base64').toString('hex') : nextEtag(store);
  return {
    size,
    etag,
    modified: new Date(),
    headers: { ...kept, ...(value !== undefined && { [String(trailer)]: value }) },
  };
}

function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = /^(content-type|x-amz-meta-.*|x-amz-checksum-(?!algorithm$|mode$).*)$/;
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => kept.test(name))
      .map(([name, value]) => [name, String(value)]),
  );
}

function checksumsOf(headers: Stored['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-checksum-')));
}

function checksumElements(checksums: Readonly<Record<string, string>>): string {
  return Object.entries(checksums)
    .map(([name, value]) => {
      const short = name.slice('x-amz-checksum-'.length);
      const element = short === 'type' ? 'ChecksumType' : `Checksum${short.toUpperCase()}`;
      return `<${element}>${escaped(value)}</${element}>`;
    })
    .join('');
}

function nextEtag(store: SinkStore): string {
  store.serial++;
  return createHash('md5').update(String(store.serial)).digest('hex');
}

function pathOf(url: URL): [string, string] {
  const [bucket = '', ...key] = url.pathname.slice(1).split('/');
  return [bucket, decodeURIComponent(key.join('/'))];
}

function xml(root: string, inner: string): SinkAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`,
  };
}

function failure(status: number, code: string): SinkAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>The sink says ${code}.</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
