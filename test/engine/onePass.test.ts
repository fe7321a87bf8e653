import { randomBytes } from 'node:crypto';
import { symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStore } from '../../main/engine/store/createStore.ts';
import type { Store } from '../../main/engine/store/store.ts';
import type { FileEvent } from '../../shared/events.ts';
import { asObjectKey } from '../../shared/ids.ts';
import { StoreConnection } from '../../shared/settings.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

/** Small parts make a multipart upload of a few MiB. */
const smallParts = { settings: { partSizeBytes: 5 * MiB } };

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

/** Somebody else, writing to the same bucket. */
const storeOf = (from: Harness): Store =>
  createStore({
    target: {
      policy: undefined,
      connection: StoreConnection.parse({
        endpointUrl: from.server.endpoint,
        pathStyle: true,
        region: from.server.region,
      }),
      bucket,
    },
    credentials: async () => ({ accessKeyId: from.server.accessKeyId, secretAccessKey: from.server.secretAccessKey }),
    maxSockets: 2,
    stallTimeoutMs: 10_000,
    onRequest: () => undefined,
  });

async function putForeign({ server }: Harness, key: string, text: string): Promise<void> {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const other = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
  await other.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text }));
  other.destroy();
}

const files = (): FileEvent[] => harness.events.filter((event) => event.type === 'file');

describe('one pass', () => {
  it('puts every file into the bucket byte for byte, whatever its name and size', async () => {
    await harness.write('empty', '');
    await harness.write('a/b/c/d/deep.txt', 'deep');
    await harness.write('ünï cødé 你好 + % & # ?.txt', 'odd');
    await harness.write(' leading and trailing ', 'spaces');
    await harness.write('quote\'s "and" <xml> & more', 'xml');
    await harness.write('caf\u00e9', 'NFC');
    await harness.write('cafe\u0301', 'NFD');
    for (const size of [1, 5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 11 * MiB])
      await harness.write(`size ${size}`, randomBytes(size));
    const summary = await harness.pass({ options: smallParts });
    expect(summary).toMatchObject({ exitCode: 0, filesScanned: 12, filesUploaded: 12, filesFailed: 0 });
    expect(await harness.differences()).toEqual([]);
    expect(files().find(({ path }) => path === `size ${11 * MiB}`)).toMatchObject({ action: 'multipart', parts: 3 });
    expect(files().every(({ checksum }) => /^crc32c?:/.test(checksum ?? ''))).toBe(true);
  });

  it('makes no request per file when nothing changed', async () => {
    for (let i = 0; i < 300; i++) await harness.write(`dir${i % 7}/file${i}`, `content ${i}`);
    await harness.pass();
    harness.server.clearLog();
    const summary = await harness.pass();
    expect(summary).toMatchObject({
      exitCode: 0,
      filesScanned: 300,
      filesUnchanged: 300,
      filesUploaded: 0,
      requests: { HeadBucket: 1 },
    });
    expect(harness.server.counts()).toEqual({ HeadBucket: 1 });
  });

  it('uploads an edit of the same size, and resends nothing for a touch', async () => {
    await harness.write('edited', 'aaaa');
    await harness.write('touched', 'bbbb');
    await harness.write('touched large', randomBytes(11 * MiB));
    await harness.pass({ options: smallParts });
    harness.server.clearLog();
    await harness.write('edited', 'cccc');
    const later = new Date(Date.now() + 5000);
    await utimes(join(harness.root, 'touched'), later, later);
    await utimes(join(harness.root, 'touched large'), later, later);
    const summary = await harness.pass({ options: smallParts });
    expect(summary).toMatchObject({ exitCode: 0, filesUploaded: 1, filesUnchanged: 2 });
    expect(harness.server.counts()).toEqual({ HeadBucket: 1, PutObject: 1 });
    expect(await harness.differences()).toEqual([]);
    harness.server.clearLog();
    await harness.pass();
    expect(harness.server.counts(), 'the touch is remembered').toEqual({ HeadBucket: 1 });
  });

  it('follows no symbolic link, and leaves empty folders out', async () => {
    await harness.write('real/file', 'x');
    await symlink(join(harness.root, 'real'), join(harness.root, 'link to folder'));
    await symlink(join(harness.root, 'real/file'), join(harness.root, 'link to file'));
    await symlink('..', join(harness.root, 'real/circle'));
    const summary = await harness.pass();
    expect(summary).toMatchObject({ exitCode: 0, filesScanned: 1 });
    expect(harness.server.listKeys(bucket)).toEqual([`${prefix}real/file`]);
  });

  it.each(['crc32', 'crc64nvme', 'sha256'] as const)(
    'proves files with %s, and a deep verify reads the same bytes',
    async (checksum) => {
      await harness.write('small', randomBytes(1000));
      await harness.write('large', randomBytes(12 * MiB));
      const settings = { ...smallParts.settings, checksum };
      expect(await harness.pass({ options: { settings } })).toMatchObject({ exitCode: 0, filesUploaded: 2 });
      const engine = await harness.open();
      const folderId = await harness.folder(engine);
      expect(await engine.api.verifyFolder({ folderId, deep: true })).toMatchObject({
        ok: true,
        filesChecked: 2,
        bytesReread: 12 * MiB + 1000,
      });
      expect(files().map((file) => file.checksum?.split(':')[0])).toEqual([checksum, checksum]);
    },
  );

  it('tells a dry run what it would do, and does nothing', async () => {
    await harness.write('one', '1');
    await harness.write('large', randomBytes(11 * MiB));
    const engine = await harness.open(smallParts);
    const id = await harness.folder(engine);
    const planned: string[] = [];
    const signal = new AbortController().signal;
    await engine.runOnce(id, {
      signal,
      dryRun: true,
      onPlanned: ({ path, action, parts, reason }) => planned.push(`${action} ${path} ${parts} ${reason}`),
    });
    expect(planned.toSorted()).toEqual(['multipart large 3 new', 'put one 1 new']);
    expect(harness.server.counts()).toEqual({ HeadBucket: 1 });
  });

  it('leaves no trace of a mistyped bucket or a dry run', async () => {
    await harness.write('one', '1');
    const engine = await harness.open();
    const signal = new AbortController().signal;
    const mistyped = await harness.folder(engine, { bucket: 'no-such-bucket' });
    await expect(engine.runOnce(mistyped, { signal, dryRun: false })).rejects.toMatchObject({ code: 'no-such-bucket' });
    await engine.runOnce(await harness.folder(engine), { signal, dryRun: true });
    expect((await engine.api.snapshot({})).folders).toEqual([]);
  });

  it('holds the bandwidth limit over all lanes', async () => {
    await harness.write('large', randomBytes(12 * MiB));
    for (let i = 0; i < 20; i++) await harness.write(`small ${i}`, randomBytes(200_000));
    const startedAt = performance.now();
    await harness.pass({ options: { settings: { ...smallParts.settings, maxBandwidthBytesPerSecond: 5 * MiB } } });
    const bytes = 12 * MiB + 20 * 200_000;
    expect(performance.now() - startedAt).toBeGreaterThan((bytes / (5 * MiB)) * 1000 * 0.95);
    expect(await harness.differences()).toEqual([]);
  });
});

describe('a source that changes while it is uploaded', () => {
  it('is never completed as if it had not: the bucket ends with the last content', async () => {
    await harness.write('growing', randomBytes(22 * MiB));
    harness.break({ match: { operation: /UploadPart/ }, fault: { kind: 'latency', ms: 300 } });
    const running = harness.pass({ options: { settings: { partSizeBytes: 5 * MiB, maxConnections: 2 } } });
    await sleep(900);
    const last = randomBytes(23 * MiB);
    await harness.write('growing', last);
    const summary = await running;
    expect(summary.exitCode).toBe(0);
    expect((await harness.server.readObject(bucket, `${prefix}growing`)).equals(last)).toBe(true);
    expect(harness.server.counts().CreateMultipartUpload).toBeGreaterThanOrEqual(2);
    expect(harness.server.counts().CompleteMultipartUpload).toBe(1);
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });

  it('is given up with its reason when it never keeps still, and the others are not held up', async () => {
    await harness.write('restless', 'x');
    await harness.write('calm', 'y');
    harness.break({ match: { operation: /restless/ }, fault: { kind: 'latency', ms: 150 } });
    let writing = true;
    const writer = (async () => {
      for (let i = 0; writing; i++) {
        await harness.write('restless', `content ${i}`);
        await sleep(15);
      }
    })();
    const summary = await harness.pass();
    writing = false;
    await writer;
    expect(summary).toMatchObject({ exitCode: 1, filesFailed: 1, filesUploaded: 1 });
    expect(files().find(({ path }) => path === 'restless')?.error?.code).toBe('source-changed');
  });

  it('that is gone before its turn is forgotten, not failed', async () => {
    for (let i = 0; i < 30; i++) await harness.write(`f${i}`, randomBytes(1000));
    harness.break({ fault: { kind: 'latency', ms: 100 } });
    const running = harness.pass({ options: { settings: { maxConnections: 2 } } });
    await sleep(900);
    await harness.remove('f29');
    expect(await running).toMatchObject({ exitCode: 0, filesFailed: 0 });
  });
});

describe('mirror deletes', () => {
  const mirror = { deletes: { kind: 'mirror', limit: { kind: 'percent', percent: 50 }, holdMs: 0 } } as const;

  it('delete the objects of files that are gone, and nothing for a change of rules', async () => {
    for (const name of ['keep', 'gone', 'excluded', 'other']) await harness.write(name, name);
    await harness.pass({ folder: mirror });
    await harness.remove('gone');
    const summary = await harness.pass({ folder: { ...mirror, rules: { include: [], exclude: ['excluded'] } } });
    expect(summary).toMatchObject({ exitCode: 0, filesDeleted: 1 });
    expect(harness.server.listKeys(bucket).toSorted()).toEqual(
      ['excluded', 'keep', 'other'].map((name) => prefix + name),
    );
  });

  it('stop when too much would go, before the first one', async () => {
    for (let i = 0; i < 10; i++) await harness.write(`f${i}`, 'x');
    await harness.pass({ folder: mirror });
    for (let i = 0; i < 6; i++) await harness.remove(`f${i}`);
    await expect(harness.pass({ folder: mirror })).rejects.toMatchObject({ code: 'mass-delete' });
    expect(harness.server.listKeys(bucket)).toHaveLength(10);

    const engine = await harness.open();
    const stopped = engine.runOnce(await harness.folder(engine, mirror), {
      signal: new AbortController().signal,
      dryRun: false,
    });
    await expect(stopped).rejects.toMatchObject({ code: 'mass-delete' });
    expect(engine.summary(4), 'the figures of a stopped run are true').toMatchObject({
      filesScanned: 4,
      filesUnchanged: 4,
      filesDeleted: 0,
    });
    const listed: string[] = [];
    const dryRun = engine.runOnce(await harness.folder(engine, mirror), {
      signal: new AbortController().signal,
      dryRun: true,
      onPlanned: ({ action, path }) => listed.push(`${action} ${path}`),
    });
    await expect(dryRun, 'the guard speaks in a dry run too, after the list').rejects.toMatchObject({
      code: 'mass-delete',
    });
    expect(listed.toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((i) => `delete f${i}`));
  });

  it('never happen unless asked for', async () => {
    await harness.write('gone', 'x');
    await harness.write('kept', 'x');
    await harness.pass();
    await harness.remove('gone');
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesDeleted: 0 });
    expect(harness.server.listKeys(bucket)).toHaveLength(2);
  });

  it('spare an object that somebody else has written meanwhile', async () => {
    await harness.write('gone', 'mine');
    await harness.write('kept', 'x');
    await harness.pass({ folder: mirror });
    await putForeign(harness, `${prefix}gone`, 'theirs');
    await harness.remove('gone');
    expect(await harness.pass({ folder: mirror })).toMatchObject({ exitCode: 1, filesDeleted: 0 });
    expect((await harness.server.readObject(bucket, `${prefix}gone`)).toString()).toBe('theirs');
  });
});

describe('verify', () => {
  it('finds what is missing, changed behind our back, changed on disk, or not uploaded yet', async () => {
    for (const name of ['same', 'missing', 'overwritten', 'edited']) await harness.write(name, name);
    const engine = await harness.open();
    const folderId = await harness.folder(engine, { deletes: { kind: 'never' } });
    await engine.runOnce(folderId, { signal: new AbortController().signal, dryRun: false });
    const foreign = storeOf(harness);
    await foreign.deleteObject({ key: asObjectKey(`${prefix}missing`), ifMatch: null });
    await putForeign(harness, `${prefix}overwritten`, 'OVERWRITTEN');
    await harness.write('edited', 'other');
    await harness.write('fresh', 'new');
    const report = await engine.api.verifyFolder({ folderId, deep: false });
    const found = Object.fromEntries(report.problems.map(({ path, problem }) => [path, problem]));
    expect(report.ok).toBe(false);
    expect(found).toEqual({
      edited: 'changed-since',
      fresh: 'not-uploaded',
      missing: 'object-missing',
      overwritten: 'checksum-differs',
    });
    foreign.close();
  });
});
