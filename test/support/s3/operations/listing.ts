import { checksumElement } from '../checksums.ts';
import type { S3Context, S3Response } from '../context.ts';
import { compareUtf8 } from '../keyIndex.ts';
import { S3Error } from '../s3Error.ts';
import type { StoredObject } from '../storage.ts';
import { encodeUri } from '../uri.ts';
import { writeXml, type XmlNode } from '../xml.ts';
import { findUpload } from './multipart.ts';
import { storageClassOf } from './object.ts';

const owner = { ID: '75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a', DisplayName: 'sluicetest' };

export function listObjectsV2(context: S3Context): S3Response {
  const prefix = context.query('prefix') ?? '';
  const delimiter = context.query('delimiter') ?? '';
  const maxKeys = limit(context, 'max-keys');
  const token = context.query('continuation-token');
  const startAfter = context.query('start-after');
  const from = token === undefined ? (startAfter ?? '') : readToken(token);
  const page = walk(context, { prefix, delimiter, after: from, maxKeys });
  const encode = keyEncoding(context);
  const withOwner = context.query('fetch-owner') === 'true';
  return {
    status: 200,
    body: writeXml('ListBucketResult', {
      Name: context.bucket.name,
      Prefix: encode(prefix),
      ContinuationToken: token,
      NextContinuationToken: page.next === null ? null : Buffer.from(page.next).toString('base64'),
      StartAfter: startAfter === undefined ? null : encode(startAfter),
      KeyCount: page.objects.length + page.prefixes.length,
      MaxKeys: maxKeys,
      Delimiter: delimiter === '' ? null : encode(delimiter),
      EncodingType: context.query('encoding-type'),
      IsTruncated: page.next !== null,
      Contents: page.objects.map((object) => listed(object, encode, withOwner)),
      CommonPrefixes: page.prefixes.map((each) => ({ Prefix: encode(each) })),
    }),
  };
}

export function listObjects(context: S3Context): S3Response {
  const prefix = context.query('prefix') ?? '';
  const delimiter = context.query('delimiter') ?? '';
  const marker = context.query('marker') ?? '';
  const maxKeys = limit(context, 'max-keys');
  const page = walk(context, { prefix, delimiter, after: marker, maxKeys });
  const encode = keyEncoding(context);
  return {
    status: 200,
    body: writeXml('ListBucketResult', {
      Name: context.bucket.name,
      Prefix: encode(prefix),
      Marker: encode(marker),
      NextMarker: page.next === null || delimiter === '' ? null : encode(page.next),
      MaxKeys: maxKeys,
      Delimiter: delimiter === '' ? null : encode(delimiter),
      EncodingType: context.query('encoding-type'),
      IsTruncated: page.next !== null,
      Contents: page.objects.map((object) => listed(object, encode, true)),
      CommonPrefixes: page.prefixes.map((each) => ({ Prefix: encode(each) })),
    }),
  };
}

export function listParts(context: S3Context): S3Response {
  const { upload, parts } = findUpload(context);
  const maxParts = limit(context, 'max-parts');
  const marker = Number(context.query('part-number-marker') ?? '0');
  const numbers = [...parts.keys()].filter((number) => number > marker).sort((a, b) => a - b);
  const page = numbers.slice(0, maxParts);
  const declared = upload.declaredAlgorithm;
  return {
    status: 200,
    body: writeXml('ListPartsResult', {
      Bucket: context.bucket.name,
      Key: upload.key,
      UploadId: upload.uploadId,
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1) ?? 0,
      MaxParts: maxParts,
      IsTruncated: numbers.length > page.length,
      ...(declared === null ? {} : { ChecksumAlgorithm: declared, ChecksumType: upload.type }),
      Initiator: owner,
      Owner: owner,
      StorageClass: upload.headers['x-amz-storage-class'] ?? 'STANDARD',
      Part: page.map((number) => {
        const part = parts.get(number)!;
        return {
          PartNumber: number,
          LastModified: part.lastModified,
          ETag: `"${part.etag}"`,
          Size: part.size,
          ...(declared === null ? {} : { [checksumElement(declared)]: part.checksum }),
        };
      }),
    }),
  };
}

export function listMultipartUploads(context: S3Context): S3Response {
  const { bucket } = context;
  const prefix = context.query('prefix') ?? '';
  const delimiter = context.query('delimiter') ?? '';
  const keyMarker = context.query('key-marker') ?? '';
  const idMarker = keyMarker === '' ? '' : (context.query('upload-id-marker') ?? '');
  const maxUploads = limit(context, 'max-uploads');
  const encode = keyEncoding(context);
  // Of one key, S3 lists the oldest upload first.
  const all = [...bucket.uploads.values()]
    .filter((open) => !open.completing && open.upload.key.startsWith(prefix))
    .map((open) => open.upload)
    .sort(
      (a, b) =>
        compareUtf8(a.key, b.key) || compareText(a.initiated, b.initiated) || compareText(a.uploadId, b.uploadId),
    );
  const markerIndex = all.findIndex((upload) => upload.key === keyMarker && upload.uploadId === idMarker);
  const rest = all.filter((upload, index) => {
    const order = compareUtf8(upload.key, keyMarker);
    if (keyMarker === '' || order > 0) return true;
    return order === 0 && idMarker !== '' && markerIndex >= 0 && index > markerIndex;
  });
  const prefixes = new Set<string>();
  const uploads: typeof all = [];
  let last = { key: '', uploadId: '' };
  let truncated = false;
  for (const upload of rest) {
    const common = commonPrefix(upload.key, prefix, delimiter);
    // A page that ended with a common prefix goes on behind all that it stands for.
    if (common !== null && (prefixes.has(common) || common === keyMarker)) continue;
    if (uploads.length + prefixes.size >= maxUploads) {
      truncated = true;
      break;
    }
    if (common === null) uploads.push(upload);
    else prefixes.add(common);
    last = common === null ? upload : { key: common, uploadId: '' };
  }
  return {
    status: 200,
    body: writeXml('ListMultipartUploadsResult', {
      Bucket: bucket.name,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: encode(last.key),
      NextUploadIdMarker: last.uploadId,
      Prefix: prefix === '' ? null : encode(prefix),
      Delimiter: delimiter === '' ? null : encode(delimiter),
      EncodingType: context.query('encoding-type'),
      MaxUploads: maxUploads,
      IsTruncated: truncated,
      Upload: uploads.map((upload) => ({
        Key: encode(upload.key),
        UploadId: upload.uploadId,
        Initiator: owner,
        Owner: owner,
        StorageClass: upload.headers['x-amz-storage-class'] ?? 'STANDARD',
        Initiated: upload.initiated,
        ...(upload.declaredAlgorithm === null
          ? {}
          : { ChecksumAlgorithm: upload.algorithm, ChecksumType: upload.type }),
      })),
      CommonPrefixes: [...prefixes].map((each) => ({ Prefix: encode(each) })),
    }),
  };
}

interface Walk {
  readonly prefix: string;
  readonly delimiter: string;
  /** A key, or a common prefix that the page before ended with. */
  readonly after: string;
  readonly maxKeys: number;
}

function walk(context: S3Context, { prefix, delimiter, after, maxKeys }: Walk) {
  const index = context.bucket.objects;
  const keys = index.keys();
  const objects: StoredObject[] = [];
  const prefixes: string[] = [];
  let at = Math.max(index.seek(prefix, true), after === '' ? 0 : index.seek(after, false));
  let last: string | null = null;
  let next: string | null = null;
  for (; at < keys.length; at++) {
    const key = keys[at]!;
    if (!key.startsWith(prefix)) break;
    const common = commonPrefix(key, prefix, delimiter);
    if (common !== null && (common === prefixes.at(-1) || common === after)) continue;
    if (objects.length + prefixes.length >= maxKeys) {
      next = last;
      break;
    }
    if (common === null) objects.push(index.get(key)!);
    else prefixes.push(common);
    last = common ?? key;
  }
  return { objects, prefixes, next };
}

function commonPrefix(key: string, prefix: string, delimiter: string): string | null {
  if (delimiter === '') return null;
  const found = key.indexOf(delimiter, prefix.length);
  return found < 0 ? null : key.slice(0, found + delimiter.length);
}

function listed(object: StoredObject, encode: (key: string) => string, withOwner: boolean): XmlNode {
  return {
    Key: encode(object.key),
    LastModified: object.lastModified,
    ETag: `"${object.etag}"`,
    ChecksumAlgorithm: object.checksum?.algorithm,
    ChecksumType: object.checksum?.type,
    Size: object.size,
    Owner: withOwner ? owner : null,
    StorageClass: storageClassOf(object),
  };
}

function keyEncoding(context: S3Context): (key: string) => string {
  const type = context.query('encoding-type');
  if (type === undefined) return (key) => key;
  if (type !== 'url')
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'encoding-type', ArgumentValue: type },
      'Invalid Encoding Method specified in Request',
    );
  return (key) => encodeUri(key, '/');
}

function limit(context: S3Context, name: string): number {
  const text = context.query(name);
  if (text === undefined) return 1000;
  if (!/^\d{1,10}$/.test(text))
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: name, ArgumentValue: text },
      `Provided ${name} not an integer or within integer range`,
    );
  return Math.min(Number(text), 1000);
}

function readToken(token: string): string {
  const key = Buffer.from(token, 'base64');
  if (key.length === 0 || key.toString('base64') !== token)
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'continuation-token', ArgumentValue: token },
      'The continuation token provided is incorrect',
    );
  return key.toString('utf8');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
