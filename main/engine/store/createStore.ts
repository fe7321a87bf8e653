import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketAccelerateConfigurationCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketAccelerateConfigurationCommand,
} from '@aws-sdk/client-s3';
import { SluiceError } from '../../../shared/errors.ts';
import { asS3UploadId, asUploadToken, type ObjectKey, type S3UploadId } from '../../../shared/ids.ts';
import { refuseEncryption } from '../../../shared/policy.ts';
import { checksumFields, checksumOf, objectChecksum, s3Algorithm } from './checksumFields.ts';
import { createClients } from './clients.ts';
import { createCopies } from './copies.ts';
import { resolveEndpoint } from './endpoint.ts';
import { listedKey } from './listedKey.ts';
import { listUploads } from './listUploads.ts';
import {
  conditionFields,
  metadataFields,
  metadataNames,
  numberOrNull,
  policyFields,
  unquoted,
} from './objectFields.ts';
import { policedStore } from './policedStore.ts';
import { policyRefusal } from './policyRefusal.ts';
import { asS3Failure } from './s3Failure.ts';
import type { ListedObject, ListedPart, Store, StoredObject, StoreOptions } from './store.ts';
import { type ErrorPlace, storeError } from './storeError.ts';

/** The bucket through the AWS SDK. Loading this module loads the SDK (a quarter of a second): import it when a store is needed. Throws `bad-settings`. */
export function createStore(options: StoreOptions): Store {
  const { target } = options;
  const { connection, bucket: Bucket } = target;
  const endpoint = resolveEndpoint(connection);
  const clients = createClients(options, endpoint);
  const { control, once } = clients;
  const profile = connection.credentials.kind === 'chain' ? connection.credentials.profile : null;
  const place: ErrorPlace = { endpoint: endpoint.name, bucket: Bucket, profile };

  /** Retried once more when the answer named the right region, or when new credentials were there to be had. */
  async function run<T>(operation: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (thrown) {
      const error = storeError(thrown, operation, place);
      if (!(await mended(error, thrown))) throw error;
    }
    try {
      return await send();
    } catch (thrown) {
      throw storeError(thrown, operation, place);
    }
  }

  /** Whether the next attempt has a better chance than this one. */
  async function mended(error: SluiceError, thrown: unknown): Promise<boolean> {
    if (error.code === 'wrong-region' && connection.region === null) {
      const { region } = asS3Failure(thrown);
      if (region === null || region === clients.region()) return false;
      clients.setRegion(region);
      return true;
    }
    // keys may also have been replaced by hand, or by another sign-in, since they were read
    const isAboutKeys = error.code === 'expired-credentials' || error.code === 'wrong-keys';
    if (!isAboutKeys || error.details.httpStatus === undefined) return false;
    try {
      return await clients.renewCredentials();
    } catch {
      // the expiry is the better message; the next request meets the provider's error itself
      return false;
    }
  }

  const listPage = (Prefix?: string, ContinuationToken?: string, MaxKeys?: number) =>
    run('ListObjectsV2', () =>
      control.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken, MaxKeys, EncodingType: 'url' })),
    );

  /** HEAD answers have no body: a listing says why one was refused. null: the listing is not. */
  const refusal = (): Promise<SluiceError | null> =>
    listPage(undefined, undefined, 1).then(
      () => null,
      (thrown: unknown) => storeError(thrown, 'ListObjectsV2', place),
    );

  async function runHead<T>(operation: string, send: () => Promise<T>): Promise<T> {
    try {
      return await run(operation, send);
    } catch (thrown) {
      const error = storeError(thrown, operation, place);
      if (!unexplained.has(error.code)) throw error;
      const reason = await refusal();
      // asking may have renewed the credentials or found the region
      if (reason === null) return run(operation, send);
      throw reason.code === 'access-denied' ? error : reason;
    }
  }

  /** A 5xx leaves open what became of the upload, and Ceph says 500 for one that is gone: its parts tell. */
  async function afterFailedComplete(failed: SluiceError, Key: ObjectKey, UploadId: S3UploadId): Promise<SluiceError> {
    try {
      await run('ListParts', () => control.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 1 })));
      return failed;
    } catch (thrown) {
      const error = storeError(thrown, 'ListParts', place);
      return error.code === 'no-such-upload' ? error : failed;
    }
  }

  const store: Store = {
    target,

    async headBucket() {
      try {
        const output = await run('HeadBucket', () => control.send(new HeadBucketCommand({ Bucket })));
        return { region: output.BucketRegion ?? null };
      } catch (thrown) {
        const error = storeError(thrown, 'HeadBucket', place);
        const reason = unexplained.has(error.code) ? await refusal() : error;
        if (reason !== null) throw reason;
        return { region: null };
      }
    },

    async listBuckets() {
      const names: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await run('ListBuckets', () => control.send(new ListBucketsCommand({ ContinuationToken })));
        for (const { Name } of page.Buckets ?? []) if (Name !== undefined) names.push(Name);
        ContinuationToken = page.ContinuationToken;
      } while (ContinuationToken);
      return names;
    },

    async accelerationStatus() {
      try {
        const { Status } = await run('GetBucketAccelerateConfiguration', () =>
          control.send(new GetBucketAccelerateConfigurationCommand({ Bucket })),
        );
        return Status === 'Enabled' ? 'enabled' : Status === 'Suspended' ? 'suspended' : 'off';
      } catch (error) {
        const { code, details } = error as SluiceError;
        if (code === 'access-denied') return 'unknown';
        if (details.httpStatus === 501 || details.httpStatus === 405 || details.httpStatus === 400)
          return 'unsupported';
        throw error;
      }
    },

    async enableAcceleration() {
      await run('PutBucketAccelerateConfiguration', () =>
        control.send(
          new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration: { Status: 'Enabled' } }),
        ),
      );
    },

    async createMultipartUpload({ key, algorithm, checksumType, policy, metadata }) {
      const output = await run('CreateMultipartUpload', () =>
        once.send(
          new CreateMultipartUploadCommand({
            Bucket,
            Key: key,
            ChecksumAlgorithm: s3Algorithm[algorithm],
            // SHA-256 of parts can't be combined: composite is all there is
            ChecksumType: algorithm === 'sha256' || checksumType === 'composite' ? 'COMPOSITE' : 'FULL_OBJECT',
            ...policyFields(policy),
            Metadata: metadataFields(metadata),
          }),
        ),
      ).catch((error: SluiceError) => {
        throw policyRefusal(error, policy);
      });
      if (!output.UploadId) throw incomplete('CreateMultipartUpload', 'no upload id');
      const uploadId = asS3UploadId(output.UploadId);
      // Every store knows CRC32 since the SDKs send it unasked; one that takes another without a word would confirm nothing.
      if (algorithm === 'crc32c' && output.ChecksumAlgorithm !== 'CRC32C') {
        await store.abortMultipartUpload({ key, uploadId });
        throw new SluiceError(
          'store-refused',
          `${place.endpoint} does not say that it supports x-amz-checksum-crc32c: not supported`,
          {
            httpStatus: 501,
            operation: 'CreateMultipartUpload',
          },
        );
      }
      try {
        if (target.policy) refuseEncryption(target.policy, output.ServerSideEncryption ?? null);
      } catch (error) {
        await store.abortMultipartUpload({ key, uploadId });
        throw error;
      }
      return uploadId;
    },

    async completeMultipartUpload({ key, uploadId, parts, sizeBytes, checksum, condition }) {
      const Parts = parts.map((part) => ({
        PartNumber: part.partNumber,
        ETag: part.etag,
        ...checksumFields(part.checksum),
      }));
      const complete = () =>
        run('CompleteMultipartUpload', () =>
          control.send(
            new CompleteMultipartUploadCommand({
              Bucket,
              Key: key,
              UploadId: uploadId,
              MultipartUpload: { Parts },
              ...(sizeBytes !== null && { MpuObjectSize: sizeBytes }),
              ...conditionFields(condition),
              ...(checksum !== null && { ChecksumType: 'FULL_OBJECT', ...checksumFields(checksum) }),
            }),
          ),
        );
      const output = await complete().catch(async (error: SluiceError) => {
        throw error.code === 'store-server-error' ? await afterFailedComplete(error, key, uploadId) : error;
      });
      return stored(output.ETag, objectChecksum(output, output.ChecksumType).checksum, 'CompleteMultipartUpload');
    },

    ...createCopies(Bucket, run, control),

    async abortMultipartUpload({ key, uploadId }) {
      try {
        await run('AbortMultipartUpload', () =>
          control.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId })),
        );
      } catch (error) {
        if (!(error instanceof SluiceError && error.code === 'no-such-upload')) throw error;
      }
    },

    async *listParts({ key, uploadId }): AsyncGenerator<ListedPart> {
      let PartNumberMarker: string | undefined;
      do {
        const page = await run('ListParts', () =>
          control.send(new ListPartsCommand({ Bucket, Key: key, UploadId: uploadId, PartNumberMarker })),
        );
        for (const part of page.Parts ?? []) {
          if (part.PartNumber === undefined || part.ETag === undefined) continue;
          yield {
            partNumber: part.PartNumber,
            sizeBytes: part.Size ?? 0,
            etag: unquoted(part.ETag),
            checksum: checksumOf(part),
          };
        }
        PartNumberMarker = next(page.IsTruncated, page.NextPartNumberMarker, PartNumberMarker, 'ListParts');
      } while (PartNumberMarker !== undefined);
    },

    listMultipartUploads: (prefix) =>
      listUploads((page) =>
        run('ListMultipartUploads', () =>
          control.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...page })),
        ),
      ),

    async headObject(key) {
      try {
        const output = await runHead('HeadObject', () =>
          control.send(new HeadObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED' })),
        );
        const token = output.Metadata?.[metadataNames.token];
        return {
          sizeBytes: output.ContentLength ?? 0,
          etag: unquoted(output.ETag ?? ''),
          ...objectChecksum(output, output.ChecksumType),
          token: token === undefined ? null : asUploadToken(token),
          origin: output.Metadata?.[metadataNames.origin] ?? null,
          source: output.Metadata?.[metadataNames.source] ?? null,
          sse: output.ServerSideEncryption ?? null,
          mtimeMs: numberOrNull(output.Metadata?.[metadataNames.mtimeMs]),
          lastModifiedMs: output.LastModified?.getTime() ?? null,
          versionId: output.VersionId ?? null,
        };
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'no-such-key') return null;
        throw error;
      }
    },

    async *listObjects(prefix): AsyncGenerator<ListedObject> {
      let token: string | undefined;
      do {
        const page = await listPage(prefix, token);
        for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
          if (Key === undefined) continue;
          yield {
            key: listedKey(Key, page.EncodingType),
            sizeBytes: Size ?? 0,
            etag: unquoted(ETag ?? ''),
            lastModifiedMs: LastModified?.getTime() ?? 0,
          };
        }
        token = next(page.IsTruncated, page.NextContinuationToken, token, 'ListObjectsV2');
      } while (token !== undefined);
    },

    async deleteObject({ key, ifMatch }) {
      await run('DeleteObject', () =>
        control.send(
          new DeleteObjectCommand({ Bucket, Key: key, ...(ifMatch !== null && { IfMatch: `"${ifMatch}"` }) }),
        ),
      );
    },

    close: () => clients.destroy(),
  };
  return policedStore(target, store);
}

/** Codes a HEAD answer leaves open: wrong keys, a skewed clock, a wrong region and a denial all look alike without a body. */
const unexplained = new Set(['access-denied', 'store-refused', 'wrong-keys']);

function stored(etag: string | undefined, checksum: StoredObject['checksum'], operation: string): StoredObject {
  // S3 may answer 200 and put an error, or nothing, into the body
  if (!etag) throw incomplete(operation, 'no ETag');
  return { etag: unquoted(etag), checksum };
}

/** The marker of the next page; a page that leads to itself would never end. */
function next(
  truncated: boolean | undefined,
  marker: string | undefined,
  before: string | undefined,
  operation: string,
): string | undefined {
  if (!truncated) return undefined;
  if (!marker || marker === before) throw incomplete(operation, 'no next page');
  return marker;
}

const incomplete = (operation: string, missing: string): SluiceError =>
  new SluiceError('store-server-error', `The store's answer to ${operation} has ${missing}`, { operation });
