import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncEngine } from '../../main/engine/engine.ts';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import type { FileEvent } from '../../shared/events.ts';
import type { FolderId } from '../../shared/ids.ts';
import type { DeletePolicy } from '../../shared/settings.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

const settings = { settleMs: 100 };
const mirror = (more: Partial<Extract<DeletePolicy, { kind: 'mirror' }>> = {}): DeletePolicy => ({
  kind: 'mirror',
  limit: { kind: 'percent', percent: 50 },
  holdMs: 0,
  ...more,
});

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

const until = async (what: string, done: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 30_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
};
const keys = (): string[] => harness.server.listKeys(bucket).map((key) => key.slice(prefix.length));
const deletes = (): FileEvent[] =>
  harness.events.filter((event): event is FileEvent => event.type === 'file' && event.action === 'delete');
const wholeScans = (): number =>
  harness.events.filter((event) => event.type === 'scan' && event.phase === 'finished').length;

/** Kept, all uploaded, with these deletes. */
async function kept(deletesPolicy: DeletePolicy, names: readonly string[]): Promise<[SyncEngine, FolderId]> {
  for (const name of names) await harness.write(name, `content of ${name}`);
  const engine = await harness.open({ settings });
  const folderId = await harness.folder(engine, { kind: 'kept', deletes: deletesPolicy });
  await engine.start();
  await until('all safe', () => engine.sentence().state === 'safe');
  return [engine, folderId];
}
/** Two, so that one of them began after this call. */
async function lookedAt(engine: SyncEngine, folderId: FolderId): Promise<void> {
  for (const _ of [1, 2]) {
    const before = wholeScans();
    await engine.api.rescanFolder({ folderId });
    await until('a look', () => wholeScans() > before);
  }
}

describe('deletes of the daemon and the app', () => {
  it('are never made unless asked for', async () => {
    const [engine, folderId] = await kept({ kind: 'never' }, ['a', 'b']);
    await harness.remove('a');
    await lookedAt(engine, folderId);
    expect(keys()).toEqual(['a', 'b']);
    expect(await engine.api.pendingDeletes({ folderId })).toMatchObject({ held: 0, rows: [] });
  });

  it('take the object of a gone file, and not that of one which is only excluded', async () => {
    const [engine, folderId] = await kept(mirror(), ['a', 'b', 'c', 'd']);
    await harness.folder(engine, { kind: 'kept', deletes: mirror(), rules: { include: [], exclude: ['b'] } });
    await harness.remove('a');
    await lookedAt(engine, folderId);
    await until('a is deleted', () => !keys().includes('a'));
    expect(keys()).toEqual(['b', 'c', 'd']);
    expect(deletes()).toMatchObject([{ path: 'a' }]);
  });

  it('are held back, and a file that comes back in time was never in danger', async () => {
    const [engine, folderId] = await kept(mirror({ holdMs: 3_600_000 }), ['a', 'b', 'c']);
    await rename(join(harness.root, 'a'), join(harness.dataDir, 'a'));
    await lookedAt(engine, folderId);
    await until('held', async () => (await engine.api.pendingDeletes({ folderId })).held === 1);
    const pending = await engine.api.pendingDeletes({ folderId });
    expect(pending).toMatchObject({ needsApproval: false, versioning: 'off', rows: [{ path: 'a', decision: 'held' }] });
    expect(pending.rows[0]!.dueAt! - pending.rows[0]!.noticedAt).toBe(3_600_000);
    await rename(join(harness.dataDir, 'a'), join(harness.root, 'a'));
    await lookedAt(engine, folderId);
    expect(await engine.api.pendingDeletes({ folderId })).toMatchObject({ held: 0 });
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect(deletes()).toEqual([]);
  });

  it('wait for an approval when they are many, and what the user keeps stays for good', async () => {
    const names = ['a1', 'a2', 'a3', 'b'];
    const [engine, folderId] = await kept(mirror(), names);
    for (const name of ['a1', 'a2', 'a3']) await harness.remove(name);
    await lookedAt(engine, folderId);
    await until('an issue', async () =>
      (await engine.api.issues({})).issues.some(({ code }) => code === 'mass-delete'),
    );
    expect(keys()).toEqual(names);
    const { asOf, needsApproval, held } = await engine.api.pendingDeletes({ folderId });
    expect({ needsApproval, held }).toEqual({ needsApproval: true, held: 3 });
    expect(await engine.api.keepDeletes({ folderId, asOf: 0 }), 'nothing that was not shown').toEqual({ files: 0 });
    expect(await engine.api.approveDeletes({ folderId, asOf })).toEqual({ files: 3 });
    await until('they are deleted', () => keys().length === 1);
    expect((await engine.api.issues({})).issues).toEqual([]);

    await harness.remove('b');
    await lookedAt(engine, folderId);
    await until('held', async () => (await engine.api.pendingDeletes({ folderId })).held === 1);
    const again = await engine.api.pendingDeletes({ folderId });
    expect(await engine.api.keepDeletes({ folderId, asOf: again.asOf })).toEqual({ files: 1 });
    await lookedAt(engine, folderId);
    expect(await engine.api.pendingDeletes({ folderId })).toMatchObject({ held: 0, kept: 1, needsApproval: false });
    expect(keys()).toEqual(['b']);
  });

  it('begin anew when they are turned off and on: nothing goes at once for a change of settings', async () => {
    const [engine, folderId] = await kept({ kind: 'never' }, ['a', 'b', 'c']);
    await harness.remove('a');
    await lookedAt(engine, folderId);
    await engine.api.setDeletePolicy({ folderId, deletes: mirror({ holdMs: 3_600_000 }) });
    await lookedAt(engine, folderId);
    await until('held', async () => (await engine.api.pendingDeletes({ folderId })).held === 1);
    await engine.api.setDeletePolicy({ folderId, deletes: { kind: 'never' } });
    expect(await engine.api.pendingDeletes({ folderId })).toMatchObject({ held: 0 });
    expect(keys()).toEqual(['a', 'b', 'c']);
  });

  it('leave an object that others wrote over, and say so', async () => {
    const [engine, folderId] = await kept(mirror(), ['a', 'b', 'c']);
    await other.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}a`, Body: 'theirs' }));
    await harness.remove('a');
    await lookedAt(engine, folderId);
    await until('refused', () => deletes().some(({ error }) => error?.code === 'precondition-failed'));
    expect((await harness.server.readObject(bucket, `${prefix}a`)).toString()).toBe('theirs');
  });

  it('follow the copy of a renamed folder, which sends nothing', async () => {
    await other.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    const [engine, folderId] = await kept(mirror({ limit: { kind: 'percent', percent: 100 } }), ['old/a', 'old/b']);
    await mkdir(join(harness.root, 'x'));
    await rename(join(harness.root, 'old'), join(harness.root, 'x/new'));
    await lookedAt(engine, folderId);
    await until('moved', () => keys().join() === 'x/new/a,x/new/b');
    expect(engine.summary(0)).toMatchObject({ filesCopied: 2, filesUploaded: 2, filesDeleted: 2 });
    expect(await engine.api.pendingDeletes({ folderId })).toMatchObject({ versioning: 'enabled' });
  });
});

it('a file that is made anew while its object is being deleted is uploaded, whatever became of the delete', async () => {
  await harness.write('a', 'content');
  for (const name of ['b', 'c']) await harness.write(name, name);
  const policy = { deletes: mirror() };
  await harness.pass({ folder: policy });
  await rename(join(harness.root, 'a'), join(harness.dataDir, 'a'));
  // Deleted, and the process dies before the answer: only the ledger's intention tells.
  harness.break({ match: { operation: /DeleteObject/ }, fault: { kind: 'loseResponse' } });
  await harness.pass({ folder: policy });
  expect(keys()).toEqual(['b', 'c']);
  harness.mend();
  await rename(join(harness.dataDir, 'a'), join(harness.root, 'a'));
  expect(await harness.pass({ folder: policy })).toMatchObject({ filesUploaded: 1, exitCode: 0 });
  expect(await harness.differences()).toEqual([]);

  const again = await harness.open();
  const folderId = await harness.folder(again, policy);
  await again.stop();
  const ledger = openLedger({ dataDir: harness.dataDir, smallFileLimitBytes: 1, holder: 'a test' });
  expect(ledger.check()).toEqual([]);
  expect(ledger.counts(folderId)).toMatchObject({ filesProven: 3 });
  ledger.close();
});
