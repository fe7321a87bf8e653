import type { S3Context, S3Response } from '../context.ts';
import { S3Error } from '../s3Error.ts';
import { readXml, writeXml } from '../xml.ts';

const blocked = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/** A new bucket is encrypted with AES256 and closed to the public, and is neither replicated nor inventoried: as S3's are. */
export function getConfig(name: keyof typeof roots): (context: S3Context) => S3Response {
  return (context) => {
    const kept = context.bucket.settings.configs?.[name];
    if (kept !== undefined) return { status: 200, body: kept };
    switch (name) {
      case 'encryption':
        return {
          status: 200,
          body: writeXml(roots.encryption, {
            Rule: { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false },
          }),
        };
      case 'publicAccessBlock':
        return { status: 200, body: writeXml(roots.publicAccessBlock, blocked) };
      case 'replication':
        throw new S3Error('ReplicationConfigurationNotFoundError', { BucketName: context.bucket.name });
      case 'inventory':
        return { status: 200, body: writeXml('ListInventoryConfigurationsResult', { IsTruncated: false }) };
    }
  };
}

export function putConfig(name: keyof typeof roots): (context: S3Context) => Promise<S3Response> {
  return async (context) => {
    const { storage, bucket } = context;
    const text = await context.receiveText();
    readXml(text, roots[name]);
    if (name === 'replication' && bucket.settings.versioning !== 'Enabled')
      throw new S3Error(
        'InvalidRequest',
        {},
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
      );
    const stored =
      name === 'inventory'
        ? `<ListInventoryConfigurationsResult>${text.replace(/^<\?xml[^>]*\?>/, '')}<IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>`
        : text;
    storage.saveSettings(bucket, { ...bucket.settings, configs: { ...bucket.settings.configs, [name]: stored } });
    return { status: 200 };
  };
}

const roots = {
  encryption: 'ServerSideEncryptionConfiguration',
  publicAccessBlock: 'PublicAccessBlockConfiguration',
  replication: 'ReplicationConfiguration',
  inventory: 'InventoryConfiguration',
} as const;
