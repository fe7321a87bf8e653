import type { S3Context, S3Response } from '../context.ts';
import { S3Error } from '../s3Error.ts';
import { childText, readXml, writeXml } from '../xml.ts';

export function listBuckets(context: S3Context): S3Response {
  const buckets = [...context.storage.buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    status: 200,
    body: writeXml('ListAllMyBucketsResult', {
      Owner: { ID: '75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a', DisplayName: 'sluicetest' },
      Buckets: {
        Bucket: buckets.map((bucket) => ({
          Name: bucket.name,
          CreationDate: bucket.settings.created,
          BucketRegion: context.region,
        })),
      },
    }),
  };
}

export async function createBucket(context: S3Context): Promise<S3Response> {
  const name = context.bucketName ?? '';
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', { BucketName: name });
  const text = await context.receiveText();
  const constraint =
    text.trim() === '' ? undefined : childText(readXml(text, 'CreateBucketConfiguration'), 'LocationConstraint');
  const region = constraint ?? 'us-east-1';
  if (constraint === 'us-east-1') throw new S3Error('InvalidLocationConstraint', { LocationConstraint: constraint });
  if (region !== context.region)
    throw constraint === undefined
      ? new S3Error('IllegalLocationConstraintException')
      : new S3Error(
          'IllegalLocationConstraintException',
          {},
          `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
        );
  const location = { location: `/${name}` };
  if (context.storage.buckets.has(name)) {
    // us-east-1 alone still answers 200 to its owner.
    if (context.region !== 'us-east-1') throw new S3Error('BucketAlreadyOwnedByYou', { BucketName: name });
    return { status: 200, headers: location };
  }
  context.storage.createBucket(name, context.now().toISOString());
  return { status: 200, headers: location };
}

export function headBucket(context: S3Context): S3Response {
  void context.bucket;
  return {
    status: 200,
    headers: {
      'x-amz-bucket-region': context.region,
      'x-amz-access-point-alias': 'false',
      'content-type': 'application/xml',
    },
  };
}

export function deleteBucket(context: S3Context): S3Response {
  const { storage, bucket } = context;
  if (bucket.objects.size > 0) throw new S3Error('BucketNotEmpty', { BucketName: bucket.name });
  storage.deleteBucket(bucket);
  return { status: 204 };
}

export function getBucketLocation(context: S3Context): S3Response {
  void context.bucket;
  const body =
    context.region === 'us-east-1'
      ? '<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'
      : `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${context.region}</LocationConstraint>`;
  return { status: 200, body };
}

export function getAccelerate(context: S3Context): S3Response {
  return { status: 200, body: writeXml('AccelerateConfiguration', { Status: context.bucket.settings.accelerate }) };
}

export async function putAccelerate(context: S3Context): Promise<S3Response> {
  const { storage, bucket } = context;
  if (bucket.name.includes('.'))
    throw new S3Error(
      'InvalidRequest',
      {},
      'S3 Transfer Acceleration is not supported for buckets with periods (.) in their names',
    );
  const status = childText(readXml(await context.receiveText(), 'AccelerateConfiguration'), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML');
  storage.saveSettings(bucket, { ...bucket.settings, accelerate: status });
  return { status: 200 };
}

export function getVersioning(context: S3Context): S3Response {
  return { status: 200, body: writeXml('VersioningConfiguration', { Status: context.bucket.settings.versioning }) };
}

export async function putVersioning(context: S3Context): Promise<S3Response> {
  const { storage, bucket } = context;
  const status = childText(readXml(await context.receiveText(), 'VersioningConfiguration'), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML');
  storage.saveSettings(bucket, { ...bucket.settings, versioning: status });
  return { status: 200 };
}

function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(name);
}
