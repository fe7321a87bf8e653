import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import { tuningStoreOf } from '../../main/engine/plan/tuner.ts';
import { MiB } from '../../shared/units.ts';
import { jsonLines, runInProcess } from './support/runInProcess.ts';

const dataDirs: string[] = [];
afterEach(() => {
  for (const dataDir of dataDirs.splice(0)) rmSync(dataDir, { recursive: true, force: true });
});

function dataDirWith(partMiB: number, mibPerSecond: number, uploads: number): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-plan-'));
  dataDirs.push(dataDir);
  const ledger = openLedger({ dataDir, smallFileLimitBytes: MiB, holder: 'test' });
  const store = tuningStoreOf({ endpointUrl: 'http://127.0.0.1:9000' }, 'bucket');
  const row = { store, sizeClass: 'large', concurrency: 8, bytes: 2 ** 32 } as const;
  for (let at = 0; at < uploads; at++) {
    ledger.recordTuning({ ...row, at, partSizeBytes: partMiB * MiB, bytesPerSecond: mibPerSecond * MiB });
    ledger.recordTuning({ ...row, at, partSizeBytes: 64 * MiB, bytesPerSecond: 400 * MiB });
  }
  ledger.close();
  return dataDir;
}

const plan = async (dataDir: string, ...more: string[]) => {
  const args = ['plan', '--size', '4GiB', '--json', '--data-dir', dataDir, ...more];
  const { stdout, code } = await runInProcess(args);
  expect(code).toBe(0);
  return jsonLines(stdout)[0] as { partSize: number; reasons: string[] };
};
const store = ['--endpoint-url', 'http://127.0.0.1:9000', '--bucket', 'bucket'];

it('the plan for a store says what earlier uploads to it taught, and follows it', async () => {
  const { partSize, reasons } = await plan(dataDirWith(128, 700, 6), ...store);
  expect(partSize).toBe(128 * MiB);
  expect(reasons.join('\n')).toMatch(/128 MiB parts gave at least .* in 6 uploads/);
  expect(reasons.join('\n')).toMatch(/begins with 6 connections: 12 earlier uploads/);
});

it('two lucky uploads, another bucket, or a part size that was ordered change nothing', async () => {
  expect((await plan(dataDirWith(128, 700, 2), ...store)).partSize).toBe(64 * MiB);
  const dataDir = dataDirWith(128, 700, 6);
  expect((await plan(dataDir)).partSize).toBe(64 * MiB);
  expect((await plan(dataDir, '--bucket', 'other', ...store.slice(0, 2))).partSize).toBe(64 * MiB);
  expect((await plan(dataDir, ...store, '--part-size', '32MiB')).partSize).toBe(32 * MiB);
});

it('without a ledger there is no history, and no ledger is made', async () => {
  const dataDir = join(tmpdir(), 'sluice-plan-none');
  expect((await plan(dataDir, ...store)).partSize).toBe(64 * MiB);
});
