import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCostMeter } from '../../main/engine/costMeter.ts';
import type { MeterRow } from '../../main/engine/ledger/ledger.ts';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import { openLedgerReadOnly } from '../../main/engine/ledger/openLedgerReadOnly.ts';
import { systemClock } from '../../main/engine/ports.ts';
import { acceleratedConnection } from '../../main/engine/store/acceleratedConnection.ts';
import { SluiceError } from '../../shared/errors.ts';
import { noPriceFile } from '../../shared/prices.ts';
import { StoreConnection } from '../../shared/settings.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness } from '../support/engineHarness.ts';

const seed = Number(process.env.SLUICE_SEED ?? 11);
const options = { settings: { partSizeBytes: 5 * MiB } };

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness(seed);
});
afterEach(() => harness.close());

function meterRows(): readonly MeterRow[] {
  const ledger = openLedgerReadOnly(harness.dataDir);
  try {
    return ledger.meter('2000-01-01', '2999-12-31');
  } finally {
    ledger.close();
  }
}

const total = (rows: readonly MeterRow[], of: (row: MeterRow) => number): number =>
  rows.reduce((sum, row) => sum + of(row), 0);

function metered(rows: readonly MeterRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows)
    counts[row.operation] = (counts[row.operation] ?? 0) + row.answered + row.refused + row.unanswered;
  return counts;
}

/** Bytes of files in requests that the server took. */
const bytesTaken = (): number =>
  harness.server.requests
    .filter(({ operation, status }) => /^(?:PutObject|UploadPart)$/.test(operation) && status >= 200 && status < 300)
    .reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);

async function someFiles(): Promise<void> {
  for (let i = 0; i < 120; i++) await harness.write(`d${i % 5}/f${i}`, randomBytes(100 + i * 40));
  for (let i = 0; i < 3; i++) await harness.write(`large ${i}`, randomBytes(17 * MiB + i));
}

describe('the meter', () => {
  it('equals the server’s own count of requests and bytes where nothing goes wrong', async () => {
    await someFiles();
    await harness.pass({ options });
    const rows = meterRows();
    expect(metered(rows)).toEqual(harness.server.counts());
    expect(total(rows, (row) => row.bytes)).toBe(bytesTaken());
    expect(total(rows, (row) => row.unanswered + row.refused)).toBe(0);
    expect(harness.server.counts().UploadPart).toBe(12);
  });

  it('equals it, to the request and to the byte, when answers are lost or cut and bytes arrive changed', async () => {
    await someFiles();
    // A refusal that isn't heard either leaves its bytes open: each kind of request has its own fault here.
    harness.break(
      { match: { operation: /d0\/\S* PutObject/, times: 5 }, fault: { kind: 'loseResponse' } },
      { match: { operation: /d1\/\S* PutObject/, times: 5 }, fault: { kind: 'truncateResponse' } },
      { match: { operation: /d2\/\S* PutObject/, probability: 0.3 }, fault: { kind: 'corruptBody' } },
      { match: { operation: /UploadPart/, probability: 0.15 }, fault: { kind: 'loseResponse' } },
      { match: { operation: /CompleteMultipartUpload|HeadObject/, probability: 0.3 }, fault: { kind: 'loseResponse' } },
    );
    const summary = await harness.pass({ options });
    expect(summary, `seed ${seed}`).toMatchObject({ exitCode: 0, filesFailed: 0 });
    expect(summary.retries).toBeGreaterThan(0);
    const rows = meterRows();
    expect(metered(rows), `seed ${seed}`).toEqual(harness.server.counts());
    expect(
      total(rows, (row) => row.bytes + row.unansweredBytes),
      `seed ${seed}`,
    ).toBe(bytesTaken());
    expect(total(rows, (row) => row.unanswered)).toBeGreaterThan(0);
  });

  it('exceeds it by exactly what the network swallowed: requests that left and never arrived are charged, never forgotten', async () => {
    await someFiles();
    harness.break(
      { match: { operation: /d0\/\S* PutObject/, times: 6 }, fault: { kind: 'resetBeforeRequest' } },
      { match: { operation: /d1\/\S* PutObject/, times: 4 }, fault: { kind: 'status', code: 503 } },
      { match: { operation: /large%200\S* UploadPart/, times: 2 }, fault: { kind: 'status', code: 500 } },
      { match: { operation: /large%201\S* UploadPart/, times: 2 }, fault: { kind: 'resetAfterBytes', bytes: 1 * MiB } },
    );
    expect(await harness.pass({ options }), `seed ${seed}`).toMatchObject({ exitCode: 0, filesFailed: 0 });
    // The cut ones did reach the server; of those before them it never heard.
    const swallowed = harness.proxy.hits.slice(0, 3).reduce((sum, hits) => sum + hits, 0);
    const rows = meterRows();
    const counted = Object.values(metered(rows)).reduce((sum, count) => sum + count, 0);
    expect(swallowed).toBeGreaterThan(2);
    expect(counted, `seed ${seed}`).toBe(harness.server.requests.length + swallowed);
    expect(
      total(rows, (row) => row.bytes),
      `seed ${seed}`,
    ).toBe(bytesTaken());
    expect(total(rows, (row) => row.refused)).toBeGreaterThan(0);
  });

  it('counts nothing for a store that can’t be connected to', async () => {
    await harness.write('a', 'a');
    await harness.proxy.close();
    await expect(harness.pass({ options: { storePatienceMs: 100 } })).rejects.toThrow();
    expect(meterRows()).toEqual([]);
  });

  it('charges a folder for its restores, and for holding its bucket against the ledger', async () => {
    await harness.write('one', randomBytes(1000));
    await harness.pass();
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    await engine.api.reconcileFolder({ folderId });
    const target = join(harness.root, '..', 'back');
    await engine.api.restoreFolder({ folderId, target, include: [], overwrite: false });
    await engine.stop();
    const rows = meterRows();
    expect(metered(rows)).toEqual(harness.server.counts());
    expect(rows.filter((row) => row.folderId !== folderId)).toEqual([]);
    expect(metered(rows)).toMatchObject({ GetObject: 1, ListObjectsV2: 2 });
  });

  it('counts what goes over the accelerated endpoint at the prices of the bucket’s own region', async () => {
    const ledger = openLedger({ dataDir: harness.dataDir, smallFileLimitBytes: MiB, holder: 'a test' });
    const costs = createCostMeter({
      ...{ ledger, clock: systemClock, prices: noPriceFile },
      ...{ onFlushed: () => undefined, onFatal: () => undefined },
    });
    const connection = StoreConnection.parse({});
    costs.learnRegion(connection, bucket, 'eu-central-1');
    const accelerated = acceleratedConnection(connection, null, false)!;
    expect(costs.prices(accelerated, bucket)).toMatchObject({ name: 'eu-central-1', assumed: null });
    costs.stop();
    ledger.close();
  });

  it('charges each folder for its own', async () => {
    await harness.write('one', randomBytes(1000));
    await harness.pass();
    await harness.write('two', randomBytes(500));
    await harness.pass({ folder: { prefix: 'other/' } });
    const engine = await harness.open();
    const month = new Date().toISOString().slice(0, 7);
    const report = await engine.api.costMeter({ month });
    // What the first has in the bucket already is copied for the second, and that is the second's request.
    const charged = report.lines
      .filter(({ folderId }) => folderId !== null)
      .map(({ requests, bytes }) => [requests.PutObject, requests.CopyObject ?? 0, bytes])
      .sort((a, b) => (a[2] ?? 0) - (b[2] ?? 0));
    expect(charged).toEqual([
      [1, 1, 500],
      [1, 0, 1000],
    ]);
    expect(report.lines.every(({ prices }) => prices.assumed?.includes('127.0.0.1'))).toBe(true);
    expect(report.requestUsd).toBeGreaterThan(0);
    expect(report.keptUsdPerMonth).toBeCloseTo((2500 / 2 ** 30) * 0.023, 12);
  });
});

describe('a monthly budget', () => {
  it('stops a pass with a sentence and exit 4, loses nothing, and goes on when it is raised', async () => {
    for (let i = 0; i < 400; i++) await harness.write(`f${i}`, randomBytes(50));
    // Slow enough that the meter is asked in the middle.
    harness.break({ fault: { kind: 'latency', ms: 60 } });
    const tight = { settings: { monthlyBudgetUsd: 0.0002, maxConnections: 2 } };
    const stopped = await harness.pass({ options: tight }).catch((error: unknown) => error);
    expect(stopped).toBeInstanceOf(SluiceError);
    expect((stopped as SluiceError).code).toBe('budget-reached');
    expect((stopped as SluiceError).message).toContain('budget of $0.00020 is used up');
    // What was under way is still held up in the proxy.
    await sleep(1_000);
    const sent = harness.server.listKeys(bucket).length;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(400);
    harness.mend();
    // Still used up: the next one sends nothing.
    await expect(harness.pass({ options: tight })).rejects.toMatchObject({ code: 'budget-reached' });
    expect(harness.server.listKeys(bucket).length).toBe(sent);
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesFailed: 0 });
    expect(await harness.differences()).toEqual([]);
  });

  it('holds a kept folder, says so, and lets it go on by itself when it is raised', async () => {
    for (let i = 0; i < 300; i++) await harness.write(`f${i}`, randomBytes(50));
    harness.break({ fault: { kind: 'latency', ms: 60 } });
    const engine = await harness.open();
    await engine.api.updateSettings({ monthlyBudgetUsd: 0.0002, maxConnections: 2 });
    await engine.start([await harness.folder(engine)]);
    for (let i = 0; i < 200 && engine.sentence().state !== 'attention'; i++) await sleep(100);
    expect(engine.sentence().text).toMatch(
      /^This month's budget of \$0\.00020 is used up \(\$0\.\d+\): nothing more is uploaded, \d+ files waiting$/,
    );
    const { issues } = await engine.api.issues({});
    expect(issues.map(({ code }) => code)).toEqual(['budget-reached']);
    expect(issues[0]?.remedy).toContain('nothing is lost');
    harness.mend();
    await engine.api.updateSettings({ monthlyBudgetUsd: 5 });
    for (let i = 0; i < 200 && engine.sentence().state !== 'safe'; i++) await sleep(100);
    expect(engine.sentence().text).toBe('All 300 files are safely in S3');
    expect((await engine.api.issues({})).issues).toEqual([]);
    expect(await harness.differences()).toEqual([]);
  });
});
