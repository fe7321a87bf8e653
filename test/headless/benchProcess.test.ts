import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BenchReport } from '../../shared/bench.ts';
import { MiB } from '../../shared/units.ts';
import { type FaultProxy, startFaultProxy } from '../support/faultProxy.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { jsonLines } from './support/runInProcess.ts';
import { keysOf, type Running, runProcess, startProcess } from './support/runProcess.ts';

let root: string;
let s3: S3TestServer;
let proxy: FaultProxy;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  s3 = await startS3Server({ dir: join(root, 's3'), buckets: ['bucket', 'other'] });
  proxy = await startFaultProxy({ target: s3.endpoint });
});
afterEach(() => proxy.setRules([]));
afterAll(async () => {
  await proxy.close();
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

let places = 0;
const newDataDir = (): string => join(root, `data-${++places}`);
/** 2 files of 24 MiB, default and one pinned cell of 5 parts a file: 5 uploads. */
const small = ['--quick', '--sizes', '24MiB', '--part-sizes', '5MiB', '--concurrency', '4', '--iterations', '2'];
const args = (dataDir: string, ...more: string[]): string[] => [
  ...['bench', 's3://bucket/some/where', '--endpoint-url', proxy.url, '--data-dir', dataDir, ...small, ...more],
];
const run = (dataDir: string, ...more: string[]) => runProcess(args(dataDir, ...more), { env: keysOf(s3) });
const left = () => ['bucket', 'other'].flatMap((name) => [...s3.listKeys(name), ...s3.openUploads(name)]);
const reportIn = (stdout: string): BenchReport =>
  BenchReport.parse(jsonLines(stdout).find(({ type }) => type === 'report')?.report);
const placesIn = (dataDir: string): string[] =>
  readdirSync(join(dataDir, 'bench')).filter((name) => name.startsWith('run-'));

/** Until some of it is in the bucket: a whole object and part of another. */
async function inTheMiddle(bench: Running): Promise<void> {
  await bench.until(/2 of at most/);
  while (s3.openUploads('bucket').length === 0) {
    if (bench.child.exitCode !== null) throw new Error(`ended early: ${bench.stdout()}${bench.stderr()}`);
    await sleep(2);
  }
}
/** Slow enough to be met in the middle of a multipart upload. */
const slowParts = () => proxy.setRules([{ match: { operation: /UploadPart/ }, fault: { kind: 'latency', ms: 400 } }]);

describe('sluice bench', () => {
  it('measures by real uploads, saves a report as JSON and HTML, compares with the last, and leaves nothing', async () => {
    const dataDir = newDataDir();
    s3.clearLog();
    const first = await run(dataDir, '--json', '--seed', '5');
    expect(first.code, first.stderr).toBe(0);
    const report = reportIn(first.stdout);
    expect(report).toMatchObject({ seed: 5, end: { kind: 'finished' }, endpointUrl: proxy.url, bucket: 'bucket' });
    const [size] = report.sizes;
    expect(size).toMatchObject({ sizeBytes: 24 * MiB, files: 2, verdict: { kind: 'keep-default' } });
    expect(size!.cells.map(({ cell, rates }) => [cell.kind, cell.partSizeBytes, rates.length])).toEqual([
      ['default', 0, 2],
      ['pinned', 5 * MiB, 2],
    ]);
    // What it says it sent is what arrived; 3 default uploads (one to warm up) and 2 of 5 parts.
    expect(s3.requests.filter(({ operation }) => operation === 'UploadPart')).toHaveLength(2 * 2 * 5);
    expect(s3.requests.filter(({ operation }) => operation === 'PutObject')).toHaveLength(3 * 2);
    expect(report.spent.bytes).toBe(5 * 2 * 24 * MiB);
    expect(report.spent.requests).toBe(s3.requests.length - 1);
    expect(left()).toEqual([]);
    expect(placesIn(dataDir)).toEqual([]);
    const html = readdirSync(join(dataDir, 'bench')).find((name) => name.endsWith('.html'));
    const page = readFileSync(join(dataDir, 'bench', html!), 'utf8');
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/<script|src=|https?:\/\/(?!127\.0\.0\.1)/);

    const second = await run(dataDir, '--apply');
    expect(second.code, second.stderr).toBe(0);
    expect(second.stdout).toMatch(/Since the last run: /);
    expect(second.stdout).toContain('Nothing to apply: the default stays');
  }, 60_000);

  it('never sends more than the budget, though every try may fail and is sent again', async () => {
    const dataDir = newDataDir();
    const bytes = 5 * 2 * 24 * MiB;
    proxy.setRules([
      { match: { operation: /PutObject|UploadPart/, probability: 0.25 }, fault: { kind: 'status', code: 500 } },
    ]);
    const before = proxy.bytes.toServer;
    const { stdout, stderr, code } = await run(dataDir, '--json', '--budget', `${bytes}`);
    expect(code, stderr).toBe(0);
    const report = reportIn(stdout);
    expect(report.spent.bytes).toBeLessThanOrEqual(bytes);
    expect(proxy.bytes.toServer - before).toBeLessThanOrEqual(bytes * 1.01);
    expect(report.sizes[0]!.cells.some(({ stopped }) => stopped?.includes('the budget (240 MiB) was used up'))).toBe(
      true,
    );
    expect(left()).toEqual([]);
  }, 60_000);

  it('shows what it may take before it sends anything, and leaves out what does not fit', async () => {
    s3.clearLog();
    const dataDir = newDataDir();
    const shown = await run(dataDir, '--dry-run', '--sizes', '24MiB,300MiB', '--budget', '400MiB');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('2 × 24.0 MiB: 2 settings, at most 240 MiB');
    expect(shown.stdout).toContain('not 300 MiB: it would take a budget of ');
    expect(s3.requests).toEqual([]);
    const none = await run(dataDir, '--budget', '1MiB');
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('Nothing fits into the budget');
  }, 30_000);

  it('Ctrl-C in the middle leaves no object and no upload', async () => {
    const dataDir = newDataDir();
    slowParts();
    const bench = startProcess(args(dataDir), { env: keysOf(s3) });
    await inTheMiddle(bench);
    bench.child.kill('SIGINT');
    const { code, stderr } = await bench.ended;
    expect(stderr).toContain('The benchmark was interrupted');
    expect(code).toBe(130);
    expect(left()).toEqual([]);
    expect(placesIn(dataDir)).toEqual([]);
  }, 60_000);

  it('what a killed one left is found and removed at the next start, whichever bucket it was in, and nothing else', async () => {
    const dataDir = newDataDir();
    slowParts();
    const bench = startProcess(args(dataDir), { env: keysOf(s3) });
    await inTheMiddle(bench);
    bench.child.kill('SIGKILL');
    await bench.ended;
    expect(left().length).toBeGreaterThan(0);
    expect(placesIn(dataDir)).toHaveLength(1);
    proxy.setRules([]);
    const next = await runProcess(
      ['bench', 's3://other', '--endpoint-url', proxy.url, '--data-dir', dataDir, ...small],
      { env: keysOf(s3) },
    );
    expect(next.code, next.stderr).toBe(0);
    expect(next.stderr).toMatch(
      /Removed what a killed benchmark had left: \d+ under s3:\/\/bucket\/some\/where\/sluice-bench-/,
    );
    expect(left()).toEqual([]);
    expect(placesIn(dataDir)).toEqual([]);
    expect(existsSync(join(dataDir, 'ledger.sqlite'))).toBe(false);
  }, 60_000);

  it('a bucket that refuses to delete keeps the marker, and says so', async () => {
    const dataDir = newDataDir();
    proxy.setRules([{ match: { operation: /DeleteObject/ }, fault: { kind: 'status', code: 500 } }]);
    const { code, stderr } = await run(dataDir);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^sluice: /m);
    expect(placesIn(dataDir)).toHaveLength(1);
    proxy.setRules([]);
    await run(dataDir);
    expect(left()).toEqual([]);
  }, 90_000);
});
