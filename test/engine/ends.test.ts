import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngine } from '../../main/engine/engine.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness } from '../support/engineHarness.ts';

const settings = { settleMs: 150, partSizeBytes: 5 * MiB };

let harness: Harness;
let rejections: unknown[];
const note = (error: unknown): void => void rejections.push(error);
beforeEach(async () => {
  harness = await openHarness();
  rejections = [];
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await harness.close();
  process.off('unhandledRejection', note);
  expect(rejections).toEqual([]);
});

const until = async (what: string, done: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 25_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
};
const fatals = () => harness.events.filter((event) => event.type === 'issue' && event.folderId === null);

describe('a pass ends', () => {
  it('with its files uploaded when it was asked for though the folder is paused', async () => {
    await harness.write('f', 'x');
    const engine = await harness.open({ settings });
    const folderId = await harness.folder(engine);
    await engine.api.pauseFolder({ folderId });
    expect(await pass(engine)).toMatchObject({ exitCode: 0, filesUploaded: 1 });
  });

  it('with the reason when the folder goes away in the middle of it, and the next one goes on', async () => {
    for (let i = 0; i < 40; i++) await harness.write(`f${i}`, randomBytes(3000));
    harness.break({ match: { operation: /PutObject/ }, fault: { kind: 'latency', ms: 150 } });
    const engine = await harness.open({ settings: { ...settings, maxConnections: 2 } });
    await harness.folder(engine);
    const running = pass(engine);
    running.catch(() => undefined);
    await until('some are through', () => harness.server.listKeys(bucket).length > 2);
    await rename(harness.root, `${harness.root} away`);
    await expect(running).rejects.toMatchObject({ code: 'folder-missing' });
    await engine.stop();
    await rename(`${harness.root} away`, harness.root);
    harness.mend();
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesFailed: 0 });
    expect(await harness.differences()).toEqual([]);
  });

  it('when it is interrupted between two deletes', async () => {
    const mirror = { deletes: { kind: 'mirror', limit: { kind: 'percent', percent: 100 }, holdMs: 0 } } as const;
    for (let i = 0; i < 30; i++) await harness.write(`f${i}`, 'x');
    await harness.pass({ folder: mirror });
    for (let i = 0; i < 30; i++) await rm(join(harness.root, `f${i}`));
    harness.break({ match: { operation: /DeleteObject/ }, fault: { kind: 'latency', ms: 100 } });
    const engine = await harness.open();
    const abort = new AbortController();
    const running = engine.runOnce(await harness.folder(engine, mirror), { signal: abort.signal, dryRun: false });
    running.catch(() => undefined);
    await until('one is deleted', () => harness.server.listKeys(bucket).length < 30);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'interrupted' });
    expect(harness.server.listKeys(bucket).length).toBeGreaterThan(20);
  });

  it('with its file uploaded though the store was away for a while just when that began', async () => {
    await harness.write('large', randomBytes(11 * MiB));
    harness.break({ match: { operation: /CreateMultipartUpload/ }, fault: { kind: 'resetBeforeRequest' } });
    const running = harness.pass({ options: { settings } });
    running.catch(() => undefined);
    await until('it was tried', () => (harness.proxy.hits[0] ?? 0) > 0);
    harness.break({ fault: { kind: 'resetBeforeRequest' } });
    await sleep(15_000);
    harness.mend();
    expect(await running).toMatchObject({ exitCode: 0, filesFailed: 0, filesUploaded: 1 });
  });
});

describe('stop', () => {
  it('says nothing of a failure when the store was away and a probe under way', async () => {
    await harness.write('f', 'x');
    const engine = await harness.open({ settings });
    await harness.folder(engine, { kind: 'kept' });
    harness.break({ fault: { kind: 'resetBeforeRequest' } });
    await engine.start();
    await until('offline', () => engine.sentence().state === 'offline');
    harness.break({ fault: { kind: 'stall', afterBytes: 0 } });
    await sleep(1500);
    await engine.stop();
    await sleep(300);
    expect(fatals()).toEqual([]);
  });

  it('during a Complete that takes its time says nothing of a failure, and the next start finds it done', async () => {
    await harness.write('large', randomBytes(11 * MiB));
    harness.break({ match: { operation: /CompleteMultipartUpload/ }, fault: { kind: 'latency', ms: 13_000 } });
    const engine = await harness.open({ settings });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('all parts are there', () => (harness.server.openUploads(bucket)[0]?.parts.length ?? 0) === 3);
    await sleep(300);
    await engine.stop();
    await sleep(300);
    expect(fatals()).toEqual([]);
    harness.mend();
    const second = await harness.open({ settings });
    await second.start();
    await until('all safe', () => second.sentence().state === 'safe');
    expect(await harness.differences()).toEqual([]);
  });

  it('during a scan, an upload and a removal leaves neither a claim nor an error', async () => {
    for (let i = 0; i < 200; i++) await harness.write(`d${i % 9}/f${i}`, randomBytes(2000));
    for (const waitMs of [0, 20, 120, 400]) {
      const engine = await harness.open({ settings });
      await harness.folder(engine, { kind: 'kept' });
      await engine.start();
      await sleep(waitMs);
      await engine.stop();
    }
    const engine = await harness.open({ settings });
    await engine.start();
    await until('all safe', () => engine.sentence().state === 'safe');
    const [folder] = (await engine.api.snapshot({})).folders;
    await harness.write('d1/again', 'x');
    await engine.api.rescanFolder({ folderId: folder!.id });
    await engine.api.removeFolder({ folderId: folder!.id });
    expect(fatals()).toEqual([]);
  });
});

async function pass(engine: SyncEngine) {
  return engine.runOnce(await harness.folder(engine), { signal: new AbortController().signal, dryRun: false });
}
