import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { beginScan } from '../../main/engine/watch/scanFolder.ts';
import { type Harness, openHarness } from '../support/engineHarness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

const signal = new AbortController().signal;
const rules = { include: [], exclude: [] };

it('never takes what was read of an empty mount point for the disk that was mounted on it since', async () => {
  await harness.write('a/one', '1');
  await harness.write('two', '2');
  const engine = await harness.open();
  const id = await harness.folder(engine);
  await engine.runOnce(id, { signal, dryRun: false });
  // Another directory stands for the mount point: what counts is that its identity is not the folder's.
  const empty = join(harness.root, '..', 'empty');
  await mkdir(empty);
  const begun = beginScan({ root: empty, rules, keyPrefix: '', signal });
  await expect(engine.runOnce(id, { signal, dryRun: false, begun })).rejects.toMatchObject({ code: 'root-changed' });
  expect((await engine.api.snapshot({})).folders[0]).toMatchObject({ filesTotal: 2, filesProven: 2 });
  expect(await engine.runOnce(id, { signal, dryRun: false })).toMatchObject({ exitCode: 0, filesFailed: 0 });
  expect(await harness.differences()).toEqual([]);
});

it('sends and remembers nothing of a folder whose bucket is not there, however far it was read', async () => {
  await harness.write('one', '1');
  const engine = await harness.open();
  const id = await harness.folder(engine, { bucket: 'mistyped' });
  const begun = beginScan({ root: harness.root, rules, keyPrefix: '', signal });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await expect(engine.runOnce(id, { signal, dryRun: false, begun })).rejects.toMatchObject({ code: 'no-such-bucket' });
  expect((await engine.api.snapshot({})).folders).toEqual([]);
  expect(harness.server.counts().PutObject).toBeUndefined();
  begun.stop();
});
