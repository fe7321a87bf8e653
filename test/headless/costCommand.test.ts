import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSyncEngine } from '../../main/engine/createSyncEngine.ts';
import { runCommandLine } from '../../main/headless/runCommandLine.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';

let server: S3TestServer;
let place: string;
beforeAll(async () => {
  server = await startS3Server({ buckets: ['money'] });
  place = await mkdtemp(join(tmpdir(), 'sluice-cost-'));
  await mkdir(join(place, 'files'));
  for (let i = 0; i < 7; i++) await writeFile(join(place, 'files', `f${i}`), Buffer.alloc(1000 + i));
  process.env.AWS_ACCESS_KEY_ID = server.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey;
});
afterAll(async () => {
  delete process.env.AWS_ACCESS_KEY_ID;
  delete process.env.AWS_SECRET_ACCESS_KEY;
  await server.close();
  await rm(place, { recursive: true });
});

async function sluice(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const out = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    ({
      write: (text: string) => {
        out[name] += text;
      },
    }) as never;
  const code = await runCommandLine(
    [
      ...args,
      '--data-dir',
      join(place, 'data'),
      '--endpoint-url',
      server.endpoint,
      '--path-style',
      '--region',
      'us-east-1',
    ],
    {
      ...{ stdout: into('stdout'), stderr: into('stderr'), env: {}, cwd: place, version: '1', now: Date.now },
      ...{ createEngine: createSyncEngine, onSignal: () => () => undefined, exit: () => undefined, confirm: null },
    },
  );
  return { code, ...out };
}
const lastJson = (text: string) => JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;

describe('sluice cost', () => {
  it('forecasts what then really happens: the requests of a sync are those that were foretold', async () => {
    const forecast = await sluice('cost', 's3://money/p', '--folder', 'files', '--json');
    expect(forecast.code, forecast.stderr).toBe(0);
    expect(lastJson(forecast.stdout)).toMatchObject({ type: 'forecast', files: 7, bytes: 7021, writes: 7, reads: 1 });
    const dry = await sluice('sync', 'files', 's3://money/p', '--dry-run');
    expect(dry.stdout).toContain('Uploading 7 files');
    expect(dry.stdout).toContain('127.0.0.1 has no prices here');
    server.clearLog();
    expect((await sluice('sync', 'files', 's3://money/p', '--no-progress')).code).toBe(0);
    expect(server.counts()).toMatchObject({ PutObject: 7, HeadBucket: 1 });
    const again = await sluice('cost', 's3://money/p', '--folder', 'files');
    expect(again.stdout).toContain('Nothing to upload');
  });

  it('meters the month, holds a budget, and says so', async () => {
    const meter = await sluice('cost', 's3://money', '--json');
    expect(lastJson(meter.stdout)).toMatchObject({ type: 'meter', bytes: 7021, budget: { kind: 'none' } });
    expect((await sluice('cost', 's3://money', '--budget', '0.000001')).code).toBe(0);
    await writeFile(join(place, 'files', 'new'), 'new');
    const stopped = await sluice('sync', 'files', 's3://money/p', '--no-progress');
    expect(stopped.code).toBe(4);
    expect(stopped.stderr).toContain("This month's budget of $0.000001 is used up");
    expect((await sluice('cost', 's3://money', '--budget', 'none')).stdout).toContain('No monthly budget any more');
    expect((await sluice('sync', 'files', 's3://money/p', '--no-progress')).code).toBe(0);
  });

  it('looks at storage by listing where there is no CloudWatch', async () => {
    const { code, stdout } = await sluice('cost', 's3://money', '--storage');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^8 objects, 6\.86 KiB, less than \$0\.000001 a month \(by listing\)/);
  });

  it('names a broken file of prices', async () => {
    const path = join(place, 'data', 'prices.json');
    await writeFile(path, '{"regions":{"us-east-1":{"asOf":"soon"}}}');
    const { code, stderr } = await sluice('cost', 's3://money', '--storage');
    expect(code).toBe(2);
    expect(stderr).toContain('prices.json: regions.us-east-1.asOf');
    await rm(path);
  });

  it.each([
    ['--budget', '-1'],
    ['--month', '2026-13'],
    ['--alarm-topic', 'arn:x'],
  ])('%s %s is a usage error', async (...flags) => {
    expect((await sluice('cost', 's3://money', ...flags)).code).toBe(2);
  });
});

describe('sluice lifecycle', () => {
  it('shows, compares, applies only with a yes, and is then done', async () => {
    expect((await sluice('lifecycle', 'show', 's3://money')).stdout).toContain('encryption: on (AES256)');
    const diff = await sluice('lifecycle', 'diff', 's3://money/p');
    expect(diff.stdout).toContain('+ sluice-tiers: p/  p/*, from 128 KiB: STANDARD_IA after 30 days');
    expect(diff.stdout).toContain('Of 8 objects that the ledger knows');
    expect((await sluice('lifecycle', 'apply', 's3://money/p')).code).toBe(2);
    const applied = await sluice('lifecycle', 'apply', 's3://money/p', '--yes');
    expect(applied.stdout, applied.stderr).toContain('Applied, and read back to be sure');
    expect((await sluice('lifecycle', 'diff', 's3://money/p')).stdout).toContain('nothing to change');
  });
});
