import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MiB } from '../../shared/units.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { type ShapedLink, startShapedLink } from '../support/shapedLink.ts';
import { jsonLines, runInProcess } from './support/runInProcess.ts';
import { keysOf } from './support/runProcess.ts';

/** One bucket behind two lines: the regional one narrow and long, the accelerated one wide. */
let root: string;
let s3: S3TestServer;
let regional: ShapedLink;
let accelerated: ShapedLink;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-accelerate-'));
  s3 = await startS3Server({ dir: join(root, 's3'), buckets: ['bucket', 'other'] });
  regional = await startShapedLink({ target: s3.endpoint, upBytesPerSecond: 3 * MiB, rttMs: 60 });
  accelerated = await startShapedLink({ target: s3.endpoint, upBytesPerSecond: 12 * MiB, rttMs: 20 });
  for (const [name, value] of Object.entries(keysOf(s3))) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await regional.close();
  await accelerated.close();
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

const accelerate = (...args: string[]) =>
  runInProcess(
    [
      'accelerate',
      ...args,
      '--endpoint-url',
      regional.url,
      '--data-dir',
      join(root, 'data'),
      '--client-region',
      'ap-southeast-2',
    ],
    { env: { SLUICE_ACCELERATE_URL: accelerated.url } },
  );

describe('sluice accelerate', () => {
  it('changes the bucket only when enable is confirmed', async () => {
    const before = await accelerate('status', 's3://bucket', '--json');
    expect(jsonLines(before.stdout)[0]).toMatchObject({ status: 'off', endpoint: 'regional', code: 'not-enabled' });
    const unconfirmed = await accelerate('enable', 's3://bucket');
    expect(unconfirmed).toMatchObject({ code: 2, stdout: '' });
    expect(s3.counts().PutBucketAccelerateConfiguration).toBeUndefined();
    expect((await accelerate('enable', 's3://bucket', '--yes')).code).toBe(0);
    const after = await accelerate('status', 's3://bucket', '--json');
    expect(jsonLines(after.stdout)[0]).toMatchObject({
      status: 'enabled',
      endpoint: 'accelerated',
      code: 'pays',
      clientRegionBy: 'setting',
    });
  });

  it('measures the wider line as faster, remembers it, pays for it, and leaves nothing behind', async () => {
    const probe = await accelerate('probe', 's3://bucket/p', '--size', '1MiB', '--json');
    expect(probe.stderr).toBe('');
    expect(jsonLines(probe.stdout)[0]).toMatchObject({ type: 'probe', ended: 'decided', gain: { verdict: 'faster' } });
    expect(s3.listKeys('bucket')).toEqual([]);
    const status = jsonLines((await accelerate('status', 's3://bucket', '--json')).stdout)[0];
    expect(status).toMatchObject({ gain: { verdict: 'faster' } });
    expect(status?.spentUsd).toBeGreaterThan(0.04 * (4 / 1_024) - 1e-9);
  });

  it('will not measure a bucket that has it off', async () => {
    const probe = await accelerate('probe', 's3://other');
    expect(probe.code).toBe(2);
    expect(probe.stderr).toContain('sluice accelerate enable');
  });

  it('analyzes sizes by frequencies', async () => {
    const rows = jsonLines((await accelerate('analyze', 's3://other', '--json')).stdout);
    expect(rows).toHaveLength(16);
    expect(rows[4]).toMatchObject({
      type: 'analysis',
      sizeBytes: 100_000_000,
      uploadsPerMonth: 10,
      recommendation: 'enable',
      costRegional: 0,
    });
    const table = await accelerate('analyze', 's3://other', '--size', '5MiB', '--uploads', '100');
    expect(table.stdout, 'columns stay apart').toMatch(/ without +hours saved +worth/);
    expect(table.stdout).toContain('disable: 5.00 MiB is below 10 MB');
  });
});
