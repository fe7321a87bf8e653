import { randomBytes } from 'node:crypto';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareUtf8 } from '../../main/engine/plan/utf8Order.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

let harness: Harness;
let other: S3Client;
beforeEach(async () => {
  harness = await openHarness();
  const { endpoint, region, accessKeyId, secretAccessKey } = harness.server;
  other = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
});
afterEach(async () => {
  other.destroy();
  await harness.close();
});

const theyPut = (path: string, Body: string) =>
  other.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + path, Body }));
const theyDelete = (path: string) => other.send(new DeleteObjectCommand({ Bucket: bucket, Key: prefix + path }));
const inBucket = async (path: string) => (await harness.server.readObject(bucket, prefix + path)).toString();

it('keys compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

describe('holding the bucket against the ledger', () => {
  it('finds what is missing and uploads it again, and costs a LIST a thousand objects where all is well', async () => {
    const names = [
      'a',
      'a-b',
      'a/b',
      'a0',
      'ä',
      '\u{1F600}',
      '\uFF5E',
      'z/deep/er',
      ...Array.from({ length: 1100 }, (_, n) => `n/${n}`),
    ];
    for (const name of names) if (name !== 'a') await harness.write(name, name);
    await harness.pass();
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    const files = names.length - 1;
    harness.server.clearLog();
    expect(await engine.api.reconcileFolder({ folderId })).toMatchObject({
      complete: true,
      objectsListed: files,
      filesChecked: files,
      missing: 0,
      changed: 0,
      otherObjects: 0,
      problems: [],
    });
    expect(harness.server.counts()).toEqual({ ListObjectsV2: 2 });
    for (const name of ['a-b', '\u{1F600}', 'z/deep/er']) await theyDelete(name);
    await theyPut('not ours', '12345');
    const report = await engine.api.reconcileFolder({ folderId });
    expect(report).toMatchObject({ missing: 3, changed: 0, otherObjects: 1, otherBytes: 5 });
    expect(report.problems.map(({ path }) => path)).toEqual(['a-b', 'z/deep/er', '\u{1F600}']);
    await engine.stop();
    expect(await harness.pass()).toMatchObject({ filesUploaded: 3, exitCode: 0 });
    expect(await harness.differences()).toEqual([`${prefix}not ours (extra)`]);
  });

  it('makes a conflict of what others changed, keeps theirs or ours as the user says, and clobbers neither', async () => {
    for (const name of ['mine', 'theirs', 'fine']) await harness.write(name, `content of ${name}`);
    await harness.write('large', randomBytes(9 * MiB));
    const options = { settings: { partSizeBytes: 5 * MiB } };
    await harness.pass({ options });
    for (const name of ['mine', 'theirs', 'large']) await theyPut(name, 'by others');
    const engine = await harness.open(options);
    const folderId = await harness.folder(engine);
    const report = await engine.api.reconcileFolder({ folderId });
    expect(report).toMatchObject({ missing: 0, changed: 3 });
    expect(engine.sentence().state).not.toBe('safe');
    const issueOf = async (path: string) => (await engine.api.issues({})).issues.find((issue) => issue.path === path)!;
    expect(await issueOf('mine')).toMatchObject({ code: 'foreign-object' });
    await engine.api.resolveConflict({ issueId: (await issueOf('mine')).id, keep: 'ours' });
    await engine.api.resolveConflict({ issueId: (await issueOf('large')).id, keep: 'ours' });
    await engine.api.resolveConflict({ issueId: (await issueOf('theirs')).id, keep: 'theirs' });
    expect((await engine.api.issues({})).issues).toEqual([]);
    await engine.stop();
    // Not all is in the bucket as it is on disk, and that is said.
    expect(await harness.pass({ options })).toMatchObject({ filesUploaded: 2, filesFailed: 0, exitCode: 1 });
    expect(await inBucket('mine')).toBe('content of mine');
    expect(await inBucket('theirs')).toBe('by others');
    expect(await harness.differences()).toEqual([`${prefix}theirs`]);
    // What changes here later isn't written over theirs either.
    await harness.write('theirs', 'edited here');
    expect(await harness.pass({ options })).toMatchObject({ filesFailed: 1 });
    expect(await inBucket('theirs')).toBe('by others');
  });

  it('an object that somebody wrote again between the look and the choice is not overwritten', async () => {
    await harness.write('a', 'ours');
    await harness.pass();
    await theyPut('a', 'first');
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    await engine.api.reconcileFolder({ folderId });
    const [issue] = (await engine.api.issues({})).issues;
    await engine.api.resolveConflict({ issueId: issue!.id, keep: 'ours' });
    await theyPut('a', 'second');
    await engine.stop();
    expect(await harness.pass()).toMatchObject({ filesFailed: 1 });
    expect(await inBucket('a')).toBe('second');
  });

  it('takes an object that was only written anew, with the same bytes, for what it is', async () => {
    await harness.write('large', randomBytes(9 * MiB));
    await harness.pass({ options: { settings: { partSizeBytes: 5 * MiB } } });
    const head = await other.send(
      new HeadObjectCommand({ Bucket: bucket, Key: `${prefix}large`, ChecksumMode: 'ENABLED' }),
    );
    const Body = await harness.server.readObject(bucket, `${prefix}large`);
    await other.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: `${prefix}large`,
        Body,
        // Whichever this machine is fast at.
        ...(head.ChecksumCRC32C !== undefined && { ChecksumCRC32C: head.ChecksumCRC32C }),
        ...(head.ChecksumCRC32 !== undefined && { ChecksumCRC32: head.ChecksumCRC32 }),
        StorageClass: 'STANDARD_IA',
      }),
    );
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    expect(await engine.api.reconcileFolder({ folderId })).toMatchObject({ missing: 0, changed: 0 });
    expect(await engine.api.reconcileFolder({ folderId })).toMatchObject({ missing: 0, changed: 0, requests: 2 });
  });
});
