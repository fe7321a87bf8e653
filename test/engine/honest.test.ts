import { randomBytes } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngine } from '../../main/engine/engine.ts';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import { SluiceError } from '../../shared/errors.ts';
import type { RelativePath } from '../../shared/ids.ts';
import { applyUpdate, type Snapshot } from '../../shared/syncApi.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness } from '../support/engineHarness.ts';

const settings = { settleMs: 150, partSizeBytes: 5 * MiB };

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

const until = async (what: string, done: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 25_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
};
const safe = (engine: SyncEngine) => engine.sentence().state === 'safe';
const codes = async (engine: SyncEngine) => (await engine.api.issues({})).issues.map(({ code }) => code);

describe('what is said', () => {
  it('an empty directory in the place of a full one is never called safe, even when all files lay at its top', async () => {
    for (let i = 0; i < 5; i++) await harness.write(`f${i}`, `${i}`);
    const first = await harness.open({ settings });
    await harness.folder(first, { kind: 'kept' });
    await first.start();
    await until('all safe', () => safe(first));
    await first.stop();
    await rename(harness.root, `${harness.root} away`);
    await mkdir(harness.root);
    const second = await harness.open({ settings });
    await second.start();
    await until('an issue', async () => (await codes(second)).includes('root-changed'));
    expect(second.sentence().state).toBe('attention');
    expect((await second.api.snapshot({})).folders[0]).toMatchObject({ phase: 'attention', filesTotal: 5 });
  });

  it('an issue of an earlier run is over when its file is through, and the exit code with it', async () => {
    await harness.write('good', 'x');
    await harness.write('bad', 'y');
    await harness.pass();
    await harness.write('bad', 'z');
    const ledger = openLedger({ dataDir: harness.dataDir, smallFileLimitBytes: 8 * MiB, holder: 'test' });
    const [folder] = ledger.folders();
    const path = 'bad' as RelativePath;
    const error = new SluiceError('source-unreadable', 'It could not be read').view();
    ledger.raiseIssue({ folderId: folder!.id, path, error, atMs: Date.now() });
    ledger.close();
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesUploaded: 1 });
  });

  it('an issue about a file whose bytes turned out to be safe already is over after the next look', async () => {
    await harness.write('good', 'x');
    await harness.pass();
    const ledger = openLedger({ dataDir: harness.dataDir, smallFileLimitBytes: 8 * MiB, holder: 'test' });
    const [folder] = ledger.folders();
    const error = new SluiceError('source-unreadable', 'It could not be looked at').view();
    ledger.raiseIssue({ folderId: folder!.id, path: 'good', error, atMs: Date.now() });
    ledger.close();
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesUnchanged: 1 });
  });

  it('screens hear that a timed pause is over', async () => {
    await harness.write('f', 'x');
    const engine = await harness.open({ settings });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('all safe', () => safe(engine));
    await sleep(1500);
    let shown: Snapshot | null = await engine.api.snapshot({});
    engine.api.subscribe((update) => {
      shown = shown && applyUpdate(shown, update);
    });
    await engine.api.pauseAll({ untilMs: Date.now() + 700 });
    await until('paused on screen', () => shown?.pause.kind === 'paused');
    await until('running on screen', () => shown?.pause.kind === 'running' && shown.sentence.state === 'safe');
  });

  it('a pause until next year lasts longer than a moment', async () => {
    await harness.write('f', 'x');
    const engine = await harness.open({ settings });
    await engine.api.pauseAll({ untilMs: Date.now() + 300 * 86_400_000 });
    await sleep(100);
    expect((await engine.api.snapshot({})).pause.kind).toBe('paused');
  });

  it('a rescan once a month is not one every millisecond', async () => {
    await harness.write('f', 'x');
    const engine = await harness.open({ settings: { ...settings, rescanIntervalMs: 30 * 86_400_000 } });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('all safe', () => safe(engine));
    await sleep(2000);
    expect(harness.events.filter((event) => event.type === 'scan' && event.phase === 'started').length).toBeLessThan(5);
  });

  it('changing one setting leaves the others as they are', async () => {
    const { createSyncApiClient, serveSyncApi } = await import('../../shared/wire.ts');
    const engine = await harness.open();
    let toServer: (message: unknown) => void = () => undefined;
    let toClient: (message: unknown) => void = () => undefined;
    const closed = (): void => undefined;
    serveSyncApi(engine.api, {
      send: (message) => toClient(message),
      onMessage: (listener) => {
        toServer = listener;
      },
      onClose: closed,
    });
    const api = createSyncApiClient({
      send: (message) => toServer(message),
      onMessage: (listener) => {
        toClient = listener;
      },
      onClose: closed,
    });
    await api.updateSettings({ maxConnections: 7 });
    expect(await api.updateSettings({ settleMs: 500 })).toMatchObject({ maxConnections: 7, settleMs: 500 });
  });

  it('wrong keys are said when only a large file waits, and it is not called uploading', async () => {
    await harness.write('large', randomBytes(11 * MiB));
    let secretAccessKey = 'wrong';
    const engine = await harness.open({
      settings,
      chainCredentials: () => async () => ({ accessKeyId: harness.server.accessKeyId, secretAccessKey }),
    });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('an issue', async () => (await codes(engine)).includes('wrong-keys'));
    expect(engine.sentence().state).toBe('attention');
    secretAccessKey = harness.server.secretAccessKey;
    const [issue] = (await engine.api.issues({})).issues;
    await engine.api.retryIssue({ issueId: issue!.id });
    await until('all safe', () => safe(engine));
  });

  it('files that wait in a paused folder are not being uploaded', async () => {
    await harness.write('one/f', 'x');
    await harness.write('two/f', 'y');
    const engine = await harness.open({ settings });
    await harness.folder(engine, { kind: 'kept', path: `${harness.root}/one`, prefix: 'one/' });
    const second = await harness.folder(engine, { kind: 'kept', path: `${harness.root}/two`, prefix: 'two/' });
    await engine.api.pauseFolder({ folderId: second });
    await engine.start();
    await until('the first is through', () => harness.server.listKeys(bucket).length === 1);
    await until('the second waits', async () => (await engine.api.snapshot({})).totals.filesQueued === 1);
    await until('said so', () => engine.sentence().state === 'paused');
    expect(engine.sentence().text).toBe('Paused, 1 file waiting');
  });

  it('what S3 keeps of an upload that was given up is gone soon, not after a day', async () => {
    await harness.write('large', randomBytes(16 * MiB));
    harness.break({ match: { operation: /UploadPart/ }, fault: { kind: 'latency', ms: 400 } });
    const engine = await harness.open({ settings: { ...settings, maxConnections: 2 } });
    await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('parts are there', () => (harness.server.openUploads(bucket)[0]?.parts.length ?? 0) >= 1);
    await harness.write('large', 'small now');
    harness.mend();
    await until('all safe', () => safe(engine));
    await until('no open upload', () => harness.server.openUploads(bucket).length === 0);
  });

  it('nothing stays behind of a folder that is removed in the middle of an upload', async () => {
    await harness.write('large', randomBytes(16 * MiB));
    harness.break({ match: { operation: /UploadPart/ }, fault: { kind: 'latency', ms: 400 } });
    const engine = await harness.open({ settings: { ...settings, maxConnections: 2 } });
    const folderId = await harness.folder(engine, { kind: 'kept' });
    await engine.start();
    await until('parts are there', () => (harness.server.openUploads(bucket)[0]?.parts.length ?? 0) >= 1);
    await engine.api.removeFolder({ folderId });
    harness.mend();
    await until('no open upload', () => harness.server.openUploads(bucket).length === 0);
    expect(engine.sentence().state).toBe('empty');
    expect(await codes(engine)).toEqual([]);
  });
});
