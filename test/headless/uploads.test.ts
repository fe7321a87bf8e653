import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore } from '../../main/engine/store/createStore.ts';
import type { ObjectKey } from '../../shared/ids.ts';
import { asUploadToken } from '../../shared/ids.ts';
import { ObjectPolicy, StoreConnection } from '../../shared/settings.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { jsonLines, runInProcess } from './support/runInProcess.ts';
import { keysOf, startProcess } from './support/runProcess.ts';

let root: string;
let dataDir: string;
let s3: S3TestServer;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-uploads-'));
  dataDir = join(root, 'data');
  s3 = await startS3Server({ dir: join(root, 's3'), buckets: ['bucket'] });
  for (const [name, value] of Object.entries(keysOf(s3))) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

const uploads = (...args: string[]) =>
  runInProcess(['uploads', ...args, '--endpoint-url', s3.endpoint, '--data-dir', dataDir]);
const open = () => s3.openUploads('bucket').map(({ key }) => key);

/** What another program left behind. */
async function foreignUpload(key: string): Promise<void> {
  const store = createStore({
    target: { connection: StoreConnection.parse({ endpointUrl: s3.endpoint }), bucket: 'bucket', policy: undefined },
    credentials: async () => s3,
    maxSockets: 1,
    stallTimeoutMs: 5_000,
    onRequest: () => {},
  });
  await store.createMultipartUpload({
    key: key as ObjectKey,
    algorithm: 'crc32',
    policy: ObjectPolicy.parse({}),
    metadata: { token: asUploadToken('someone'), origin: 'elsewhere', mtimeMs: 0, sizeBytes: 1 },
  });
  store.close();
}

/** What we leave behind when killed in the middle of a file. */
async function killedUpload(): Promise<void> {
  const folder = join(root, 'folder');
  mkdirSync(folder);
  writeFileSync(join(folder, 'big.bin'), '');
  truncateSync(join(folder, 'big.bin'), 128 * 1024 * 1024);
  const limits = ['--max-bandwidth', '4MiB/s', '--endpoint-url', s3.endpoint, '--data-dir', dataDir];
  const sync = startProcess(['sync', folder, 's3://bucket/ours', ...limits], { env: keysOf(s3) });
  while (!open().includes('ours/big.bin')) await sleep(50);
  // The answer with the upload's id must have reached the ledger, or only the key would be known.
  await sleep(500);
  sync.child.kill('SIGKILL');
  await sync.ended;
}

describe('incomplete uploads', () => {
  it('are told apart, and others are aborted only when that is asked for and confirmed', async () => {
    await foreignUpload('theirs/film.mov');
    await killedUpload();

    const list = await uploads('list', 's3://bucket', '--json');
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(jsonLines(list.stdout).map(({ key, ours }) => [key, ours])).toEqual([
      ['ours/big.bin', true],
      ['theirs/film.mov', false],
    ]);
    expect((await uploads('list', 's3://bucket/theirs')).stdout).toMatch(
      /^foreign .*theirs\/film\.mov.*\n1 incomplete upload in s3:\/\/bucket\/theirs\/, 0 of them ours\n$/,
    );

    const ours = await uploads('abort', 's3://bucket');
    expect(ours.code).toBe(0);
    expect(ours.stdout).toContain('1 of others left alone');
    expect(open()).toEqual(['theirs/film.mov']);

    const asked: string[] = [];
    const refused = await runInProcess(
      ['uploads', 'abort', 's3://bucket', '--foreign', '--endpoint-url', s3.endpoint, '--data-dir', dataDir],
      {
        confirm: async (question) => {
          asked.push(question);
          return false;
        },
      },
    );
    expect(asked).toEqual(["Abort 1 incomplete upload in s3://bucket/ that this data directory doesn't know?"]);
    expect(refused.code).toBe(130);
    expect(open()).toEqual(['theirs/film.mov']);

    expect((await uploads('abort', 's3://bucket', '--foreign', '--yes')).code).toBe(0);
    expect(open()).toEqual([]);
  });

  it('of a bucket that is not there are exit 3', async () => {
    expect(await uploads('list', 's3://no-such-bucket')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('There is no bucket'),
    });
  });
});

describe('doctor with a store', () => {
  it('finds nothing wrong where all is well', async () => {
    const run = await runInProcess(
      ['doctor', 's3://bucket', '--endpoint-url', s3.endpoint, '--data-dir', dataDir, '--json'],
      {
        env: keysOf(s3),
      },
    );
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout).map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'Credentials from',
        'Reach the endpoint',
        'Clock',
        'Sign in',
        'Find the bucket',
        'List objects',
      ]),
    );
    expect(run.stdout).not.toContain(s3.secretAccessKey);
  });

  it('names a bucket that is not there, with exit 3', async () => {
    const run = await runInProcess([
      'doctor',
      's3://no-such-bucket',
      '--endpoint-url',
      s3.endpoint,
      '--data-dir',
      dataDir,
    ]);
    expect(run.code).toBe(3);
    expect(run.stdout).toMatch(/^WRONG {2}Find the bucket: /m);
    expect(run.stdout).toContain('1 thing is wrong');
  });
});
