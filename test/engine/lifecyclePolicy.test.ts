import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyLifecycle, type LifecycleTarget, previewLifecycle } from '../../main/engine/lifecyclePolicy.ts';
import { openBucketAdmin } from '../../main/engine/store/bucketAdmin.ts';
import { createDataStore } from '../../main/engine/store/createDataStore.ts';
import type { StoreOptions } from '../../main/engine/store/store.ts';
import { AdminPolicy } from '../../shared/policy.ts';
import { noPriceFile, pricesFor } from '../../shared/prices.ts';
import { StoreConnection } from '../../shared/settings.ts';
import { MiB } from '../../shared/units.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';

const bucket = 'policies';
let server: S3TestServer;
let store: StoreOptions;
let asked: string[];

beforeEach(async () => {
  server = await startS3Server({ buckets: [bucket] });
  asked = [];
  store = {
    target: {
      policy: undefined,
      connection: StoreConnection.parse({ endpointUrl: server.endpoint, pathStyle: true, region: server.region }),
      bucket,
    },
    credentials: async () => ({ accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey }),
    ...{ maxSockets: 4, stallTimeoutMs: 10_000, onRequest: (operation) => asked.push(operation) },
  };
});
afterEach(() => server.close());

const target = (more: Partial<LifecycleTarget> = {}): LifecycleTarget => ({
  ...{ store, uploads: null, prefix: '', known: [], nowMs: Date.now() },
  prices: pricesFor({ endpointUrl: null, region: 'us-east-1' }, noPriceFile),
  ...more,
});

const sdk = async () => {
  const s3 = await import('@aws-sdk/client-s3');
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const client = new s3.S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  return { s3, client };
};

/** Written as somebody else would, with spaces, references and a comment that a serializer would lose. */
const foreignRule = `<Rule>
    <ID>legal &amp; tax</ID><!-- ask Ada -->
    <Filter><And><Prefix>contracts/&#x2013;</Prefix><Tag><Key>kind</Key><Value>a&lt;b</Value></Tag></And></Filter>
    <Status>Enabled</Status>
    <NoncurrentVersionExpiration><NewerNoncurrentVersions>3</NewerNoncurrentVersions><NoncurrentDays>400</NoncurrentDays></NoncurrentVersionExpiration>
    <Expiration><Date>2031-01-01T00:00:00Z</Date></Expiration>
  </Rule>`;
const document = (rules: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n  ${rules}\n</LifecycleConfiguration>`;

/** A request of somebody else's, signed by the SDK and with a body of our own. */
async function putRaw(body: string, headers: Record<string, string> = {}): Promise<void> {
  const { s3, client } = await sdk();
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body: string; headers: Record<string, string> };
      request.body = body;
      for (const name of Object.keys(request.headers))
        if (/checksum|content-md5/.test(name)) delete request.headers[name];
      request.headers['content-length'] = String(Buffer.byteLength(body));
      request.headers['content-md5'] = createHash('md5').update(body).digest('base64');
      Object.assign(request.headers, headers);
      return next(args);
    },
    { step: 'build', priority: 'low' },
  );
  const Rules = [{ ID: 'x', Status: 'Enabled' as const, Filter: { Prefix: '' }, Expiration: { Days: 1 } }];
  await client.send(
    new s3.PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: { Rules } }),
  );
  client.destroy();
}

async function liveText(): Promise<string> {
  const admin = openBucketAdmin(store);
  try {
    return (await admin.readLifecycle()).rules.map(({ source }) => source).join('\n');
  } finally {
    admin.close();
  }
}

describe('applying a lifecycle policy', () => {
  it('to a bucket without one writes the recommended rules, and S3 takes them', async () => {
    const preview = await previewLifecycle(target());
    expect(preview.lines.every(({ change }) => change === 'add')).toBe(true);
    const after = await applyLifecycle(target(), preview.revision);
    expect(after).toMatchObject({ changes: false, refusal: null });
    const { s3, client } = await sdk();
    const { Rules } = await client.send(new s3.GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
    client.destroy();
    expect(Rules?.[0]).toMatchObject({
      ID: 'sluice-tiers',
      Filter: { ObjectSizeGreaterThan: 131071 },
      Transitions: [
        { Days: 30, StorageClass: 'STANDARD_IA' },
        { Days: 90, StorageClass: 'GLACIER' },
        { Days: 365, StorageClass: 'DEEP_ARCHIVE' },
      ],
    });
    expect(Rules?.find(({ ID }) => ID === 'sluice-abort-incomplete')).toMatchObject({
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    });
  });

  it('keeps a foreign rule to the character, with what no serializer of ours knows', async () => {
    await putRaw(document(foreignRule));
    const preview = await previewLifecycle(target({ prefix: 'photos/' }));
    expect(preview.lines.find(({ change }) => change === 'keep')?.text).toContain('tagged kind=a<b');
    await applyLifecycle(target({ prefix: 'photos/' }), preview.revision);
    expect(await liveText()).toContain(foreignRule);
    // And again, when ours are there already and one of them was bent.
    await putRaw((await fullText()).replace('<Days>1</Days>', '<Days>4</Days>'));
    const bent = await previewLifecycle(target({ prefix: 'photos/' }));
    expect(bent.lines.filter(({ change }) => change === 'change').map(({ before }) => before)).toEqual([
      'photos/temp/*: deleted after 4 days',
    ]);
    await applyLifecycle(target({ prefix: 'photos/' }), bent.revision);
    expect(await liveText()).toContain(foreignRule);
    expect(await liveText()).toContain('<Days>1</Days>');
  });

  it('keeps the bucket’s own minimum size, which S3 sets back when it isn’t said again', async () => {
    await putRaw(document(foreignRule), { 'x-amz-transition-default-minimum-object-size': 'varies_by_storage_class' });
    const { revision } = await previewLifecycle(target());
    await applyLifecycle(target(), revision);
    const admin = openBucketAdmin(store);
    expect((await admin.readLifecycle()).minimumSize).toBe('varies_by_storage_class');
    admin.close();
  });

  it('is refused where the administrator lets nothing be deleted, and nothing is written', async () => {
    const { revision } = await previewLifecycle(target());
    const policy = AdminPolicy.parse({ version: 1, deletes: { allow: 'never', reason: 'records' } });
    const held = { ...store, target: { ...store.target, policy } };
    await expect(applyLifecycle(target({ store: held }), revision)).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('records'),
    });
    expect(asked).not.toContain('PutBucketLifecycleConfiguration');
  });

  it('is refused when somebody changed the policy since it was looked at, and writes nothing', async () => {
    const { revision } = await previewLifecycle(target());
    await putRaw(document(foreignRule));
    await expect(applyLifecycle(target(), revision)).rejects.toMatchObject({ code: 'conflict' });
    expect(await liveText()).toBe(foreignRule);
  });

  it('is refused beside rules that can’t be carried, and writes nothing', async () => {
    const old =
      '<Rule><ID>old</ID><Prefix>a/</Prefix><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule>';
    await putRaw(document(old));
    const preview = await previewLifecycle(target());
    expect(preview.refusal).toContain('old form');
    await expect(applyLifecycle(target(), preview.revision)).rejects.toMatchObject({ code: 'lifecycle-unreadable' });
    expect(await liveText()).toBe(old);
    expect(asked).not.toContain('PutBucketLifecycleConfiguration');
  });

  it('says what the rules do to what is known, and of what is left over', async () => {
    const known = [
      { key: 'a', sizeBytes: 10 * MiB, provenAt: Date.now() - 40 * 86_400_000, storageClass: null },
      { key: 'b', sizeBytes: 10, provenAt: Date.now(), storageClass: null },
    ];
    const { s3, client } = await sdk();
    await client.send(new s3.CreateMultipartUploadCommand({ Bucket: bucket, Key: 'stray' }));
    client.destroy();
    const uploads = {
      async *listMultipartUploads() {
        for (const { key, uploadId } of server.openUploads(bucket))
          yield { key: key as never, uploadId: uploadId as never, initiatedAtMs: 0 };
      },
    };
    const preview = await previewLifecycle(target({ known, uploads }));
    expect(preview).toMatchObject({
      objectsKnown: 2,
      tooSmall: { objects: 1, bytes: 10 },
      strays: { uploads: 1, withoutRule: true },
    });
    expect(preview.effects[0]).toMatchObject({ step: 'STANDARD_IA', objects: 1 });
    expect(preview.effects[0]?.due[0]).toMatchObject({ days: 0, objects: 1 });
  });

  it('shows versioning, replication, inventory, encryption and public access', async () => {
    const states = async () =>
      Object.fromEntries((await previewLifecycle(target())).bucket.map((b) => [b.name, b.state]));
    expect(await states()).toEqual({
      versioning: 'off',
      replication: 'off',
      inventory: 'off',
      encryption: 'on',
      'public access': 'off',
    });
    const { s3, client } = await sdk();
    const Status = 'Enabled' as const;
    await client.send(new s3.PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));
    const Rules = [
      {
        Status,
        Destination: { Bucket: 'arn:aws:s3:::elsewhere' },
        Filter: { Prefix: '' },
        Priority: 1,
        DeleteMarkerReplication: { Status: 'Disabled' as const },
      },
    ];
    await client.send(
      new s3.PutBucketReplicationCommand({
        Bucket: bucket,
        ReplicationConfiguration: { Role: 'arn:aws:iam::1:role/r', Rules },
      }),
    );
    const PublicAccessBlockConfiguration = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: false };
    await client.send(new s3.PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration }));
    client.destroy();
    expect(await states()).toMatchObject({ versioning: 'on', replication: 'on', 'public access': 'on' });
  });
});

describe('the listing by class', () => {
  it('finds every object with its size', async () => {
    const data = createDataStore(store);
    data.close();
    const { s3, client } = await sdk();
    for (let i = 0; i < 1005; i++)
      await client.send(
        new s3.PutObjectCommand({
          Bucket: bucket,
          Key: `k ${i}`,
          Body: 'x',
          StorageClass: i % 2 ? 'STANDARD_IA' : 'STANDARD',
        }),
      );
    client.destroy();
    const admin = openBucketAdmin(store);
    const counts: Record<string, number> = {};
    for await (const page of admin.listByClass(''))
      for (const { storageClass, sizeBytes } of page) counts[storageClass] = (counts[storageClass] ?? 0) + sizeBytes;
    admin.close();
    expect(counts).toEqual({ STANDARD: 503, STANDARD_IA: 502 });
  });
});

async function fullText(): Promise<string> {
  const admin = openBucketAdmin(store);
  try {
    return document((await admin.readLifecycle()).rules.map(({ source }) => source).join(''));
  } finally {
    admin.close();
  }
}
