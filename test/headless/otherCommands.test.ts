import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asFolderId } from '../../shared/ids.ts';
import { folderView } from './support/fakeEngine.ts';
import { jsonLines, runInProcess } from './support/runInProcess.ts';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-commands-'));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const run = (args: readonly string[], script = {}) => runInProcess([...args, '--data-dir', dataDir], { script });

describe('plan', () => {
  it('gives the reference plan exactly', async () => {
    const { stdout, code } = await runInProcess([
      'plan',
      '--size',
      '10GiB',
      '--bandwidth',
      '1Gbps',
      '--memory',
      '2GiB',
      '--json',
    ]);
    expect(code).toBe(0);
    const [line] = jsonLines(stdout);
    expect(line).toMatchObject({
      type: 'plan',
      partSize: 128 * 1024 ** 2,
      partCount: 80,
      concurrency: 20,
      strategy: 'multipart',
    });
    expect(line?.reasons).toEqual(expect.arrayContaining([expect.any(String)]));
  });

  it('says the same to people', async () => {
    const { stdout } = await runInProcess(['plan', '--size', '10GiB', '--bandwidth', '1Gbps', '--memory', '2GiB']);
    expect(stdout.split('\n')[0]).toBe('10.0 GiB: 80 parts of 128 MiB, 20 in flight');
  });

  it.each([['0'], ['1KiB']])('a file of %s is one PutObject', async (size) => {
    const { stdout } = await runInProcess(['plan', '--size', size, '--json']);
    expect(jsonLines(stdout)[0]).toMatchObject({ strategy: 'put', partCount: 1 });
  });

  it.each([
    [[]],
    [['--size', 'big']],
    [['--size', '100TiB']],
    [['--size', '1GiB', '--bandwidth', '0bps']],
    [['--size', '-1']],
  ])('plan %j is a usage error', async (flags) => {
    const result = await runInProcess(['plan', ...flags]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/^sluice: [^\n]+\n$/);
  });
});

describe('verify', () => {
  it('exits 0 with a sentence when all agree', async () => {
    const result = await run(['verify', '1', '--deep'], { folders: [folderView()] });
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/^Disk, ledger and s3:\/\/bucket\/ agree \(3 files/);
    expect(result.engine?.calls).toEqual(['verifyFolder deep', 'stop']);
  });

  it('exits 1 and names each problem', async () => {
    const verify = {
      ok: false,
      deep: false,
      filesChecked: 3,
      bytesChecked: 30,
      bytesReread: 0,
      problems: [
        {
          path: 'a\u001b.txt',
          key: 'a.txt',
          problem: 'size-differs' as const,
          detail: 'The object has 5 B, the file 6 B',
        },
      ],
      durationMs: 5,
    };
    const result = await run(['verify', '/data/photos'], { folders: [folderView()], verify });
    expect(result.code).toBe(1);
    expect(result.stdout).toContain('a\\x1b.txt: The object has 5 B, the file 6 B\n');
    const json = await run(['verify', 's3://bucket', '--json'], { folders: [folderView()], verify });
    expect(jsonLines(json.stdout)).toEqual([
      expect.objectContaining({ type: 'problem', problem: 'size-differs' }),
      expect.objectContaining({ type: 'verify', ok: false, problems: 1, exitCode: 1 }),
    ]);
  });

  it('says so when the name fits no folder, or several', async () => {
    expect(await run(['verify', '/elsewhere'], { folders: [folderView()] })).toMatchObject({ code: 2 });
    const twice = [folderView(), folderView({ id: asFolderId(2), uri: 's3://other/' })];
    const result = await run(['verify', '/data/photos'], { folders: twice });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('1 (s3://bucket/), 2 (s3://other/)');
  });
});

describe('folder', () => {
  it('adds, lists and pauses through an engine of its own when no daemon runs', async () => {
    const added = await run(['folder', 'add', dataDir, 's3://bucket/p'], {
      folders: [folderView({ id: asFolderId(7) })],
    });
    expect(added).toMatchObject({ code: 0, stdout: 'Added 7: /data/photos → s3://bucket/\n' });
    expect(added.engine?.calls).toEqual(['addFolder', 'stop']);
    const list = await run(['folder', 'list', '--json'], { folders: [folderView()] });
    expect(jsonLines(list.stdout)[0]).toMatchObject({ type: 'folder', id: 1, uri: 's3://bucket/' });
    const paused = await run(['folder', 'pause', '/data/photos'], { folders: [folderView()] });
    expect(paused.engine?.calls).toEqual(['pauseFolder 1', 'stop']);
  });

  it('refuses a folder that is not there before any engine is made', async () => {
    const result = await run(['folder', 'add', join(dataDir, 'nowhere'), 's3://bucket']);
    expect(result.code).toBe(2);
    expect(result.engine).toBeUndefined();
  });
});

describe('status', () => {
  it('says that no Sluice is running where none ever was', async () => {
    const result = await run(['status']);
    expect(result).toMatchObject({ code: 0, engine: undefined });
    expect(result.stdout).toContain('No Sluice is running here');
    expect(jsonLines((await run(['status', '--json'])).stdout)[0]).toMatchObject({
      type: 'status',
      running: false,
      folders: [],
    });
  });
});

describe('uploads abort --foreign', () => {
  it('needs --yes where nobody can be asked', async () => {
    const result = await run(['uploads', 'abort', 's3://bucket', '--foreign']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('--yes');
  });
});

describe('doctor', () => {
  it('checks machine and data directory without a store', async () => {
    const result = await run(['doctor', '--json']);
    expect(result.code).toBe(0);
    expect(jsonLines(result.stdout).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Sluice', 'Data directory', 'Ledger', 'Proxy']),
    );
  });
});
