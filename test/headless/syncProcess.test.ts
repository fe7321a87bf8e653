import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { jsonLines } from './support/runInProcess.ts';
import { keysOf, runProcess, startProcess } from './support/runProcess.ts';

let root: string;
let s3: S3TestServer;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-process-'));
  s3 = await startS3Server({ dir: join(root, 's3'), buckets: ['bucket'] });
});
afterAll(async () => {
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

let places = 0;
function place(files: Record<string, string>): { folder: string; dataDir: string } {
  const at = join(root, String(++places));
  const folder = join(at, 'folder');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { folder, dataDir: join(at, 'data') };
}
const at = (dataDir: string) => ['--endpoint-url', s3.endpoint, '--data-dir', dataDir];

describe('sluice sync, for real', () => {
  it('uploads a tree byte for byte, proves it, and the next run asks nothing about any file', async () => {
    const files = { 'a.txt': 'alpha', 'sub/ünï.txt': 'beta', 'sub/deep/empty.txt': '' };
    const { folder, dataDir } = place(files);
    const env = keysOf(s3);
    const first = await runProcess(['sync', folder, 's3://bucket/tree', ...at(dataDir), '--json'], { env });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const lines = jsonLines(first.stdout);
    const uploaded = lines.filter(({ type }) => type === 'file');
    expect(uploaded.map(({ key }) => key).sort()).toEqual([
      'tree/a.txt',
      'tree/sub/deep/empty.txt',
      'tree/sub/ünï.txt',
    ]);
    for (const line of uploaded)
      expect(line).toMatchObject({
        action: 'put',
        parts: 1,
        retries: 0,
        accelerated: false,
        etag: expect.any(String),
        checksum: expect.any(String),
      });
    expect(lines.at(-1)).toMatchObject({
      type: 'summary',
      filesScanned: 3,
      filesUploaded: 3,
      filesFailed: 0,
      bytesUploaded: 9,
      exitCode: 0,
      requests: { PutObject: 3 },
    });
    for (const [path, text] of Object.entries(files))
      expect(String(await s3.readObject('bucket', `tree/${path}`))).toBe(text);

    s3.clearLog();
    const second = await runProcess(['sync', folder, 's3://bucket/tree', ...at(dataDir), '--json'], { env });
    const summary = jsonLines(second.stdout).at(-1);
    expect(summary).toMatchObject({ filesScanned: 3, filesUploaded: 0, filesUnchanged: 3, exitCode: 0 });
    expect(Object.keys(s3.counts())).toEqual(['HeadBucket']);
    expect(summary?.requests).toEqual(s3.counts());

    const verified = await runProcess(['verify', folder, '--deep', '--data-dir', dataDir], { env });
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain('agree (3 files');
    const status = await runProcess(['status', '--json', '--data-dir', dataDir]);
    expect(jsonLines(status.stdout)[0]).toMatchObject({
      running: false,
      folders: [{ filesTotal: 3, filesProven: 3 }],
      issues: [],
    });
  });

  it('--dry-run names the files and sends nothing; the run after it uploads them', async () => {
    const { folder, dataDir } = place({ 'one.txt': '1', 'two.txt': '22' });
    const env = keysOf(s3);
    const dry = await runProcess(['sync', folder, 's3://bucket/dry', ...at(dataDir), '--dry-run'], { env });
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain('would upload one.txt → dry/one.txt (new, 1 B)');
    expect(dry.stdout).toContain('Would upload 2 files, 3 B; nothing was sent or changed');
    expect(s3.listKeys('bucket').filter((key) => key.startsWith('dry/'))).toEqual([]);
    const real = await runProcess(['sync', folder, 's3://bucket/dry', ...at(dataDir)], { env });
    expect(real.stdout).toContain('All 2 files are safely in S3');
    expect(s3.listKeys('bucket').filter((key) => key.startsWith('dry/'))).toHaveLength(2);
  });

  it('--watch follows a change, tells it, and ends with 130 on SIGTERM', async () => {
    const { folder, dataDir } = place({ 'one.txt': '1' });
    const watching = startProcess(['sync', folder, 's3://bucket/watch', ...at(dataDir), '--watch'], {
      env: keysOf(s3),
    });
    try {
      await watching.until(/uploaded one\.txt/);
      // Written again now and then: nothing tells from outside when the watcher has begun.
      const writing = setInterval(() => writeFileSync(join(folder, 'two.txt'), 'two'), 4_000);
      await watching.until(/uploaded two\.txt → watch\/two\.txt/).finally(() => clearInterval(writing));
      expect(String(await s3.readObject('bucket', 'watch/two.txt'))).toBe('two');
      const locked = await runProcess(['sync', folder, 's3://bucket/watch', ...at(dataDir)], { env: keysOf(s3) });
      expect(locked.code).toBe(2);
      expect(locked.stderr).toContain(`in use by sluice sync (process ${watching.child.pid})`);
      watching.child.kill('SIGTERM');
      expect((await watching.ended).code).toBe(130);
    } finally {
      watching.child.kill('SIGKILL');
    }
  });

  it('a reader that goes away does not stop the sync', async () => {
    const files = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}.txt`, `content ${index}`]));
    const { folder, dataDir } = place(files);
    const running = startProcess(['sync', folder, 's3://bucket/pipe', ...at(dataDir), '--json'], { env: keysOf(s3) });
    running.child.stdout?.destroy();
    expect((await running.ended).code).toBe(0);
    expect(s3.listKeys('bucket').filter((key) => key.startsWith('pipe/'))).toHaveLength(200);
  });

  it.skipIf(process.getuid?.() === 0 && process.platform !== 'linux')(
    'an unreadable file is named with its remedy, the others are uploaded, exit 1',
    async () => {
      const { folder, dataDir } = place({ 'good.txt': 'good', 'locked.txt': 'locked' });
      chmodSync(join(folder, 'locked.txt'), 0);
      const asNobody = nobody(folder, dataDir);
      const run = await runProcess(['sync', folder, 's3://bucket/odd', ...at(dataDir)], {
        env: keysOf(s3),
        ...asNobody,
      });
      expect(run.code).toBe(1);
      expect(run.stderr).toMatch(/^locked\.txt: .+Give your user read permission/m);
      expect(run.stderr.match(/locked\.txt/g)).toHaveLength(1);
      expect(run.stdout).toContain('1 file needs you; 1 of');
      expect(s3.listKeys('bucket')).toContain('odd/good.txt');
    },
  );
});

/** Root reads everything: then the command runs as somebody who doesn't. */
function nobody(folder: string, dataDir: string): { uid?: number } {
  if (process.getuid?.() !== 0) return {};
  chmodSync(root, 0o755);
  for (const path of [join(folder, '..'), folder]) chmodSync(path, 0o755);
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, 0o777);
  return { uid: 65_534 };
}
