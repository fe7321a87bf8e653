import type { S3Context, S3Response } from './context.ts';
import * as bucket from './operations/bucket.ts';
import { getConfig, putConfig } from './operations/bucketConfig.ts';
import * as copy from './operations/copy.ts';
import * as lifecycle from './operations/lifecycle.ts';
import * as listing from './operations/listing.ts';
import * as multipart from './operations/multipart.ts';
import * as object from './operations/object.ts';

export interface Operation {
  readonly name: string;
  /** null: S3 has it, this server doesn't. */
  readonly run: ((context: S3Context) => S3Response | Promise<S3Response>) | null;
}

export interface Route {
  readonly method: string;
  readonly bucket: string | null;
  readonly key: string | null;
  readonly hasQuery: (name: string) => boolean;
  readonly hasHeader: (name: string) => boolean;
}

/** Which S3 operation a request is; null where the method doesn't fit the resource. */
export function findOperation(route: Route): Operation | null {
  if (route.bucket === null) return route.method === 'GET' ? { name: 'ListBuckets', run: bucket.listBuckets } : null;
  const foreign = unsupported.find((name) => route.hasQuery(name));
  if (foreign !== undefined) return { name: `${route.method} ?${foreign}`, run: null };
  return route.key === null ? bucketOperation(route) : objectOperation(route);
}

const unsupported = [
  'acl',
  'analytics',
  'cors',
  'intelligent-tiering',
  'legal-hold',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'versions',
  'website',
];

function bucketOperation({ method, hasQuery }: Route): Operation | null {
  switch (method) {
    case 'GET':
      if (hasQuery('location')) return { name: 'GetBucketLocation', run: bucket.getBucketLocation };
      if (hasQuery('accelerate')) return { name: 'GetBucketAccelerateConfiguration', run: bucket.getAccelerate };
      if (hasQuery('versioning')) return { name: 'GetBucketVersioning', run: bucket.getVersioning };
      if (hasQuery('lifecycle')) return { name: 'GetBucketLifecycleConfiguration', run: lifecycle.getLifecycle };
      if (hasQuery('encryption')) return { name: 'GetBucketEncryption', run: getConfig('encryption') };
      if (hasQuery('inventory')) return { name: 'ListBucketInventoryConfigurations', run: getConfig('inventory') };
      if (hasQuery('publicAccessBlock')) return { name: 'GetPublicAccessBlock', run: getConfig('publicAccessBlock') };
      if (hasQuery('replication')) return { name: 'GetBucketReplication', run: getConfig('replication') };
      if (hasQuery('uploads')) return { name: 'ListMultipartUploads', run: listing.listMultipartUploads };
      if (hasQuery('list-type')) return { name: 'ListObjectsV2', run: listing.listObjectsV2 };
      return { name: 'ListObjects', run: listing.listObjects };
    case 'PUT':
      if (hasQuery('accelerate')) return { name: 'PutBucketAccelerateConfiguration', run: bucket.putAccelerate };
      if (hasQuery('versioning')) return { name: 'PutBucketVersioning', run: bucket.putVersioning };
      if (hasQuery('lifecycle')) return { name: 'PutBucketLifecycleConfiguration', run: lifecycle.putLifecycle };
      if (hasQuery('encryption')) return { name: 'PutBucketEncryption', run: putConfig('encryption') };
      if (hasQuery('inventory')) return { name: 'PutBucketInventoryConfiguration', run: putConfig('inventory') };
      if (hasQuery('publicAccessBlock')) return { name: 'PutPublicAccessBlock', run: putConfig('publicAccessBlock') };
      if (hasQuery('replication')) return { name: 'PutBucketReplication', run: putConfig('replication') };
      return { name: 'CreateBucket', run: bucket.createBucket };
    case 'DELETE':
      if (hasQuery('lifecycle')) return { name: 'DeleteBucketLifecycle', run: lifecycle.deleteLifecycle };
      return { name: 'DeleteBucket', run: bucket.deleteBucket };
    case 'HEAD':
      return { name: 'HeadBucket', run: bucket.headBucket };
    case 'POST':
      return hasQuery('delete') ? { name: 'DeleteObjects', run: object.deleteObjects } : null;
    default:
      return null;
  }
}

function objectOperation({ method, hasQuery, hasHeader }: Route): Operation | null {
  const inUpload = hasQuery('uploadId');
  const copies = hasHeader('x-amz-copy-source');
  switch (method) {
    case 'GET':
      if (inUpload) return { name: 'ListParts', run: listing.listParts };
      if (hasQuery('attributes')) return { name: 'GetObjectAttributes', run: object.getObjectAttributes };
      return { name: 'GetObject', run: object.getObject };
    case 'HEAD':
      return { name: 'HeadObject', run: object.headObject };
    case 'PUT':
      if (inUpload || hasQuery('partNumber'))
        return copies
          ? { name: 'UploadPartCopy', run: copy.uploadPartCopy }
          : { name: 'UploadPart', run: multipart.uploadPart };
      return copies ? { name: 'CopyObject', run: copy.copyObject } : { name: 'PutObject', run: object.putObject };
    case 'DELETE':
      return inUpload
        ? { name: 'AbortMultipartUpload', run: multipart.abortMultipartUpload }
        : { name: 'DeleteObject', run: object.deleteObject };
    case 'POST':
      if (inUpload) return { name: 'CompleteMultipartUpload', run: multipart.completeMultipartUpload };
      return hasQuery('uploads') ? { name: 'CreateMultipartUpload', run: multipart.createMultipartUpload } : null;
    default:
      return null;
  }
}
