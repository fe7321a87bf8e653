import { attributesOf, encryptionHeaders } from '../attributes.ts';
import { type ChecksumAlgorithm, checksumHeader, type StoredChecksum } from '../checksums.ts';
import { checkDeleteCondition, checkReadConditions, checkWriteConditions } from '../conditions.ts';
import type { S3Context, S3Response } from '../context.ts';
import { FileSink } from '../fileSink.ts';
import { S3Error } from '../s3Error.ts';
import type { StoredObject } from '../storage.ts';
import { childrenNamed, childText, readXml, writeXml, type XmlNode } from '../xml.ts';

export async function putObject(context: S3Context): Promise<S3Response> {
  const { storage, bucket, key } = context;
  const header = (name: string) => context.header(name);
  const headers = attributesOf(context.headers);
  checkWriteConditions(header, key, bucket.objects.get(key));
  const file = storage.newObjectFile(bucket, key);
  const { body, algorithm } = await context.receiveToFile(() => new FileSink(storage.path(bucket, file)), null);
  const checksum: StoredChecksum = { algorithm, type: 'FULL_OBJECT', value: body.checksums.get(algorithm) as string };
  const object: StoredObject = {
    key,
    size: body.size,
    etag: body.md5.toString('hex'),
    lastModified: context.now().toISOString(),
    headers,
    checksum,
    parts: null,
    uploadId: null,
    file,
  };
  // Somebody may have written the key while this body was under way.
  checkWriteConditions(header, key, bucket.objects.get(key));
  storage.commitObject(bucket, object);
  return {
    status: 200,
    headers: { etag: `"${object.etag}"`, ...checksumHeaders(checksum), ...encryptionHeaders(headers) },
  };
}

export function headObject(context: S3Context): S3Response {
  return read(context);
}

export function getObject(context: S3Context): S3Response {
  const storageClass = storageClassOf(context.object);
  if (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE')
    throw new S3Error('InvalidObjectState', { StorageClass: storageClass });
  return read(context);
}

export function deleteObject(context: S3Context): S3Response {
  const { storage, bucket, key } = context;
  checkDeleteCondition(context.header('if-match'), bucket.objects.get(key));
  storage.deleteObject(bucket, key);
  return { status: 204 };
}

export async function deleteObjects(context: S3Context): Promise<S3Response> {
  const { storage, bucket } = context;
  const hasDigest =
    context.header('content-md5') !== undefined ||
    context.header('x-amz-trailer') !== undefined ||
    [...context.headers.keys()].some((name) => name.startsWith('x-amz-checksum-'));
  if (!hasDigest)
    throw new S3Error(
      'InvalidRequest',
      {},
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  const root = readXml(await context.receiveText(), 'Delete');
  const entries = childrenNamed(root, 'Object');
  if (entries.length === 0 || entries.length > 1000) throw new S3Error('MalformedXML');
  const quiet = childText(root, 'Quiet') === 'true';
  const deleted: XmlNode[] = [];
  const errors: XmlNode[] = [];
  for (const entry of entries) {
    const key = childText(entry, 'Key');
    if (key === undefined || key === '') throw new S3Error('MalformedXML');
    try {
      checkDeleteCondition(childText(entry, 'ETag'), bucket.objects.get(key));
      storage.deleteObject(bucket, key);
      if (!quiet) deleted.push({ Key: key });
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      errors.push({ Key: key, Code: error.code, Message: error.message });
    }
  }
  return { status: 200, body: writeXml('DeleteResult', { Deleted: deleted, Error: errors }) };
}

export function getObjectAttributes(context: S3Context): S3Response {
  const { object } = context;
  const asked = (context.header('x-amz-object-attributes') ?? '').split(',').map((name) => name.trim());
  const has = (name: string) => asked.includes(name);
  const { checksum } = object;
  const parts = object.parts?.map((part) => ({
    PartNumber: part.partNumber,
    Size: part.size,
    ...(checksum === null ? {} : { [`Checksum${checksum.algorithm}`]: part.checksum }),
  }));
  return {
    status: 200,
    headers: { 'last-modified': new Date(object.lastModified).toUTCString() },
    body: writeXml('GetObjectAttributesResponse', {
      ETag: has('ETag') ? object.etag : null,
      Checksum:
        has('Checksum') && checksum !== null
          ? { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }
          : null,
      ObjectParts: has('ObjectParts') && parts !== undefined ? { PartsCount: parts.length, Part: parts } : null,
      StorageClass: has('StorageClass') ? storageClassOf(object) : null,
      ObjectSize: has('ObjectSize') ? object.size : null,
    }),
  };
}

export function storageClassOf(object: StoredObject): string {
  return object.headers['x-amz-storage-class'] ?? 'STANDARD';
}

export function checksumHeaders(checksum: StoredChecksum | null): Record<string, string> {
  if (checksum === null) return {};
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** The header an UploadPart answers with, by the algorithm of its upload. */
export function partChecksumHeaders(algorithm: ChecksumAlgorithm, value: string | null): Record<string, string> {
  return value === null ? {} : { [checksumHeader(algorithm)]: value };
}

function read(context: S3Context): S3Response {
  const { object } = context;
  checkReadConditions((name) => context.header(name), object);
  const slice = requestedSlice(context, object);
  const headers: Record<string, string> = {
    ...object.headers,
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    'content-length': String(slice.length),
  };
  if (context.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') {
    if (!slice.partial) Object.assign(headers, checksumHeaders(object.checksum));
    else if (slice.checksum !== null && object.checksum !== null)
      Object.assign(headers, partChecksumHeaders(object.checksum.algorithm, slice.checksum));
  }
  if (slice.partial) headers['content-range'] = `bytes ${slice.start}-${slice.start + slice.length - 1}/${object.size}`;
  if (slice.partsCount !== null) headers['x-amz-mp-parts-count'] = String(slice.partsCount);
  for (const name of [
    'content-type',
    'content-language',
    'expires',
    'cache-control',
    'content-disposition',
    'content-encoding',
  ]) {
    const override = context.query(`response-${name}`);
    if (override !== undefined) headers[name] = override;
  }
  const file = context.storage.path(context.bucket, object.file);
  return {
    status: slice.partial ? 206 : 200,
    headers,
    body: { file, start: slice.start, length: slice.length },
  };
}

interface Slice {
  readonly start: number;
  readonly length: number;
  readonly partial: boolean;
  readonly partsCount: number | null;
  /** Of this part alone. */
  readonly checksum: string | null;
}

function requestedSlice(context: S3Context, object: StoredObject): Slice {
  const partNumber = context.query('partNumber');
  if (partNumber !== undefined) return partSlice(Number(partNumber), object);
  const range = parseRange(context.header('range'), object.size);
  if (range === null) return { start: 0, length: object.size, partial: false, partsCount: null, checksum: null };
  return { ...range, partial: true, partsCount: null, checksum: null };
}

function partSlice(partNumber: number, object: StoredObject): Slice {
  const parts = object.parts ?? [{ partNumber: 1, size: object.size, checksum: null }];
  const index = parts.findIndex((part) => part.partNumber === partNumber);
  if (index < 0)
    throw new S3Error('InvalidRange', { ActualObjectSize: object.size }, 'The requested partnumber is not satisfiable');
  const start = parts.slice(0, index).reduce((sum, part) => sum + part.size, 0);
  const length = parts[index]!.size;
  const partsCount = object.parts === null ? null : parts.length;
  return { start, length, partial: length > 0, partsCount, checksum: parts[index]!.checksum };
}

/** null: the whole object (no range, several, or one that S3 ignores). Throws `InvalidRange`. */
export function parseRange(text: string | undefined, size: number): { start: number; length: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const invalid = () => new S3Error('InvalidRange', { RangeRequested: text as string, ActualObjectSize: size });
  if (match[1] === '') {
    const length = Math.min(Number(match[2]), size);
    if (length === 0) throw invalid();
    return { start: size - length, length };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < start) return null;
  if (start >= size) throw invalid();
  return { start, length: end - start + 1 };
}
