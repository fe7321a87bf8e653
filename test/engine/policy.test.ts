import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readPolicy, refuseWritable } from '../../main/engine/policyFile.ts';
import { createDataStore } from '../../main/engine/store/createDataStore.ts';
import { createStore } from '../../main/engine/store/createStore.ts';
import { asObjectKey } from '../../shared/ids.ts';
import { AdminPolicy } from '../../shared/policy.ts';
import { FolderInput, StoreConnection } from '../../shared/settings.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';
import { startPickyStore } from '../support/pickyStore.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

const nowhere = '/nonexistent/sluice/policy.json';
const file = () => join(harness.root, '..', 'policy.json');
const places = () => ({ machine: nowhere, fallback: file() });
const rule = (rules: object) => writeFile(file(), JSON.stringify({ version: 1, ...rules }));
const pass = (folder: Partial<FolderInput> = {}) =>
  harness.pass({ options: { policyPlaces: places(), settings: {} }, folder });
const keys = () => harness.server.listKeys(bucket);

describe('the administrator decides, in the engine and in the store', () => {
  it.each([
    ['another bucket', { buckets: { allow: ['corp-*'], reason: 'residency' } }],
    ['another endpoint', { endpoints: { allow: ['aws'] } }],
    ['another region', { regions: { allow: ['mars-1'] } }],
  ])('a folder bound for %s is refused, and no object is written', async (_, rules) => {
    await harness.write('a', 'secret');
    await rule(rules);
    await expect(pass()).rejects.toMatchObject({ code: 'policy-refused' });
    expect(keys()).toEqual([]);
    expect(harness.server.counts()).not.toHaveProperty('PutObject');
  });

  it('what is allowed passes', async () => {
    await harness.write('a', 'fine');
    await rule({ buckets: { allow: ['engine-*'] }, regions: { allow: [harness.server.region] } });
    expect(await pass()).toMatchObject({ exitCode: 0, filesUploaded: 1 });
  });

  it('the store itself refuses, whoever calls it', async () => {
    const policy = AdminPolicy.parse({ version: 1, regions: { allow: ['mars-1'] } });
    const connection = StoreConnection.parse({ endpointUrl: harness.server.endpoint, pathStyle: true });
    const options = {
      target: { connection, bucket, policy },
      credentials: async () => harness.server,
      maxSockets: 2,
      stallTimeoutMs: 10_000,
      onRequest: () => undefined,
    };
    const data = createDataStore(options);
    const store = createStore(options);
    const harmless = new Set(['target', 'signsPayload', 'listBuckets', 'close']);
    const asked: string[] = [];
    for (const one of [data, store])
      for (const [name, method] of Object.entries(one)) {
        if (harmless.has(name)) continue;
        asked.push(name);
        const input = { key: asObjectKey('a'), policy: { sse: { kind: 'bucket-default' } } };
        const answer: unknown = (method as (input: unknown) => unknown)(input);
        const ends =
          typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer
            ? (answer as AsyncGenerator).next()
            : (answer as Promise<unknown>);
        await expect(ends, name).rejects.toMatchObject({ code: 'policy-refused' });
      }
    expect(asked).toEqual(expect.arrayContaining(['getObject', 'putObject', 'copyObject', 'enableAcceleration']));
    expect(Object.keys(harness.server.counts())).toEqual(['HeadBucket']);
    data.close();
    store.close();
  });

  it('required encryption is asked for, small and multipart, though the folder asks for none', async () => {
    await harness.write('small', 'x');
    await harness.write('large', Buffer.alloc(6 * MiB, 1));
    await rule({ encryption: { require: 'AES256' }, settings: { partSizeBytes: { value: 5 * MiB } } });
    expect(await pass()).toMatchObject({ exitCode: 0, filesUploaded: 2 });
    const connection = StoreConnection.parse({ endpointUrl: harness.server.endpoint, pathStyle: true });
    const store = createStore({
      target: { connection, bucket, policy: undefined },
      credentials: async () => harness.server,
      maxSockets: 2,
      stallTimeoutMs: 10_000,
      onRequest: () => undefined,
    });
    for (const name of ['small', 'large'])
      expect((await store.headObject(asObjectKey(prefix + name)))?.sse).toBe('AES256');
    store.close();
  });

  it('a copy in the store is encrypted like an upload', async () => {
    const bytes = Buffer.alloc(9 * MiB, 3);
    await harness.write('first', bytes);
    await rule({ encryption: { require: 'AES256' } });
    expect(await pass()).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    await harness.write('second', bytes);
    expect(await pass()).toMatchObject({ exitCode: 0, filesCopied: 1 });
    const connection = StoreConnection.parse({ endpointUrl: harness.server.endpoint, pathStyle: true });
    const store = createStore({
      ...{ target: { connection, bucket, policy: undefined }, credentials: async () => harness.server },
      ...{ maxSockets: 2, stallTimeoutMs: 10_000, onRequest: () => undefined },
    });
    expect((await store.headObject(asObjectKey(`${prefix}second`)))?.sse).toBe('AES256');
    store.close();
  });

  it('a store that does not say it encrypted gets one object at most, and the run ends', async () => {
    const picky = await startPickyStore({ target: harness.server.endpoint, conceal: /^x-amz-server-side-encryption/ });
    await harness.write('a', 'x');
    await harness.write('large', Buffer.alloc(6 * MiB, 1));
    await rule({ encryption: { require: 'AES256' }, settings: { partSizeBytes: { value: 5 * MiB } } });
    const connection = StoreConnection.parse({
      endpointUrl: picky.url,
      pathStyle: true,
      region: harness.server.region,
    });
    await expect(pass({ connection })).rejects.toMatchObject({ code: 'policy-refused' });
    expect(harness.server.counts()).not.toHaveProperty('UploadPart');
    await picky.close();
  });

  it('deletes that the policy forbids never begin', async () => {
    await rule({ deletes: { allow: 'never', reason: 'records' } });
    await expect(
      pass({ deletes: { kind: 'mirror', limit: { kind: 'percent', percent: 10 }, holdMs: 0 } }),
    ).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('records'),
    });
  });

  it('a locked setting is changed neither by flags nor through the interface', async () => {
    await rule({ settings: { maxConnections: { value: 7, reason: 'shared line' } } });
    const refused = { code: 'policy-locked', message: expect.stringContaining('shared line') };
    await expect(harness.open({ policyPlaces: places(), settings: { maxConnections: 9 } })).rejects.toMatchObject(
      refused,
    );
    const { api } = await harness.open({ policyPlaces: places() });
    await expect(api.updateSettings({ maxConnections: 9 })).rejects.toMatchObject(refused);
    expect(await api.updateSettings({ maxConnections: 7, settleMs: 500 })).toMatchObject({
      maxConnections: 7,
      settleMs: 500,
    });
    expect(await api.policy({})).toMatchObject({
      source: file(),
      locks: [{ setting: 'maxConnections', reason: 'shared line' }],
    });
  });

  it('a locked mode of acceleration is not changed by its flag', async () => {
    await rule({ settings: { acceleration: { value: { mode: 'off' } } } });
    await expect(harness.open({ policyPlaces: places(), accelerate: 'on' })).rejects.toMatchObject({
      code: 'policy-locked',
    });
    await harness.open({ policyPlaces: places(), accelerate: 'off' });
  });

  it('a limit on deletes is passed neither by a folder’s new rule nor by an approval', async () => {
    await rule({ deletes: { allow: 'mirror', maxCount: 1, reason: 'records' } });
    const refused = { code: 'policy-refused', message: expect.stringContaining('records') };
    const engine = await harness.open({ policyPlaces: places(), settings: { settleMs: 100 } });
    const mirror = (count: number) =>
      ({ kind: 'mirror', limit: { kind: 'count', count }, holdMs: 3_600_000 }) satisfies FolderInput['deletes'];
    const folderId = await harness.folder(engine, { kind: 'kept', deletes: mirror(1) });
    for (const name of ['a', 'b', 'c']) await harness.write(name, name);
    await engine.start();
    await vi.waitFor(() => expect(engine.sentence().state).toBe('safe'), { timeout: 30_000 });
    await expect(engine.api.setDeletePolicy({ folderId, deletes: mirror(100) })).rejects.toMatchObject(refused);

    await harness.remove('a');
    await harness.remove('b');
    await engine.api.rescanFolder({ folderId });
    const pending = () => engine.api.pendingDeletes({ folderId });
    await vi.waitFor(async () => expect((await pending()).held).toBe(2), { timeout: 30_000 });
    const { asOf } = await pending();
    await expect(engine.api.approveDeletes({ folderId, asOf })).rejects.toMatchObject(refused);
    expect(keys()).toHaveLength(3);
  });

  it('adding a folder is refused with the reason, and leaves nothing behind', async () => {
    await rule({ buckets: { allow: ['corp-*'], reason: 'residency' } });
    const { api } = await harness.open({ policyPlaces: places() });
    const input = FolderInput.parse({ path: harness.root, bucket, prefix, connection: StoreConnection.parse({}) });
    const connection = { ...input.connection, credentials: { kind: 'chain', profile: null } } as const;
    await expect(api.addFolder({ ...input, connection })).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('residency'),
    });
    expect((await api.snapshot({})).folders).toEqual([]);
  });
});

describe('a policy that can not be trusted stops the engine', () => {
  it.each(['', '{', '{"version":1,"bukets":{"allow":["x"]}}'])('%j', async (text) => {
    await writeFile(file(), text);
    await expect(harness.open({ policyPlaces: places() })).rejects.toMatchObject({ code: 'policy-invalid' });
  });

  it('one that is named and is not there, and one that can not be read', async () => {
    await expect(harness.open({ policyPlaces: places() })).rejects.toMatchObject({ code: 'policy-invalid' });
    await mkdir(file());
    await expect(harness.open({ policyPlaces: places() })).rejects.toMatchObject({ code: 'policy-invalid' });
  });

  it.skipIf(process.platform === 'win32')('one that ordinary users may write', async () => {
    await rule({});
    await chmod(file(), 0o666);
    expect(() => readPolicy({ machine: file(), fallback: null })).toThrow('policy');
    expect(() => refuseWritable('p', { uid: 0, mode: 0o100_664 })).toThrow('may write');
    expect(() => refuseWritable('p', { uid: 1000, mode: 0o100_644 })).toThrow('root');
    expect(() => refuseWritable('p', { uid: 0, mode: 0o100_644 })).not.toThrow();
  });

  it("a user's own file counts only where the machine has none", async () => {
    const machine = join(harness.root, '..', 'machine.json');
    await writeFile(machine, '{');
    await rule({});
    expect(() => readPolicy({ machine, fallback: file() })).toThrow(machine);
  });
});

describe('a policy that changes while the engine runs', () => {
  it('leaves what the command line asked for, but for what it locks', async () => {
    await rule({});
    const flags = { maxConnections: 9, settleMs: 400 };
    const engine = await harness.open({ policyPlaces: places(), settings: flags });
    await engine.start();
    await rule({ settings: { maxConnections: { value: 7 } } });
    await vi.waitFor(async () => expect((await engine.api.settings({})).maxConnections).toBe(7), { timeout: 30_000 });
    expect(await engine.api.settings({})).toMatchObject({ settleMs: 400 });
  });

  it('holds at once for the folders that are kept, and a broken one ends the engine', async () => {
    await rule({});
    const engine = await harness.open({ policyPlaces: places() });
    await harness.folder(engine, { kind: 'kept' });
    await harness.write('before', '1');
    await engine.start();
    await vi.waitFor(() => expect(keys()).toEqual([`${prefix}before`]), { timeout: 30_000 });
    await rule({ buckets: { allow: ['corp-*'] } });
    await vi.waitFor(
      async () => expect((await engine.api.issues({})).issues).toMatchObject([{ code: 'policy-refused' }]),
      { timeout: 30_000 },
    );
    await harness.write('after', '2');
    await writeFile(file(), '{');
    await vi.waitFor(() => expect(engine.sentence().state).toBe('error'), { timeout: 30_000 });
    expect(keys()).toEqual([`${prefix}before`]);
  });
});
