/** What Sluice may do in `bucket` below `prefix`, as an IAM policy document, and nothing more. `prefix` is '' or ends with `/`. */
export function minimalIamPolicy(bucket: string, prefix: string): string {
  const bucketArn = `arn:aws:s3:::${bucket}`;
  // IfExists: HeadBucket asks under the same action and names no prefix
  const below = prefix === '' ? {} : { Condition: { StringLikeIfExists: { 's3:prefix': `${prefix}*` } } };
  return JSON.stringify(
    {
      Version: '2012-10-17',
      Statement: [
        { Sid: 'SluiceList', Effect: 'Allow', Action: ['s3:ListBucket'], Resource: bucketArn, ...below },
        { Sid: 'SluiceUploads', Effect: 'Allow', Action: ['s3:ListBucketMultipartUploads'], Resource: bucketArn },
        {
          Sid: 'SluiceObjects',
          Effect: 'Allow',
          Action: [
            's3:PutObject',
            // HeadObject, and If-Match of a write (docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html)
            's3:GetObject',
            's3:DeleteObject',
            's3:AbortMultipartUpload',
            's3:ListMultipartUploadParts',
          ],
          Resource: `${bucketArn}/${prefix}*`,
        },
      ],
    },
    null,
    2,
  );
}

/** The IAM action that an S3 operation of ours needs. */
export const iamAction: Readonly<Record<string, string>> = {
  HeadBucket: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListBuckets: 's3:ListAllMyBuckets',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListParts: 's3:ListMultipartUploadParts',
  HeadObject: 's3:GetObject',
  GetObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  DeleteObject: 's3:DeleteObject',
  CopyObject: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  PutBucketLifecycleConfiguration: 's3:PutLifecycleConfiguration',
  GetBucketVersioning: 's3:GetBucketVersioning',
  GetBucketReplication: 's3:GetReplicationConfiguration',
  ListBucketInventoryConfigurations: 's3:GetInventoryConfiguration',
  GetBucketEncryption: 's3:GetEncryptionConfiguration',
  GetPublicAccessBlock: 's3:GetBucketPublicAccessBlock',
  ListMetrics: 'cloudwatch:ListMetrics',
  GetMetricStatistics: 'cloudwatch:GetMetricStatistics',
  DescribeAlarms: 'cloudwatch:DescribeAlarms',
  PutMetricAlarm: 'cloudwatch:PutMetricAlarm',
  DeleteAlarms: 'cloudwatch:DeleteAlarms',
  GetBucketAccelerateConfiguration: 's3:GetAccelerateConfiguration',
  PutBucketAccelerateConfiguration: 's3:PutAccelerateConfiguration',
};
