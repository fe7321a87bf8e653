import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BenchReport } from '../../shared/bench.ts';
import { MiB } from '../../shared/units.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { startSlowConnections } from '../support/slowConnections.ts';
import { jsonLines } from './support/runInProcess.ts';
import { keysOf, runProcess } from './support/runProcess.ts';

let root: string;
let s3: S3TestServer;
let link: Awaited<ReturnType<typeof startSlowConnections>>;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  s3 = await startS3Server({ dir: join(root, 's3'), buckets: ['bucket'] });
  link = await startSlowConnections(s3.endpoint, 32e6);
});
afterAll(async () => {
  await link.close();
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

it('finds smaller parts where each connection is slow, shows that applied they are faster than the default, and uses them', async () => {
  const where = ['--endpoint-url', link.url, '--data-dir', join(root, 'data')];
  const matrix = ['--quick', '--sizes', '100MiB', '--part-sizes', '16MiB', '--concurrency', '10'];
  const bench = await runProcess(['bench', 's3://bucket', ...where, ...matrix, '--apply', '--json'], {
    env: keysOf(s3),
  });
  expect(bench.code, bench.stderr).toBe(0);
  const lines = jsonLines(bench.stdout);
  const report = BenchReport.parse(lines.find(({ type }) => type === 'report')?.report);
  const [size] = report.sizes;
  expect(size!.verdict).toMatchObject({ kind: 'better', partSizeBytes: 16 * MiB });
  expect(size!.verdict.kind === 'better' && size!.verdict.ratio.low).toBeGreaterThan(1);
  expect(lines.at(-1)).toMatchObject({ type: 'applied', sizeClasses: ['large'] });
  expect([...s3.listKeys('bucket'), ...s3.openUploads('bucket')]).toEqual([]);
  const plan = await runProcess(['plan', '--size', '100MiB', '--bucket', 'bucket', ...where]);
  expect(plan.stdout).toContain('7 parts of 16.0 MiB');
}, 150_000);
