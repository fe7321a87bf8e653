import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { attributesOf, encryptionHeaders } from '../attributes.ts';
import { type ChecksumAlgorithm, checksumElement, isChecksumAlgorithm, startChecksum } from '../checksums.ts';
import { checkReadConditions, checkWriteConditions } from '../conditions.ts';
import type { S3Context, S3Response } from '../context.ts';
import { FileSink } from '../fileSink.ts';
import { S3Error } from '../s3Error.ts';
import type { Bucket, StoredObject } from '../storage.ts';
import { decodeUri } from '../uri.ts';
import { writeXml } from '../xml.ts';
import { findUpload, requestedPartNumber } from './multipart.ts';
import { parseRange } from './object.ts';

const maxCopyBytes = 5 * 1024 ** 3;

export async function copyObject(context: S3Context): Promise<S3Response> {
  const { storage, bucket, key } = context;
  const header = (name: string) => context.header(name);
  const source = findSource(context);
  const directive = header('x-amz-metadata-directive')?.toUpperCase() ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE')
    throw new S3Error('InvalidArgument', {}, 'Unknown metadata directive.');
  if (source.object.size > maxCopyBytes)
    throw new S3Error(
      'InvalidRequest',
      {},
      'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120',
    );
  const fresh = attributesOf(context.headers);
  const changesNothing =
    directive === 'COPY' &&
    source.bucket === bucket &&
    source.object.key === key &&
    (fresh['x-amz-storage-class'] ?? 'STANDARD') === (source.object.headers['x-amz-storage-class'] ?? 'STANDARD') &&
    header('x-amz-server-side-encryption') === undefined;
  if (changesNothing)
    throw new S3Error(
      'InvalidRequest',
      {},
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  checkWriteConditions(header, key, bucket.objects.get(key));
  const asked = header('x-amz-checksum-algorithm')?.toUpperCase();
  const algorithm =
    asked !== undefined && isChecksumAlgorithm(asked) ? asked : (source.object.checksum?.algorithm ?? 'CRC64NVME');
  const file = storage.newObjectFile(bucket, key);
  const copied = await copyBytes(
    storage.path(source.bucket, source.object.file),
    0,
    source.object.size,
    storage.path(bucket, file),
    algorithm,
  );
  const headers = directive === 'REPLACE' ? fresh : copiedAttributes(source.object.headers, fresh);
  const object: StoredObject = {
    key,
    size: source.object.size,
    etag: copied.etag,
    lastModified: context.now().toISOString(),
    headers,
    checksum: { algorithm, type: 'FULL_OBJECT', value: copied.checksum },
    parts: null,
    uploadId: null,
    file,
  };
  checkWriteConditions(header, key, bucket.objects.get(key));
  storage.commitObject(bucket, object);
  return {
    status: 200,
    headers: encryptionHeaders(headers),
    body: writeXml('CopyObjectResult', {
      LastModified: object.lastModified,
      ETag: `"${object.etag}"`,
      [checksumElement(algorithm)]: copied.checksum,
      ChecksumType: 'FULL_OBJECT',
    }),
  };
}

export async function uploadPartCopy(context: S3Context): Promise<S3Response> {
  const { storage, bucket } = context;
  const partNumber = requestedPartNumber(context);
  const { upload } = findUpload(context);
  const source = findSource(context);
  const { start, length } = copyRange(context.header('x-amz-copy-source-range'), source.object.size);
  const file = storage.newPartFile(upload.uploadId, partNumber);
  const from = storage.path(source.bucket, source.object.file);
  const copied = await copyBytes(from, start, length, storage.path(bucket, file), upload.algorithm);
  const lastModified = context.now().toISOString();
  const part = {
    partNumber,
    size: length,
    etag: copied.etag,
    checksum: copied.checksum,
    lastModified,
    file,
    offset: 0,
  };
  storage.commitPart(bucket, findUpload(context), part);
  return {
    status: 200,
    headers: encryptionHeaders(upload.headers),
    body: writeXml('CopyPartResult', {
      LastModified: lastModified,
      ETag: `"${part.etag}"`,
      ...(upload.declaredAlgorithm === null ? {} : { [checksumElement(upload.algorithm)]: copied.checksum }),
    }),
  };
}

function findSource(context: S3Context): { readonly bucket: Bucket; readonly object: StoredObject } {
  const text = context.header('x-amz-copy-source') ?? '';
  const decoded = decodeUri((text.split('?')[0] as string).replace(/^\//, ''));
  const at = decoded.indexOf('/');
  if (at <= 0 || at === decoded.length - 1)
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'x-amz-copy-source', ArgumentValue: text },
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    );
  const name = decoded.slice(0, at);
  const key = decoded.slice(at + 1);
  const bucket = context.storage.buckets.get(name);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', { BucketName: name });
  const object = bucket.objects.get(key);
  if (object === undefined) throw new S3Error('NoSuchKey', { Key: key });
  checkReadConditions((header) => context.header(header), object, 'x-amz-copy-source-');
  return { bucket, object };
}

function copiedAttributes(
  source: Readonly<Record<string, string>>,
  fresh: Readonly<Record<string, string>>,
): Record<string, string> {
  const { 'x-amz-storage-class': _, ...kept } = source;
  const storageClass = fresh['x-amz-storage-class'];
  return {
    ...kept,
    ...encryptionHeaders(fresh),
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
  };
}

function copyRange(text: string | undefined, size: number): { readonly start: number; readonly length: number } {
  if (text === undefined) {
    if (size > maxCopyBytes)
      throw new S3Error(
        'InvalidRequest',
        {},
        'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120',
      );
    return { start: 0, length: size };
  }
  const match = /^bytes=(\d+)-(\d+)$/.exec(text);
  const range = match === null ? null : parseRange(text, size);
  if (match === null || range === null || Number(match[2]) >= size)
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: text },
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    );
  return range;
}

async function copyBytes(
  from: string,
  start: number,
  length: number,
  to: string,
  algorithm: ChecksumAlgorithm,
): Promise<{ readonly etag: string; readonly checksum: string }> {
  const md5 = createHash('md5');
  const checksum = startChecksum(algorithm);
  const sink = new FileSink(to);
  try {
    if (length > 0)
      for await (const chunk of createReadStream(from, {
        start,
        end: start + length - 1,
        highWaterMark: 1024 * 1024,
      })) {
        md5.update(chunk as Buffer);
        checksum.update(chunk as Buffer);
        await sink.push(chunk as Buffer);
      }
    await sink.finish();
  } catch (error) {
    await sink.discard();
    throw error;
  }
  return { etag: md5.digest('hex'), checksum: checksum.digest().toString('base64') };
}
