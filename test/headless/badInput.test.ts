import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { keysOf, type ProcessOptions, runProcess } from './support/runProcess.ts';

let root: string;
let folder: string;
let s3: S3TestServer;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-bad-'));
  chmodSync(root, 0o755);
  folder = join(root, 'folder');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.txt'), 'a');
  s3 = await startS3Server({ dir: join(root, 's3'), buckets: ['bucket'] });
});
afterAll(async () => {
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

let runs = 0;
const freshDataDir = () => join(root, `data-${++runs}`);

async function refused(args: readonly string[], options: ProcessOptions = {}, dataDir = freshDataDir()) {
  const run = await runProcess(['sync', ...args, '--data-dir', dataDir], { env: keysOf(s3), ...options });
  expect(run.stderr).toMatch(/^sluice: [^\n]+\.\n$/);
  expect(run.stderr).not.toMatch(/\bat \w+.*:\d+:\d+|sluicetestsecret/);
  return run;
}

describe('bad input gets one clear sentence, before anything is touched (exit 2)', () => {
  it('a missing folder', async () => {
    const dataDir = freshDataDir();
    const run = await refused([join(root, 'nowhere'), 's3://bucket', '--endpoint-url', s3.endpoint], {}, dataDir);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(`There is no folder '${join(root, 'nowhere')}'`);
    expect(readdirSync(root)).not.toContain(dataDir.split('/').at(-1));
  });

  it.each([
    ['that cannot be listed', 0o311],
    ['that cannot be entered', 0o644],
  ])('a folder %s', async (_what, mode) => {
    const closed = mkdtempSync(join(root, 'closed-'));
    writeFileSync(join(closed, 'a.txt'), 'a');
    chmodSync(closed, mode);
    const asNobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const run = await refused([closed, 's3://bucket', '--endpoint-url', s3.endpoint], asNobody);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("can't be read: permission denied");
    chmodSync(closed, 0o755);
  });

  it('a file in place of a folder, and a malformed address', async () => {
    expect(await refused([join(folder, 'a.txt'), 's3://bucket'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not a folder'),
    });
    expect(await refused([folder, 's3:/bucket'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not an S3 address'),
    });
  });

  it('a ledger written by a newer Sluice', async () => {
    const dataDir = freshDataDir();
    const first = await runProcess(
      ['sync', folder, 's3://bucket', '--endpoint-url', s3.endpoint, '--data-dir', dataDir],
      { env: keysOf(s3) },
    );
    expect(first.code).toBe(0);
    const db = new Database(join(dataDir, 'ledger.sqlite'));
    db.pragma('user_version = 4711');
    db.close();
    const run = await refused([folder, 's3://bucket', '--endpoint-url', s3.endpoint], {}, dataDir);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('newer Sluice');
  });

  it('a data directory that is a file', async () => {
    const run = await refused([folder, 's3://bucket', '--endpoint-url', s3.endpoint], {}, join(folder, 'a.txt'));
    expect(run.code).toBe(2);
  });

  it('a full disk under the ledger', async (test) => {
    const disk = join(root, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return test.skip('needs the right to mount a small file system');
    }
    try {
      const many = join(root, 'many');
      mkdirSync(many);
      for (let index = 0; index < 4_000; index++) writeFileSync(join(many, `${index}-${'x'.repeat(60)}`), '');
      const run = await refused([many, 's3://bucket/many', '--endpoint-url', s3.endpoint], {}, join(disk, 'data'));
      expect(run.code).toBe(2);
      expect(run.stderr).toContain('Free space on the disk');
    } finally {
      execFileSync('umount', ['-l', disk], { stdio: 'ignore' });
    }
  });
});

describe('a store that refuses or cannot be reached is exit 3 with one clear sentence', () => {
  it('no such bucket', async () => {
    const run = await refused([folder, 's3://no-such-bucket', '--endpoint-url', s3.endpoint]);
    expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('There is no bucket no-such-bucket') });
  });

  it.each([[[]], [['--watch']]])('wrong keys %j', async (flags) => {
    const args = [folder, 's3://bucket', '--endpoint-url', s3.endpoint, ...flags];
    const wrongSecret = await refused(args, { env: { ...keysOf(s3), AWS_SECRET_ACCESS_KEY: 'wrong' } });
    expect(wrongSecret).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('Check the access key and the secret key'),
    });
  });

  it('no keys at all', async () => {
    const run = await refused([folder, 's3://bucket', '--endpoint-url', s3.endpoint], { env: {} });
    expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('No AWS credentials') });
  });

  it('no network', async () => {
    const run = await refused([folder, 's3://bucket', '--endpoint-url', `http://127.0.0.1:${await closedPort()}`]);
    expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('refuses the connection') });
  });

  it('a certificate that nobody vouches for, and a TLS client at a plain port', async () => {
    const fixture = (name: string) => new URL(`../engine/store/fixtures/${name}`, import.meta.url);
    const [key, cert] = ['localhost.key', 'localhost.pem'].map((name) => readFileSync(fixture(name), 'utf8'));
    const tls = await startS3Server({
      dir: join(root, 'tls'),
      buckets: ['bucket'],
      tls: { key: key ?? '', cert: cert ?? '' },
    });
    try {
      const run = await refused([folder, 's3://bucket', '--endpoint-url', tls.endpoint]);
      expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('--ca-bundle') });
      const trusted = await runProcess(
        [
          'sync',
          folder,
          's3://bucket',
          '--endpoint-url',
          tls.endpoint,
          '--ca-bundle',
          fileURLToPath(fixture('ca.pem')),
          '--data-dir',
          freshDataDir(),
        ],
        { env: keysOf(tls) },
      );
      expect(trusted).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await tls.close();
    }
    const plain = await refused([folder, 's3://bucket', '--endpoint-url', s3.endpoint.replace('http:', 'https:')]);
    expect(plain.code).toBe(3);
  });

  it('a clock that is off and cannot be corrected', async () => {
    // The server's clock jumps an hour with every look at it: whatever a client corrects is wrong by the next request.
    let hours = 0;
    const late = await startS3Server({
      dir: join(root, 'late'),
      buckets: ['bucket'],
      now: () => new Date(Date.now() + ++hours * 3_600_000),
    });
    try {
      const run = await refused([folder, 's3://bucket', '--endpoint-url', late.endpoint]);
      expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining("Set this machine's clock") });
    } finally {
      await late.close();
    }
  });
});

function closedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
