import {
  CopyObjectCommand,
  GetBucketVersioningCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { SluiceError } from '../../../shared/errors.ts';
import { checksumOf, s3Algorithm } from './checksumFields.ts';
import { conditionFields, metadataFields, policyFields, unquoted } from './objectFields.ts';
import { policyRefusal } from './policyRefusal.ts';
import type { CopySource, Store, StoredObject } from './store.ts';

/** Objects made out of others of the same bucket, without a byte from here. */
export function createCopies(
  bucket: string,
  run: <T>(operation: string, send: () => Promise<T>) => Promise<T>,
  control: S3Client,
): Pick<Store, 'copyObject' | 'uploadPartCopy' | 'bucketVersioning'> {
  const from = ({ key, etag }: CopySource) => ({
    // Each segment by itself: the slashes between them stay.
    CopySource: `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
    CopySourceIfMatch: `"${etag}"`,
  });
  return {
    async copyObject({ source, key, algorithm, policy, metadata, condition }) {
      const output = await run('CopyObject', () =>
        control.send(
          new CopyObjectCommand({
            Bucket: bucket,
            Key: key,
            ...from(source),
            MetadataDirective: 'REPLACE',
            Metadata: metadataFields(metadata),
            ChecksumAlgorithm: s3Algorithm[algorithm],
            ...policyFields(policy),
            ...conditionFields(condition),
          }),
        ),
      ).catch((error: SluiceError) => {
        throw policyRefusal(error, policy);
      });
      return { ...stored('CopyObject', output.CopyObjectResult, algorithm), sse: output.ServerSideEncryption ?? null };
    },
    async uploadPartCopy({ source, key, uploadId, partNumber, first, last }) {
      const output = await run('UploadPartCopy', () =>
        control.send(
          new UploadPartCopyCommand({
            Bucket: bucket,
            Key: key,
            UploadId: uploadId,
            PartNumber: partNumber,
            ...from(source),
            CopySourceRange: `bytes=${first}-${last}`,
          }),
        ),
      );
      return stored('UploadPartCopy', output.CopyPartResult);
    },
    async bucketVersioning() {
      try {
        const { Status } = await run('GetBucketVersioning', () =>
          control.send(new GetBucketVersioningCommand({ Bucket: bucket })),
        );
        return Status === 'Enabled' ? 'enabled' : Status === 'Suspended' ? 'suspended' : 'off';
      } catch (error) {
        // It is a question, not a need: a key that may not ask it, or a store that doesn't know it, can still sync.
        if (error instanceof SluiceError && (error.code === 'access-denied' || error.code === 'store-refused'))
          return 'unknown';
        throw error;
      }
    },
  };
}

/** S3 may answer 200 and have an error, or nothing, in the body: without an ETag nothing was copied. */
function stored(
  operation: string,
  result: ({ readonly ETag?: string | undefined } & Parameters<typeof checksumOf>[0]) | undefined,
  prefer?: Parameters<typeof checksumOf>[1],
): StoredObject {
  if (!result?.ETag)
    throw new SluiceError('store-server-error', `The store's answer to ${operation} has no ETag`, { operation });
  return { etag: unquoted(result.ETag), checksum: checksumOf(result, prefer) };
}
