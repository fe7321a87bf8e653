import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ErrorCode, SluiceError } from '../../shared/errors.ts';
import type { FileEvent, ProgressEvent } from '../../shared/events.ts';
import { asFolderId } from '../../shared/ids.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import type { FakeEngine, FakeEngineScript } from './support/fakeEngine.ts';
import { folderView } from './support/fakeEngine.ts';
import { jsonLines, runInProcess } from './support/runInProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-sync-'));
const env = { AWS_ACCESS_KEY_ID: 'sluicetest', AWS_SECRET_ACCESS_KEY: 'sluicetestsecret' };
let s3: S3TestServer;
beforeAll(async () => {
  // --watch asks the bucket itself, before it settles down.
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  s3 = await startS3Server({ buckets: ['bucket'] });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await s3.close();
  rmSync(s3.dir, { recursive: true });
  rmSync(folder, { recursive: true });
});

const sync = (script: FakeEngineScript, ...flags: string[]) =>
  runInProcess(['sync', folder, 's3://bucket/p', ...flags], { script });

const file = (change: Partial<FileEvent> = {}): FileEvent => ({
  type: 'file',
  folderId: asFolderId(1),
  path: 'a.txt',
  key: 'p/a.txt',
  action: 'put',
  bytes: 12,
  parts: 1,
  durationMs: 3,
  retries: 0,
  etag: 'e',
  checksum: 'crc32:AAAAAA==',
  accelerated: false,
  ...change,
});
const progress: ProgressEvent = {
  type: 'progress',
  filesDone: 1,
  filesTotal: 2,
  bytesDone: 10,
  bytesTotal: 20,
  bytesPerSecond: 5,
  etaMs: 2000,
  connections: 3,
  totalsAtLeast: false,
};

describe('the exit code is the one of cli.md', () => {
  it.each<[ErrorCode, number]>([
    ['ledger-locked', 2],
    ['ledger-newer', 2],
    ['ledger-full', 2],
    ['store-unreachable', 3],
    ['wrong-keys', 3],
    ['no-such-bucket', 3],
    ['store-tls', 3],
    ['clock-skew', 3],
    ['mass-delete', 4],
    ['root-changed', 4],
    ['interrupted', 130],
    ['internal', 1],
  ])('%s → %i, one sentence with the remedy, and no stack', async (code, exit) => {
    const run = await sync({ failure: new SluiceError(code, 'It went wrong', { remedy: 'Do this' }) });
    expect(run.code).toBe(exit);
    expect(run.engine?.calls.at(-1)).toBe('stop');
    if (exit === 130) return;
    expect(run.stderr).toBe('sluice: It went wrong. Do this.\n');
    expect(run.stderr).not.toContain(' at ');
  });

  it('is 1 when files failed, each named on stderr with reason and remedy', async () => {
    const error = new SluiceError('source-unreadable', "Can't read it", { remedy: 'Allow it' }).view();
    const run = await sync({
      events: [file({ path: 'locked.txt', error })],
      summary: { exitCode: 1, filesFailed: 1, filesScanned: 3 },
      folders: [folderView({ filesProven: 2, filesFailed: 1 })],
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toBe("locked.txt: Can't read it. Allow it.\n");
    expect(run.stdout).toContain('1 file needs you; 2 of 3 files are safely in S3');
  });

  it('is 1 for a bug in us, which is one sentence too unless SLUICE_DEBUG is set', async () => {
    const script = { failure: new TypeError('x is not a function') };
    const quiet = await sync(script);
    expect(quiet.code).toBe(1);
    expect(quiet.stderr.trim().split('\n')).toHaveLength(1);
    const loud = await runInProcess(['sync', folder, 's3://bucket'], { script, env: { SLUICE_DEBUG: '1' } });
    expect(loud.stderr).toContain('syncCommand.test.ts');
  });
});

describe('"all safe" is said only of what is proven', () => {
  it('says it when every file is', async () => {
    const run = await sync({ folders: [folderView()], summary: { filesScanned: 3, filesUnchanged: 3 } });
    expect(run.stdout).toContain('All 3 files are safely in S3\n');
    expect(run.code).toBe(0);
  });

  it('does not when one is not', async () => {
    const run = await sync({ folders: [folderView({ filesProven: 2 })], summary: { filesScanned: 3 } });
    expect(run.stdout).toContain('2 of 3 files are safely in S3; the rest is not confirmed yet');
    expect(run.stdout).not.toContain('All 3');
  });
});

describe('--json', () => {
  it('is NDJSON with type and time on every line, and the summary last', async () => {
    const scan = {
      type: 'scan',
      folderId: asFolderId(1),
      phase: 'finished',
      filesScanned: 2,
      bytesScanned: 20,
      filesToUpload: 1,
      bytesToUpload: 10,
      excluded: 0,
    } as const;
    const run = await sync(
      { events: [scan, file(), progress], summary: { filesScanned: 2, requests: { PutObject: 1 } } },
      '--json',
    );
    const lines = jsonLines(run.stdout);
    expect(lines.map(({ type }) => type)).toEqual(['scan', 'file', 'progress', 'summary']);
    for (const line of lines) expect(new Date(line.time as string).toISOString()).toBe(line.time);
    expect(Object.keys(lines[1] ?? {})).toEqual(
      expect.arrayContaining([
        'path',
        'key',
        'action',
        'bytes',
        'parts',
        'durationMs',
        'retries',
        'etag',
        'checksum',
        'accelerated',
      ]),
    );
    expect(Object.keys(lines[3] ?? {})).toEqual(
      expect.arrayContaining([
        'filesScanned',
        'filesUploaded',
        'filesUnchanged',
        'filesCopied',
        'filesDeleted',
        'filesFailed',
        'bytesUploaded',
        'bytesSent',
        'requests',
        'retries',
        'resumedParts',
        'partLatencyMs',
        'throughputBytesPerSecond',
        'peakThroughputBytesPerSecond',
        'durationMs',
        'maxRssBytes',
        'exitCode',
      ]),
    );
    expect(run.stderr).toBe('');
  });

  it('tells progress at most four times a second, and not at all with --no-progress', async () => {
    const many = Array.from({ length: 100 }, () => progress);
    const count = (text: string) => jsonLines(text).filter(({ type }) => type === 'progress').length;
    expect(count((await sync({ events: many }, '--json')).stdout)).toBeLessThanOrEqual(2);
    expect(count((await sync({ events: many }, '--json', '--no-progress')).stdout)).toBe(0);
  });

  it('ends with a summary when the store refuses, too', async () => {
    const run = await sync({ failure: new SluiceError('wrong-keys', 'Wrong keys') }, '--json');
    expect(jsonLines(run.stdout).at(-1)).toMatchObject({ type: 'summary', exitCode: 3 });
    expect(jsonLines(run.stdout).at(-2)).toMatchObject({ type: 'error', code: 'wrong-keys' });
    expect(run.stderr).toMatch(/^sluice: Wrong keys\./);
  });

  it('keeps the name of a file exactly, whatever is in it', async () => {
    const path = 'a\u001b[2J\n\u202e"\\.txt';
    const run = await sync({ events: [file({ path })] }, '--json');
    expect(jsonLines(run.stdout)[0]?.path).toBe(path);
  });
});

describe('for people', () => {
  it('a hostile file name reaches the terminal escaped', async () => {
    const error = new SluiceError('source-unreadable', 'No\u001b]0;owned\u0007').view();
    const run = await sync({ events: [file({ path: 'x\u001b[31m\r\u202ey', error })], summary: { exitCode: 1 } });
    const written = run.stdout + run.stderr;
    expect(written).toContain('x\\x1b[31m\\x0d\\u{202e}y: No\\x1b]0;owned\\x07');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through
    expect(written).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it('a dry run lists what would be done, why, and the totals; and asks the engine to change nothing', async () => {
    const planned = [
      { path: 'a.txt', key: 'p/a.txt', action: 'put', bytes: 1024, parts: 1, reason: 'new' },
      { path: 'b.bin', key: 'p/b.bin', action: 'multipart', bytes: 1024 ** 3, parts: 16, reason: 'changed' },
      { path: 'c.txt', key: 'p/c.txt', action: 'delete', bytes: 0, parts: 0, reason: 'gone' },
    ] as const;
    const run = await sync({ planned }, '--dry-run');
    expect(run.engine?.calls).toContain('runOnce dry');
    expect(run.stdout).toContain('would upload a.txt → p/a.txt (new, 1.00 KiB)');
    expect(run.stdout).toContain('would upload b.bin → p/b.bin (changed, 1.00 GiB, 16 parts)');
    expect(run.stdout).toContain('would delete p/c.txt (gone from the folder)');
    expect(run.stdout).toContain('Would upload 2 files, 1.00 GiB and delete 1 file; nothing was sent or changed');
    const json = await sync({ planned }, '--dry-run', '--json');
    expect(jsonLines(json.stdout)[1]).toMatchObject({
      type: 'planned',
      action: 'multipart',
      reason: 'changed',
      parts: 16,
    });
  });

  it('a dry run that a guard stops claims nothing of the bucket: its folder may hold what was never uploaded', async () => {
    const failure = new SluiceError('mass-delete', 'Too much', { remedy: 'Look' });
    const run = await sync({ failure, folders: [folderView()], summary: { filesScanned: 3 } }, '--dry-run');
    expect(run.code).toBe(4);
    expect(run.stdout).not.toContain('safely in S3');
    expect(run.stdout).not.toContain('Took');
    expect(run.stdout).toContain('Would upload 0 files, 0 B; nothing was sent or changed');
    expect(run.stderr).toBe('sluice: Too much. Look.\n');
  });

  it('--watch names each finished file', async () => {
    const run = await runInProcess(['sync', folder, 's3://bucket/p', '--watch', '--endpoint-url', s3.endpoint], {
      script: { events: [file(), file({ path: 'same.txt', action: 'skip' })] },
      onEngine: signalOnceStarted,
    });
    expect(run.stdout).toContain('uploaded a.txt → p/a.txt (12 B)');
    expect(run.stdout).not.toContain('same.txt');
  });
});

describe('an engine that has stopped for good', () => {
  it('ends --watch too, with its reason: a process that does nothing helps nobody', async () => {
    const error = new SluiceError('ledger-full', 'The disk is full').view();
    const run = await runInProcess(['sync', folder, 's3://bucket', '--watch', '--endpoint-url', s3.endpoint], {
      script: {
        events: [{ type: 'issue', folderId: null, error }],
        sentence: { state: 'error', text: 'Sluice has stopped: The disk is full' },
      },
    });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('sluice: The disk is full. Free space');
    expect(run.engine?.calls).toContain('stop');
  });
});

describe('a signal', () => {
  it.each([[['--json']], [['--watch', '--json']]])(
    'ends %j gracefully with 130: the engine checkpoints, the summary is written',
    async (flags) => {
      const run = await runInProcess(['sync', folder, 's3://bucket', '--endpoint-url', s3.endpoint, ...flags], {
        script: { endless: true, summary: { filesUploaded: 4 } },
        onEngine: signalOnceStarted,
      });
      expect(run.code).toBe(130);
      expect(run.exits).toEqual([]);
      expect(run.engine?.calls).toContain('stop');
      expect(jsonLines(run.stdout).at(-1)).toMatchObject({ type: 'summary', exitCode: 130, filesUploaded: 4 });
    },
  );

  it('delivered twice by terminal and shell at once still is one', async () => {
    const run = await runInProcess(['sync', folder, 's3://bucket'], {
      script: { endless: true },
      onEngine: (_engine, signal) =>
        setTimeout(() => {
          signal();
          signal();
        }, 30),
    });
    expect(run).toMatchObject({ code: 130, exits: [] });
  });

  it('given a second time ends at once', async () => {
    const run = await runInProcess(['sync', folder, 's3://bucket'], {
      script: { endless: true },
      onEngine: (engine, signal) => {
        const stop = engine.stop;
        engine.stop = async () => {
          await sleep(500);
          await stop();
        };
        setTimeout(signal, 20);
        setTimeout(signal, 400);
      },
    });
    expect(run.exits).toEqual([130]);
  });
});

function signalOnceStarted(engine: FakeEngine, signal: () => void): void {
  const { start, runOnce } = engine;
  engine.start = async () => {
    await start();
    setTimeout(signal, 10);
  };
  engine.runOnce = (...run) => {
    setTimeout(signal, 10);
    return runOnce(...run);
  };
}
