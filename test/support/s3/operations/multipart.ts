import { createHash, randomBytes } from 'node:crypto';
import { assembleParts } from '../assembleParts.ts';
import { attributesOf, encryptionHeaders } from '../attributes.ts';
import {
  checksumElement,
  checksumOfParts,
  isChecksumAlgorithm,
  multipartChecksumType,
  type StoredChecksum,
} from '../checksums.ts';
import { checkWriteConditions } from '../conditions.ts';
import type { S3Context, S3Response } from '../context.ts';
import { declaredObjectChecksum } from '../declaredDigests.ts';
import { FileSink } from '../fileSink.ts';
import { linkParts, type Placement, placePart, sharedFile } from '../partPlacement.ts';
import { S3Error } from '../s3Error.ts';
import type { OpenUpload, StoredPart, StoredUpload } from '../storage.ts';
import { childrenNamed, childText, readXml, writeXml } from '../xml.ts';
import { partChecksumHeaders } from './object.ts';

const minPartBytes = 5 * 1024 * 1024;
const maxParts = 10_000;

export function createMultipartUpload(context: S3Context): S3Response {
  const { storage, bucket, key } = context;
  const headers = attributesOf(context.headers);
  const asked = context.header('x-amz-checksum-algorithm')?.toUpperCase();
  if (asked !== undefined && !isChecksumAlgorithm(asked))
    throw new S3Error(
      'InvalidRequest',
      {},
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    );
  const askedType = context.header('x-amz-checksum-type')?.toUpperCase();
  if (asked === undefined && askedType !== undefined)
    throw new S3Error(
      'InvalidRequest',
      {},
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  const algorithm = asked ?? 'CRC64NVME';
  const upload: StoredUpload = {
    key,
    uploadId: randomBytes(48).toString('base64url'),
    initiated: context.now().toISOString(),
    headers,
    declaredAlgorithm: asked ?? null,
    algorithm,
    type: multipartChecksumType(algorithm, askedType),
  };
  storage.createUpload(bucket, upload);
  context.log.uploadId = upload.uploadId;
  return {
    status: 200,
    headers: {
      ...(asked === undefined ? {} : { 'x-amz-checksum-algorithm': asked, 'x-amz-checksum-type': upload.type }),
      ...encryptionHeaders(headers),
    },
    body: writeXml('InitiateMultipartUploadResult', { Bucket: bucket.name, Key: key, UploadId: upload.uploadId }),
  };
}

export async function uploadPart(context: S3Context): Promise<S3Response> {
  const { storage, bucket } = context;
  const partNumber = requestedPartNumber(context);
  const open = findUpload(context);
  const { upload, slots } = open;
  checkPartAlgorithm(context, upload);
  let place: Placement = { file: '', offset: 0, shared: false };
  const sinkFor = (length: number): FileSink => {
    place = placePart(open, partNumber, length, storage.newPartFile(upload.uploadId, partNumber));
    if (place.shared) slots.writers += 1;
    return new FileSink(storage.path(bucket, place.file), place.shared ? place.offset : null);
  };
  let stored = false;
  try {
    const { body, algorithm } = await context.receiveToFile(sinkFor, upload.algorithm);
    const part: StoredPart = {
      partNumber,
      size: body.size,
      etag: body.md5.toString('hex'),
      checksum: body.checksums.get(algorithm) ?? null,
      lastModified: context.now().toISOString(),
      file: place.file,
      offset: place.offset,
    };
    // The upload may have been completed or aborted while the bytes came in.
    storage.commitPart(bucket, findUpload(context), part);
    stored = true;
    return {
      status: 200,
      headers: {
        etag: `"${part.etag}"`,
        ...partChecksumHeaders(upload.algorithm, part.checksum),
        ...encryptionHeaders(upload.headers),
      },
    };
  } finally {
    if (place.shared) {
      slots.writers -= 1;
      if (!stored) slots.taken.delete(partNumber);
    }
  }
}

export async function completeMultipartUpload(context: S3Context): Promise<S3Response> {
  const { storage, bucket, key } = context;
  findUpload(context);
  const claims = readClaims(await context.receiveText('object'));
  const open = findUpload(context);
  const { upload } = open;
  const header = (name: string) => context.header(name);
  const parts = chooseParts(open, claims);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const checksum = checkWhole(context, upload, parts, size);
  checkWriteConditions(header, key, bucket.objects.get(key));

  open.completing = true;
  try {
    const file = storage.newObjectFile(bucket, key);
    const target = storage.path(bucket, file);
    const shared = storage.path(bucket, sharedFile(upload.uploadId));
    if (!linkParts(open, parts, size, shared, target))
      await assembleParts(
        parts.map((part) => ({ path: storage.path(bucket, part.file), size: part.size, offset: part.offset })),
        target,
      );
    checkWriteConditions(header, key, bucket.objects.get(key));
    const digest = createHash('md5');
    for (const part of parts) digest.update(part.etag, 'hex');
    const etag = `${digest.digest('hex')}-${parts.length}`;
    storage.commitObject(bucket, {
      key,
      size,
      etag,
      lastModified: context.now().toISOString(),
      headers: upload.headers,
      checksum,
      parts: parts.map((part) => ({ partNumber: part.partNumber, size: part.size, checksum: part.checksum })),
      uploadId: upload.uploadId,
      file,
    });
    storage.deleteUpload(bucket, upload.uploadId);
    return {
      status: 200,
      headers: encryptionHeaders(upload.headers),
      body: writeXml('CompleteMultipartUploadResult', {
        Location: `http://${context.header('host')}/${bucket.name}/${encodeURIComponent(key)}`,
        Bucket: bucket.name,
        Key: key,
        ETag: `"${etag}"`,
        ...(checksum === null
          ? {}
          : { [checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type }),
      }),
    };
  } finally {
    open.completing = false;
  }
}

export function abortMultipartUpload(context: S3Context): S3Response {
  const { upload } = findUpload(context);
  context.storage.deleteUpload(context.bucket, upload.uploadId);
  return { status: 204 };
}

/** Throws `NoSuchUpload`, also for an upload of another key. */
export function findUpload(context: S3Context): OpenUpload {
  const uploadId = context.query('uploadId') ?? '';
  const open = context.bucket.uploads.get(uploadId);
  if (open === undefined || open.upload.key !== context.key || open.completing)
    throw new S3Error('NoSuchUpload', { UploadId: uploadId });
  return open;
}

export function requestedPartNumber(context: S3Context): number {
  const text = context.query('partNumber') ?? '';
  const partNumber = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (partNumber < 1 || partNumber > maxParts)
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'partNumber', ArgumentValue: text },
      'Part number must be an integer between 1 and 10000, inclusive',
    );
  return partNumber;
}

function checkPartAlgorithm(context: S3Context, upload: StoredUpload): void {
  const trailers = (context.header('x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase());
  const declared = [...context.headers.keys(), ...trailers]
    .filter((name) => /^x-amz-checksum-(crc|sha)/.test(name))
    .map((name) => name.slice('x-amz-checksum-'.length))[0];
  const expected = upload.declaredAlgorithm?.toLowerCase();
  // Where S3 can combine part checksums that it computed itself, a part may come without one.
  if (declared === undefined && (expected === undefined || upload.type === 'FULL_OBJECT')) return;
  if (declared !== expected)
    throw new S3Error(
      'InvalidRequest',
      {},
      `Checksum Type mismatch occurred, expected checksum Type: ${expected ?? 'null'}, actual checksum Type: ${declared ?? 'null'}`,
    );
}

interface PartClaim {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksums: ReadonlyMap<string, string>;
}

function readClaims(document: string): readonly PartClaim[] {
  const elements = childrenNamed(readXml(document, 'CompleteMultipartUpload'), 'Part');
  if (elements.length === 0) throw new S3Error('MalformedXML');
  return elements.map((element) => {
    const number = childText(element, 'PartNumber')?.trim() ?? '';
    const etag = childText(element, 'ETag')?.trim();
    if (!/^\d{1,9}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML');
    const checksums = element.children
      .filter((child) => child.name.startsWith('Checksum'))
      .map((child) => [child.name, child.text.trim()] as const);
    return { partNumber: Number(number), etag: etag.replace(/^"|"$/g, ''), checksums: new Map(checksums) };
  });
}

function chooseParts(open: OpenUpload, claims: readonly PartClaim[]): readonly StoredPart[] {
  const { upload } = open;
  claims.forEach((claim, index) => {
    const before = claims[index - 1];
    if (before !== undefined && before.partNumber >= claim.partNumber)
      throw new S3Error('InvalidPartOrder', { UploadId: upload.uploadId });
  });
  const element = checksumElement(upload.algorithm);
  const parts = claims.map((claim) => {
    const part = open.parts.get(claim.partNumber);
    const wrong = () =>
      new S3Error('InvalidPart', { UploadId: upload.uploadId, PartNumber: claim.partNumber, ETag: claim.etag });
    if (part === undefined || part.etag !== claim.etag) throw wrong();
    const claimed = claim.checksums.get(element);
    if (claimed !== undefined && claimed !== part.checksum) throw wrong();
    if (claim.checksums.size > (claimed === undefined ? 0 : 1)) throw wrong();
    if (claimed === undefined && upload.declaredAlgorithm !== null && upload.type === 'COMPOSITE')
      throw new S3Error(
        'InvalidRequest',
        {},
        `The upload was created using a ${upload.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${claim.partNumber} in the request.`,
      );
    return part;
  });
  parts.slice(0, -1).forEach((part) => {
    if (part.size < minPartBytes)
      throw new S3Error('EntityTooSmall', {
        ProposedSize: part.size,
        MinSizeAllowed: minPartBytes,
        PartNumber: part.partNumber,
        ETag: part.etag,
      });
  });
  return parts;
}

function checkWhole(
  context: S3Context,
  upload: StoredUpload,
  parts: readonly StoredPart[],
  size: number,
): StoredChecksum | null {
  const claimedSize = context.header('x-amz-mp-object-size');
  if (claimedSize !== undefined && claimedSize !== String(size))
    throw new S3Error(
      'InvalidRequest',
      {},
      `The provided 'x-amz-mp-object-size' header value ${claimedSize} does not match what was computed: ${size}`,
    );
  const claimedType = context.header('x-amz-checksum-type')?.toUpperCase();
  if (claimedType !== undefined && claimedType !== upload.type)
    throw new S3Error(
      'InvalidRequest',
      {},
      `The upload was created using the ${upload.type} checksum mode. The complete request must use the same checksum mode.`,
    );
  if (parts.some((part) => part.checksum === null)) return null;
  const values = parts.map((part) => ({ size: part.size, value: part.checksum as string }));
  const checksum = checksumOfParts(upload.algorithm, upload.type, values);
  const claim = declaredObjectChecksum((name) => context.header(name));
  if (claim === null) return checksum;
  if (claim.algorithm !== upload.algorithm)
    throw new S3Error(
      'InvalidRequest',
      {},
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${claim.algorithm.toLowerCase()}`,
    );
  if (claim.value !== checksum.value && `${claim.value}-${parts.length}` !== checksum.value)
    throw new S3Error(
      'BadDigest',
      {},
      `The ${claim.algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
    );
  return checksum;
}
