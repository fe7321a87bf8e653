import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngine } from '../../main/engine/engine.ts';
import { applyUpdate, type Snapshot } from '../../shared/syncApi.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

const settings = { settleMs: 200, partSizeBytes: 5 * MiB };

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

const until = async (what: string, done: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 30_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
};
const safe = (engine: SyncEngine) => engine.sentence().state === 'safe';
const watching = async (engine: SyncEngine) => (await engine.api.snapshot({})).folders[0]?.watcher === 'watching';

describe('a kept folder', () => {
  it('follows creations, edits, renames and atomic saves, and says safe only when it is', async () => {
    for (let i = 0; i < 20; i++) await harness.write(`f${i}`, `first ${i}`);
    const engine = await harness.open({ settings });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('all safe', () => safe(engine));
    await until('watching', () => watching(engine));
    expect(await harness.differences()).toEqual([]);
    expect(engine.sentence().text).toBe('All 20 files are safely in S3');

    await harness.write('new/nested/file', 'new');
    await harness.write('f0', 'edited');
    await harness.write('f1.tmp', 'saved');
    await rename(join(harness.root, 'f1.tmp'), join(harness.root, 'f1'));
    await until(
      'the changes are in the bucket',
      async () => safe(engine) && (await harness.differences()).length === 0,
    );
    expect(engine.sentence().text).toBe('All 21 files are safely in S3');
    await rm(join(harness.root, 'f2'));
    await until('one file less', () => engine.sentence().text === 'All 20 files are safely in S3');
    expect(harness.server.listKeys(bucket), 'the object stays').toContain(`${prefix}f2`);
  });

  it('goes on after a stop without sending finished parts again', async () => {
    await harness.write('large', randomBytes(32 * MiB));
    const slow = { settings: { ...settings, maxBandwidthBytesPerSecond: 8 * MiB } };
    const first = await harness.open(slow);
    await harness.folder(first, { kind: 'kept' });
    await first.start();
    const parts = () => harness.server.openUploads(bucket)[0]?.parts.length ?? 0;
    await until('some parts are through', () => parts() >= 2);
    await first.stop();
    const done = parts();
    const second = await harness.open({ settings });
    await second.start();
    await until('all safe', () => safe(second));
    expect(await harness.differences()).toEqual([]);
    const sent = harness.server.requests.filter(
      ({ operation, status }) => operation === 'UploadPart' && status === 200,
    );
    expect(sent).toHaveLength(7);
    expect(done).toBeLessThan(7);
    expect(harness.server.counts().CreateMultipartUpload).toBe(1);
  });

  it('pauses what is in flight, says so, and resumes by itself when the time is over', async () => {
    for (let i = 0; i < 8; i++) await harness.write(`f${i}`, randomBytes(2 * MiB));
    const engine = await harness.open({ settings: { ...settings, maxBandwidthBytesPerSecond: 2 * MiB } });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('uploading', () => engine.sentence().state === 'uploading');
    await engine.api.pauseAll({ untilMs: Date.now() + 5000 });
    expect(engine.sentence().state).toBe('paused');
    await sleep(3500);
    const paused = harness.server.listKeys(bucket).length;
    await sleep(800);
    expect(harness.server.listKeys(bucket).length).toBe(paused);
    await engine.api.updateSettings({ maxBandwidthBytesPerSecond: null });
    await until('all safe', () => safe(engine));
    expect(await harness.differences()).toEqual([]);
  });

  it('tells screens everything in numbered deltas without a gap', async () => {
    for (let i = 0; i < 60; i++) await harness.write(`f${i}`, randomBytes(20_000));
    await harness.write('large', randomBytes(17 * MiB));
    const engine = await harness.open({ settings: { ...settings, maxBandwidthBytesPerSecond: 10 * MiB } });
    await harness.folder(engine, { kind: 'kept' });
    let shown: Snapshot | null = await engine.api.snapshot({});
    const times: number[] = [];
    let sawParts = false;
    engine.api.subscribe((update) => {
      times.push(Date.now());
      shown = shown && applyUpdate(shown, update);
      sawParts ||=
        update.transfers?.some(({ strategy, partMap }) => strategy === 'multipart' && /[#~]/.test(partMap)) ?? false;
    });
    await engine.start();
    await until('all safe', () => safe(engine));
    await until('the screen knows', () => shown?.sentence.state === 'safe');
    expect(shown?.folders[0]).toMatchObject({ phase: 'safe', filesTotal: 61, filesProven: 61, filesQueued: 0 });
    expect(sawParts).toBe(true);
    const seconds = (times.at(-1)! - times[0]!) / 1000;
    expect(times.length).toBeLessThanOrEqual(4 * seconds + 2);
    const { rows } = await engine.api.activity({
      before: null,
      limit: 100,
      folderId: null,
      search: 'large',
      actions: [],
    });
    expect(rows).toMatchObject([{ path: 'large', action: 'multipart', parts: 4 }]);
  });

  it('takes a folder that goes away for an issue, not for a thousand deletions, and goes on when it is back', async () => {
    for (let i = 0; i < 5; i++) await harness.write(`f${i}`, `${i}`);
    const engine = await harness.open({ settings });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('all safe', () => safe(engine));
    await until('watching', () => watching(engine));
    await rename(harness.root, `${harness.root} away`);
    await until('an issue', async () =>
      (await engine.api.issues({})).issues.some(({ code }) => code === 'folder-missing'),
    );
    expect((await engine.api.snapshot({})).folders[0]).toMatchObject({ phase: 'attention', filesTotal: 5 });
    await rename(`${harness.root} away`, harness.root);
    const [issue] = (await engine.api.issues({})).issues;
    if (issue) await engine.api.retryIssue({ issueId: issue.id });
    await until('safe again', () => safe(engine));
    expect(engine.sentence().text).toBe('All 5 files are safely in S3');
  });

  it('never lets two pairs overwrite each other', async () => {
    const engine = await harness.open({ settings });
    await harness.folder(engine, { kind: 'kept' });
    const connection = {
      endpointUrl: harness.proxy.url,
      region: 'us-east-1',
      pathStyle: true,
      verifyTls: true,
      caBundlePath: null,
    };
    const twin = engine.api.addFolder({
      path: harness.dataDir,
      bucket,
      prefix,
      connection: { ...connection, credentials: { kind: 'chain', profile: null } },
      rules: { include: [], exclude: [] },
      objects: { storageClass: null, sse: { kind: 'bucket-default' }, foreign: 'keep' },
      deletes: { kind: 'never' },
      kind: 'kept',
    });
    await expect(twin, 'a usage error: exit code 2').rejects.toMatchObject({ code: 'bad-settings' });
  });
});
