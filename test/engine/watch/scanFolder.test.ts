import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanFolder } from '../../../main/engine/watch/scanFolder.ts';
import { sourceIdentity } from '../../../shared/source.ts';
import { scanned } from './scanned.ts';
import { tempFolder } from './tempFolder.ts';

const rules = { include: [], exclude: [] };
const never = new AbortController().signal;

describe('a scan', () => {
  it('observes every file exactly as the disk shows it, empty ones too', async () => {
    const root = tempFolder();
    mkdirSync(join(root, 'a/b'), { recursive: true });
    mkdirSync(join(root, 'empty'));
    writeFileSync(join(root, 'zero'), '');
    writeFileSync(join(root, 'a/b/data'), 'twelve bytes');
    const { files, directories, problems } = await scanned(root);
    expect([...files.keys()].sort()).toEqual(['a/b/data', 'zero']);
    const stats = lstatSync(join(root, 'a/b/data'), { bigint: true });
    expect(files.get('a/b/data')).toEqual({
      name: 'data',
      sizeBytes: 12,
      mtimeMs: Number(stats.mtimeMs),
      identity: sourceIdentity(stats),
    });
    expect(files.get('zero')?.sizeBytes).toBe(0);
    expect(directories).toEqual(['', 'a', 'a/b', 'empty']);
    expect(problems).toEqual([]);
  });

  it('says the same of the same tree, in path order, every time', async () => {
    const root = tempFolder();
    for (const name of ['c', 'a', 'B', 'ä', 'a b', 'a.b']) {
      mkdirSync(join(root, name, 'x'), { recursive: true });
      for (const file of ['2', '1', '10']) writeFileSync(join(root, name, 'x', file), '');
    }
    const first = await scanned(root);
    const second = await scanned(root);
    expect(first.directories).toEqual([
      '',
      'B',
      'B/x',
      'a',
      'a/x',
      'a b',
      'a b/x',
      'a.b',
      'a.b/x',
      'c',
      'c/x',
      'ä',
      'ä/x',
    ]);
    expect([...second.files]).toEqual([...first.files]);
    expect([...first.files.keys()].slice(0, 3)).toEqual(['B/x/1', 'B/x/10', 'B/x/2']);
  });

  it('never follows links, not even in circles, and counts links and special files', async () => {
    const root = tempFolder();
    const outside = tempFolder();
    writeFileSync(join(outside, 'secret'), '');
    mkdirSync(join(root, 'loop'));
    symlinkSync('..', join(root, 'loop', 'up'));
    symlinkSync(outside, join(root, 'out'));
    symlinkSync('nowhere', join(root, 'dangling'));
    expect(spawnSync('mkfifo', [join(root, 'pipe')]).status).toBe(0);
    writeFileSync(join(root, 'real'), '');
    const { files, skippedLinks, skippedSpecial } = await scanned(root);
    expect([...files.keys()]).toEqual(['real']);
    expect([skippedLinks, skippedSpecial]).toEqual([3, 1]);
  });

  it('takes a root that is itself a link', async () => {
    const root = tempFolder();
    mkdirSync(join(root, 'target'));
    writeFileSync(join(root, 'target', 'file'), '');
    symlinkSync('target', join(root, 'link'));
    expect([...(await scanned(join(root, 'link'))).files.keys()]).toEqual(['file']);
    expect([...(await scanned(`${join(root, 'target')}/`)).files.keys()]).toEqual(['file']);
  });

  it('goes down as far as a key can reach, says what is below it, and never overflows', async () => {
    const root = tempFolder();
    // 420 levels of 10 bytes: beyond the 1,024 bytes of a key, and beyond PATH_MAX
    const made = spawnSync(
      'sh',
      [
        '-c',
        'i=0; while [ $i -lt 420 ]; do mkdir abcdefghi && cd -P abcdefghi || exit 1; [ $i -eq 90 ] && : > deep; i=$((i+1)); done; : > unreachable',
      ],
      { cwd: root },
    );
    expect(made.status, String(made.stderr)).toBe(0);
    const { files, problems } = await scanned(root);
    expect([...files.keys()]).toEqual([`${'abcdefghi/'.repeat(91)}deep`]);
    expect(problems.map(({ code }) => code)).toEqual(['key-too-long']);
    rmSync(root, { recursive: true, force: true });
  });

  it('reports a path whose key would not fit, the prefix counted in bytes', async () => {
    const root = tempFolder();
    const directory = 'd'.repeat(255);
    mkdirSync(join(root, directory, directory, directory), { recursive: true });
    const fits = 'f'.repeat(1024 - 3 * 256 - 4);
    writeFileSync(join(root, directory, directory, directory, fits), '');
    writeFileSync(join(root, directory, directory, directory, `${fits}f`), '');
    const { files, problems } = await scanned(root, {}, 'ü/x');
    expect([...files.values()].map(({ name }) => name)).toEqual([fits]);
    expect(problems).toMatchObject([{ code: 'key-too-long', path: `${directory}/${directory}/${directory}/${fits}f` }]);
    expect((await scanned(root, {}, 'ü/xy')).files.size).toBe(0);
  });

  it('fails with what the consumer threw', async () => {
    const root = tempFolder();
    await expect(
      scanFolder({ root, rules, keyPrefix: '', signal: never }, () => {
        throw new Error('the ledger is full');
      }),
    ).rejects.toThrow('the ledger is full');
  });

  it('names what is wrong with the root', async () => {
    const root = tempFolder();
    writeFileSync(join(root, 'file'), '');
    const scan = (path: string) => scanFolder({ root: path, rules, keyPrefix: '', signal: never }, () => {});
    await expect(scan(join(root, 'missing'))).rejects.toMatchObject({ code: 'folder-missing' });
    await expect(scan(join(root, 'file'))).rejects.toMatchObject({ code: 'not-a-folder' });
    await expect(scan(join(root, 'file/below'))).rejects.toMatchObject({ code: 'folder-missing' });
  });
});

describe('a scan of some thousand files', () => {
  const home = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
  const root = join(home, 'root');
  const unmounted = join(home, 'unmounted');
  beforeAll(() => {
    const fill = (directory: string, files: number) => {
      mkdirSync(join(root, directory), { recursive: true });
      for (let i = 0; i < files; i++) writeFileSync(join(root, directory, `file-${i}`), '');
    };
    fill('large', 3_300);
    for (let i = 0; i < 20; i++) fill(`small-${i}`, 200);
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('hands a large directory on as one whole listing, and small ones in batches', async () => {
    const large: number[] = [];
    let batches = 0;
    await scanFolder({ root, rules, keyPrefix: '', signal: never }, (batch) => {
      batches++;
      for (const { directory, files } of batch.listings) if (directory === 'large') large.push(files.length);
    });
    expect(large).toEqual([3_300]);
    expect(batches).toBeGreaterThanOrEqual(7);
    expect((await scanned(root)).files.size).toBe(7_300);
  });

  it('stops at once when told to, even while the consumer is slow', async () => {
    const controller = new AbortController();
    let batches = 0;
    let settled = false;
    const scan = scanFolder({ root, rules, keyPrefix: '', signal: controller.signal }, async () => {
      expect(settled).toBe(false);
      if (++batches === 2) controller.abort();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }).finally(() => {
      settled = true;
    });
    await expect(scan).rejects.toMatchObject({ code: 'interrupted' });
    expect(batches).toBe(2);
    await expect(
      scanFolder({ root, rules, keyPrefix: '', signal: AbortSignal.abort() }, () => {}),
    ).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('waits for the consumer instead of filling the memory', async () => {
    // a file made after the scan began, in its last directory, is only seen if the scan was held back
    let batches = 0;
    const seen: string[] = [];
    await scanFolder({ root, rules, keyPrefix: '', signal: never }, async (batch) => {
      if (++batches === 1) {
        await new Promise((resolve) => setTimeout(resolve, 400));
        writeFileSync(join(root, 'small-9', 'late'), '');
      }
      for (const listing of batch.listings)
        for (const file of listing.files) if (file.name === 'late') seen.push(file.name);
    });
    expect(seen).toEqual(['late']);
    rmSync(join(root, 'small-9', 'late'));
  });

  it('takes a disk swapped during the scan for what it is, not for a thousand deletions', async () => {
    const empty: string[] = [];
    let batches = 0;
    const scan = scanFolder({ root, rules, keyPrefix: '', signal: never }, async (batch) => {
      for (const { directory, files } of batch.listings)
        if (directory !== '' && files.length === 0) empty.push(directory);
      if (++batches > 1) return;
      await new Promise((resolve) => setTimeout(resolve, 300));
      renameSync(root, unmounted);
      for (let i = 0; i < 20; i++) mkdirSync(join(root, `small-${i}`), { recursive: true });
    });
    await expect(scan).rejects.toMatchObject({ code: 'root-changed' });
    expect(empty).toEqual([]);
    rmSync(root, { recursive: true });
    renameSync(unmounted, root);
  });
});

describe('a scan as somebody without permissions', () => {
  const nobody = 65_534;
  const asNobody = (root: string) => {
    const program = `
      import { scanTree } from ${JSON.stringify(fileURLToPath(new URL('../../../main/engine/watch/scanTree.ts', import.meta.url)))};
      const out = { files: [], unreadable: [], problems: [], observed: [] };
      try {
        for (const piece of scanTree({ root: ${JSON.stringify(root)}, rules: { include: [], exclude: [] }, keyPrefix: '' })) {
          for (const l of piece.listings) out.files.push(...l.files.map((f) => l.directory + '/' + f.name));
          out.observed.push(...piece.observations.map((o) => o.path));
          out.unreadable.push(...piece.unreadable); out.problems.push(...piece.problems);
        }
      } catch (error) { out.error = error.code; }
      console.log(JSON.stringify(out));`;
    const run = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
      ...(process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}),
      encoding: 'utf8',
      cwd: '/',
    });
    expect(run.stdout, run.stderr).not.toBe('');
    return JSON.parse(run.stdout) as {
      files: string[];
      unreadable: string[];
      problems: { path: string; code: string }[];
      observed: string[];
      error?: string;
    };
  };

  it('reports a folder it may not read, and goes on with the others', () => {
    const root = tempFolder();
    chmodSync(root, 0o755);
    mkdirSync(join(root, 'closed'));
    mkdirSync(join(root, 'open'));
    writeFileSync(join(root, 'closed', 'file'), '');
    writeFileSync(join(root, 'open', 'file'), '');
    chmodSync(join(root, 'closed'), 0);
    const { files, unreadable, problems } = asNobody(root);
    chmodSync(join(root, 'closed'), 0o755);
    expect(files).toEqual(['open/file']);
    expect(unreadable).toEqual(['closed']);
    expect(problems).toMatchObject([{ path: 'closed', code: 'directory-unreadable' }]);
  });

  it('does not take files it may not look at for gone', () => {
    const root = tempFolder();
    chmodSync(root, 0o755);
    mkdirSync(join(root, 'names-only'));
    writeFileSync(join(root, 'names-only', 'file'), '');
    chmodSync(join(root, 'names-only'), 0o444);
    const { files, unreadable, problems } = asNobody(root);
    chmodSync(join(root, 'names-only'), 0o755);
    expect(files).toEqual([]);
    expect(unreadable).toEqual(['names-only']);
    expect(problems).toMatchObject([{ path: 'names-only/file', code: 'unreadable' }]);
  });

  it('takes nothing from a folder whose ignore file it may not read', () => {
    const root = tempFolder();
    chmodSync(root, 0o755);
    mkdirSync(join(root, 'private'));
    writeFileSync(join(root, 'private', '.sluiceignore'), 'secret');
    writeFileSync(join(root, 'private', 'secret'), '');
    chmodSync(join(root, 'private', '.sluiceignore'), 0);
    const { files, problems } = asNobody(root);
    expect(files).toEqual([]);
    expect(problems).toMatchObject([{ path: 'private', code: 'directory-unreadable' }]);
  });

  it('says that the root itself may not be read', () => {
    const root = tempFolder();
    chmodSync(root, 0);
    const { error } = asNobody(root);
    chmodSync(root, 0o755);
    expect(error).toBe('folder-unreadable');
  });
});
