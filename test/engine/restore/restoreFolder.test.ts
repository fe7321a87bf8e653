import { link, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTargetFolder } from '../../../main/engine/restore/targetFolder.ts';
import { MiB } from '../../../shared/units.ts';
import { openStore } from '../store/testStore.ts';
import { openRestoreHarness, prefix, type RestoreHarness, someBytes } from './restoreHarness.ts';

let harness: RestoreHarness;
beforeEach(async () => {
  harness = await openRestoreHarness();
});
afterEach(() => harness.close());

const at = (path: string): string => join(harness.folder, path);
const failed = () => harness.files.filter(({ error }) => error).map(({ path, error }) => [path, error?.code]);
const write = async (path: string, content: string | Buffer): Promise<void> => {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), content);
};

describe('a restore', () => {
  it.runIf(process.platform === 'linux')(
    'into a place that takes no folder is refused, not tried for ever',
    async () => {
      for (const root of ['/proc/sluice-is-not-here', '/proc/sluice-is-not-here/below'])
        await expect(openTargetFolder(root, true)).rejects.toMatchObject({ code: 'target-unwritable' });
    },
    5_000,
  );

  it('brings every object back byte for byte, with its time, and leaves nothing of its own', async () => {
    const big = someBytes(41 * MiB);
    const contents = new Map<string, Buffer>([
      ['empty', Buffer.alloc(0)],
      ['a/b/c/deep.txt', Buffer.from('deep')],
      ['ünï cødé 你好 + % & # ?.txt', Buffer.from('odd')],
      ['back\\slash', Buffer.from('posix allows it')],
      ['cafe\u0301', Buffer.from('NFD')],
      ['caf\u00e9', Buffer.from('NFC')],
      [' spaces ', Buffer.from('x')],
      ['x'.repeat(255), Buffer.from('long')],
      ['big', big],
    ]);
    for (const [path, bytes] of contents)
      await harness.put(prefix + path, bytes, {
        ChecksumAlgorithm: 'CRC64NVME',
        Metadata: { 'sluice-mtime': '1600000000123' },
      });
    await harness.put(`${prefix}folder/`, '');

    const figures = await harness.restore();
    expect(failed()).toEqual([]);
    expect(figures).toMatchObject({ filesRestored: contents.size, filesNotVerified: 0 });
    for (const [path, bytes] of contents) expect((await harness.read(path)).equals(bytes), path).toBe(true);
    expect(Math.floor((await stat(at('big'))).mtimeMs)).toBe(1_600_000_000_123);
    expect(await harness.tree()).toEqual([...contents.keys(), 'a/', 'a/b/', 'a/b/c/', 'folder/'].sort());

    const again = await harness.restore();
    expect(again).toMatchObject({ filesRestored: 0, filesSkipped: contents.size, bytesReceived: 0 });
    expect(harness.counts().GetObject, 'what is there is compared by reading it here').toBeUndefined();
  });

  it.each([
    ['CRC32', 'FULL_OBJECT'],
    ['CRC64NVME', 'FULL_OBJECT'],
    ['CRC32', 'COMPOSITE'],
    ['SHA256', 'COMPOSITE'],
  ] as const)('proves an object uploaded in parts by its %s (%s), and finds it again', async (algorithm, type) => {
    const parts = [someBytes(5 * MiB), someBytes(5 * MiB), someBytes(1234)];
    await harness.putParts(`${prefix}parts`, parts, algorithm, type);
    await harness.restore();
    expect(harness.files).toMatchObject([{ action: 'restore', verified: 'checksum' }]);
    expect((await harness.read('parts')).equals(Buffer.concat(parts))).toBe(true);
    await harness.restore();
    expect(harness.files).toMatchObject([{ action: 'skip', verified: 'checksum' }]);
  });

  it('never replaces a file that differs unless asked to, and then in one step', async () => {
    await harness.put(`${prefix}mine`, 'in the bucket');
    await harness.put(`${prefix}same size`, 'abc');
    await write('mine', 'written by hand');
    await write('same size', 'xyz');
    expect(await harness.restore()).toMatchObject({ filesRestored: 0, filesFailed: 2 });
    expect(failed().map(([, code]) => code)).toEqual(['target-exists', 'target-exists']);
    expect(String(await harness.read('mine'))).toBe('written by hand');

    expect(await harness.restore({ overwrite: true })).toMatchObject({ filesRestored: 2, filesFailed: 0 });
    expect(String(await harness.read('mine'))).toBe('in the bucket');
    expect(String(await harness.read('same size'))).toBe('abc');
  });

  it('leaves a file alone that somebody made while its object was fetched', async () => {
    await harness.put(`${prefix}late`, 'in the bucket');
    harness.proxy.setRules([{ match: { operation: / GetObject$/ }, fault: { kind: 'latency', ms: 400 } }]);
    const restoring = harness.restore();
    await new Promise((resolve) => setTimeout(resolve, 150));
    await write('late', 'by hand');
    expect(await restoring).toMatchObject({ filesRestored: 0, filesFailed: 1 });
    expect(String(await harness.read('late'))).toBe('by hand');
    expect(await harness.tree()).toEqual(['late']);
  });

  it('says so where the store keeps nothing to prove a file by', async () => {
    await harness.put(`${prefix}plain`, 'no checksum');
    const figures = await harness.restore({ store: unprovable(harness) });
    expect(figures).toMatchObject({ filesRestored: 1, filesNotVerified: 1 });
    expect(harness.files).toMatchObject([{ action: 'restore', verified: 'none' }]);
  });

  it('takes what the patterns say, and only looks in a dry run', async () => {
    for (const key of ['a.raw', 'b.txt', 'sub/c.raw', 'sub/skip/d.raw']) await harness.put(prefix + key, key);
    const rules = { include: ['*.raw'], exclude: ['skip/'] };
    expect(await harness.restore({ rules, dryRun: true })).toMatchObject({ filesRestored: 2, filesExcluded: 2 });
    await expect(lstat(harness.folder)).rejects.toThrow('ENOENT');
    await harness.restore({ rules });
    expect(await harness.tree()).toEqual(['a.raw', 'sub/', 'sub/c.raw']);
  });

  it('names an archived object and how to get it, and goes on with the others', async () => {
    await harness.put(`${prefix}cold`, 'cold', { StorageClass: 'GLACIER' });
    await harness.put(`${prefix}warm`, 'warm');
    expect(await harness.restore()).toMatchObject({ filesRestored: 1, filesFailed: 1 });
    expect(failed()).toEqual([['cold', 'object-archived']]);
    expect(harness.files.find(({ error }) => error)?.error?.remedy).toContain('restore-object');
    expect(await harness.tree()).toEqual(['warm']);
  });
});

describe('hostile keys and targets', () => {
  it('lead nowhere out of the folder: each is refused with its reason, the rest goes on', async () => {
    const hostile = [
      '../up',
      'a/../../up',
      '/etc/passwd',
      'a//b',
      './here',
      'a/./b',
      '..',
      'folder with bytes/',
      '.sluice-restore-x.part',
    ];
    for (const key of hostile) await harness.put(prefix + key, 'evil');
    await harness.put(`${prefix}good`, 'good');
    expect(await harness.restore()).toMatchObject({ filesRestored: 1, filesFailed: hostile.length });
    expect(new Set(failed().map(([, code]) => code))).toEqual(new Set(['target-unsafe']));
    expect(await harness.tree()).toEqual(['good']);
  });

  it('a symbolic link in the target is never written through, be it a folder, a file or our own partial file', async () => {
    const outside = join(dirname(harness.folder), 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'precious'), 'precious');
    await mkdir(harness.folder);
    await symlink(outside, at('linked'));
    await symlink(join(outside, 'precious'), at('file'));
    for (const key of ['linked/new', 'file', 'fine']) await harness.put(prefix + key, 'evil');
    for (const overwrite of [false, true]) {
      const figures = await harness.restore({ overwrite });
      expect(figures.filesFailed).toBe(2);
      expect(failed().sort()).toEqual([
        ['file', 'target-unsafe'],
        ['linked/new', 'target-unsafe'],
      ]);
    }
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('precious');
    await expect(lstat(join(outside, 'new'))).rejects.toThrow('ENOENT');
  });

  it("a partial file that is somebody else's by a second name is not written into", async () => {
    await harness.put(`${prefix}victim`, someBytes(20 * MiB));
    harness.proxy.setRules([{ match: { operation: / GetObject$/ }, fault: { kind: 'resetBeforeRequest' } }]);
    await expect(harness.restore()).rejects.toThrow();
    const [partial = ''] = (await harness.tree()).filter((name) => name.endsWith('.part'));
    const outside = join(dirname(harness.folder), 'precious');
    await writeFile(outside, 'precious');
    await rename(at(partial), at('aside'));
    await link(outside, at(partial));
    harness.proxy.setRules([]);
    expect(await harness.restore()).toMatchObject({ filesRestored: 1, filesFailed: 0 });
    expect(await readFile(outside, 'utf8')).toBe('precious');
  });

  it.skipIf(process.platform !== 'linux')(
    'a folder swapped for a link while files are fetched gets nothing through the link',
    async () => {
      const outside = join(dirname(harness.folder), 'outside');
      await mkdir(outside);
      for (let i = 0; i < 20; i++) await harness.put(`${prefix}dir/file${i}`, `content ${i}`);
      harness.proxy.setRules([
        { match: { operation: / GetObject$/ }, fault: { kind: 'latency', ms: 200, jitterMs: 200 } },
      ]);
      const restoring = harness.restore({ connections: 4 });
      while ((await lstat(at('dir')).catch(() => null)) === null)
        await new Promise((resolve) => setTimeout(resolve, 10));
      await rename(at('dir'), at('moved'));
      await symlink(outside, at('dir'));
      await restoring;
      expect(await readdir(outside)).toEqual([]);
    },
  );

  it('two keys that the file system takes for one name: the first stays, the second is told', async () => {
    await harness.put(`${prefix}Readme`, 'upper');
    await harness.put(`${prefix}readme`, 'lower');
    const names = { platform: process.platform, fold: (path: string) => path.toLowerCase() };
    expect(await harness.restore({ names, overwrite: true })).toMatchObject({ filesRestored: 1, filesFailed: 1 });
    expect(failed()[0]?.[1]).toBe('target-unsafe');
  });

  it('more folders than are kept open at a time are all made, and let go of', async () => {
    const paths = Array.from({ length: 300 }, (_, i) => `d${i % 150}/e${i}/file`);
    await Promise.all(paths.map((path) => harness.put(prefix + path, path)));
    expect(await harness.restore()).toMatchObject({ filesRestored: 300, filesFailed: 0 });
    for (const path of paths) expect(String(await harness.read(path))).toBe(path);
  });

  it('a key that is a file and a folder at once loses neither in silence', async () => {
    await harness.put(`${prefix}a`, 'file');
    await harness.put(`${prefix}a/b`, 'below');
    expect(await harness.restore()).toMatchObject({ filesRestored: 1, filesFailed: 1 });
    expect(failed()[0]?.[1], 'which of the two came first is chance').toMatch(/^target-(unsafe|exists)$/);
  });

  it('a second restore into the same folder is refused while the first runs', async () => {
    await harness.put(`${prefix}a`, 'file');
    harness.proxy.setRules([{ match: { operation: / GetObject$/ }, fault: { kind: 'latency', ms: 500 } }]);
    const first = harness.restore();
    while ((await lstat(at('.sluice-restore-lock')).catch(() => null)) === null)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(harness.restore()).rejects.toMatchObject({ code: 'target-busy' });
    expect(await first).toMatchObject({ filesRestored: 1 });
  });
});

describe('a bad way', () => {
  it('a bit that flips is refused and fetched again, in a small object, a range and a part', async () => {
    const range = someBytes(40 * MiB);
    const parts = [someBytes(5 * MiB), someBytes(5 * MiB), someBytes(99)];
    await harness.put(`${prefix}small`, 'small but dear', { ChecksumAlgorithm: 'CRC32' });
    await harness.put(`${prefix}range`, range, { ChecksumAlgorithm: 'CRC32' });
    await harness.putParts(`${prefix}parts`, parts, 'CRC64NVME', 'FULL_OBJECT');
    harness.proxy.setRules([
      { match: { operation: /small.* GetObject$/, nth: 1 }, fault: { kind: 'corruptAnswer' } },
      { match: { operation: /range.* GetObject$/, nth: 1 }, fault: { kind: 'corruptAnswer' } },
      { match: { operation: /parts.* GetObject$/, nth: 2 }, fault: { kind: 'corruptAnswer' } },
    ]);
    const figures = await harness.restore();
    expect(harness.proxy.hits).toEqual([1, 1, 1]);
    expect(figures).toMatchObject({ filesRestored: 3, filesFailed: 0, retries: 3 });
    expect((await harness.read('range')).equals(range)).toBe(true);
    expect((await harness.read('parts')).equals(Buffer.concat(parts))).toBe(true);
    expect(String(await harness.read('small'))).toBe('small but dear');
  });

  it('bits that flip every time leave no file, only the reason', async () => {
    await harness.put(`${prefix}small`, 'small but dear', { ChecksumAlgorithm: 'CRC32' });
    harness.proxy.setRules([{ match: { operation: / GetObject$/ }, fault: { kind: 'corruptAnswer' } }]);
    expect(await harness.restore()).toMatchObject({ filesRestored: 0, filesFailed: 1 });
    expect(failed()).toEqual([['small', 'checksum-mismatch']]);
    await expect(lstat(at('small'))).rejects.toThrow('ENOENT');
  });

  it('resets, cut answers, errors and throttling cost retries, never a byte', async () => {
    const big = someBytes(70 * MiB);
    await harness.put(`${prefix}big`, big, { ChecksumAlgorithm: 'CRC64NVME' });
    for (let i = 0; i < 40; i++) await harness.put(`${prefix}dir${i % 3}/file${i}`, someBytes(i * 1000));
    const match = { operation: / GetObject$/, probability: 0.15 };
    harness.proxy.setRules([
      { match, fault: { kind: 'resetAnswerAfterBytes', bytes: 500 } },
      { match, fault: { kind: 'truncateResponse' } },
      { match, fault: { kind: 'status', code: 500 } },
      { match, fault: { kind: 'status', code: 503 } },
    ]);
    expect(await harness.restore()).toMatchObject({ filesRestored: 41, filesFailed: 0 });
    for (let i = 0; i < 40; i++) {
      const path = `dir${i % 3}/file${i}`;
      expect((await harness.read(path)).equals(await harness.server.readObject('restore-test', prefix + path))).toBe(
        true,
      );
    }
    expect((await harness.read('big')).equals(big)).toBe(true);
    expect((await harness.tree()).filter((name) => name.includes('.sluice'))).toEqual([]);

    harness.proxy.setRules([
      { match: { operation: / HeadObject$/, probability: 0.3 }, fault: { kind: 'resetBeforeRequest' } },
    ]);
    expect(await harness.restore()).toMatchObject({ filesSkipped: 41, filesFailed: 0 });
  });

  it('an object written anew while it is fetched comes whole, as it is then', async () => {
    const [before, after] = [someBytes(70 * MiB), someBytes(20 * MiB)];
    await harness.put(`${prefix}big`, before);
    harness.proxy.setRules([{ match: { operation: / GetObject$/, nth: 3 }, fault: { kind: 'latency', ms: 3_000 } }]);
    const restoring = harness.restore({ connections: 1 });
    while (harness.proxy.hits[0] === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await harness.put(`${prefix}big`, after);
    expect(await restoring).toMatchObject({ filesRestored: 1, filesFailed: 0 });
    expect((await harness.read('big')).equals(after)).toBe(true);
  });

  it('an interrupted large object goes on from the ranges that are there and still right', async () => {
    const big = someBytes(120 * MiB);
    await harness.put(`${prefix}big`, big, { ChecksumAlgorithm: 'CRC64NVME' });
    const stop = new AbortController();
    harness.proxy.setRules([{ match: { operation: / GetObject$/, nth: 4 }, fault: { kind: 'latency', ms: 2_000 } }]);
    const first = harness.restore({ connections: 1, signal: stop.signal });
    while (harness.proxy.hits[0] === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error('killed'));
    await expect(first).rejects.toThrow('killed');
    const partial = (await harness.tree()).find((name) => name.endsWith('.part')) ?? '';
    const bytes = await harness.read(partial);
    bytes[10] = bytes[10]! ^ 1;
    await writeFile(at(partial), bytes);

    harness.proxy.setRules([]);
    const figures = await harness.restore();
    expect(figures).toMatchObject({ filesRestored: 1, bytesResumed: 64 * MiB });
    expect(figures.bytesReceived).toBe(56 * MiB);
    expect((await harness.read('big')).equals(big)).toBe(true);
    expect(await harness.tree()).toEqual(['big']);
  });
});

/** A store that keeps no checksum and whose ETags are no MD5. */
function unprovable({ server }: RestoreHarness) {
  const { accessKeyId, secretAccessKey, region, endpoint } = server;
  const { data } = openStore(endpoint, {
    bucket: 'restore-test',
    credentials: async () => ({ accessKeyId, secretAccessKey }),
    connection: { region, pathStyle: true },
  });
  return {
    ...data,
    getObject: (input: Parameters<typeof data.getObject>[0]) =>
      data.getObject({
        ...input,
        begin: (answer) => input.begin({ ...answer, checksum: null, checksumType: null, etag: 'opaque' }),
      }),
  };
}
