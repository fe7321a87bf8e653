import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monthOf } from '../../main/engine/accelerationBook.ts';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import { accelerationPremium } from '../../main/engine/plan/accelerate.ts';
import type { FileEvent } from '../../shared/events.ts';
import { AccelerationSettings, StoreConnection } from '../../shared/settings.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness } from '../support/engineHarness.ts';
import { type FaultProxy, startFaultProxy } from '../support/faultProxy.ts';

/** Two proxies before one server: the regional endpoint and the accelerated one. */
let h: Harness;
let fast: FaultProxy;
beforeEach(async () => {
  h = await openHarness();
  fast = await startFaultProxy({ target: h.server.endpoint, seed: 2 });
});
afterEach(async () => {
  await fast.close();
  await h.close();
});

const acceleration = (change: Partial<AccelerationSettings> = {}): AccelerationSettings =>
  AccelerationSettings.parse({ clientRegion: 'ap-southeast-2', ...change });

const enable = async (): Promise<void> => {
  const { createStore } = await import('../../main/engine/store/createStore.ts');
  const store = createStore({
    target: { connection: connection(), bucket, policy: undefined },
    credentials: async () => ({ accessKeyId: h.server.accessKeyId, secretAccessKey: h.server.secretAccessKey }),
    maxSockets: 2,
    stallTimeoutMs: 5_000,
    onRequest: () => undefined,
  });
  await store.enableAcceleration();
  store.close();
};
const connection = (): StoreConnection =>
  StoreConnection.parse({
    endpointUrl: h.proxy.url,
    accelerateUrl: fast.url,
    pathStyle: true,
    region: h.server.region,
  });
const pass = (settings = acceleration(), more = {}) =>
  h.pass({ options: { settings: { acceleration: settings, ...more } }, folder: { connection: connection() } });
const files = (): FileEvent[] => h.events.filter((event) => event.type === 'file');
const spend = (): { bytes: number; usd: number } => {
  const ledger = openLedger({ dataDir: h.dataDir, smallFileLimitBytes: 8 * MiB, holder: 'a test' });
  try {
    return ledger.accelerationSpend(monthOf(Date.now()));
  } finally {
    ledger.close();
  }
};

describe('an accelerated transfer', () => {
  it('sends what pays over the accelerated endpoint, everything else over the regional one, and meters just those bytes', async () => {
    await enable();
    await h.write('large.bin', randomBytes(12 * MiB));
    await h.write('small.txt', 'small');
    expect((await pass()).exitCode).toBe(0);
    expect(await h.differences()).toEqual([]);
    expect(
      files()
        .map(({ path, accelerated }) => [path, accelerated])
        .sort(),
    ).toEqual([
      ['large.bin', true],
      ['small.txt', false],
    ]);
    expect(spend().bytes).toBe(12 * MiB);
    expect(spend().usd).toBeCloseTo(accelerationPremium(12 * MiB, acceleration()), 8);
  });

  it('is none where the admin policy names the regional endpoint alone, and the file is sent all the same', async () => {
    await enable();
    await h.write('large.bin', randomBytes(12 * MiB));
    const fallback = join(h.root, '..', 'policy.json');
    await writeFile(fallback, JSON.stringify({ version: 1, endpoints: { allow: [new URL(h.proxy.url).host] } }));
    const policyPlaces = { machine: '/nonexistent/sluice/policy.json', fallback };
    const summary = await h.pass({
      options: { policyPlaces, settings: { acceleration: acceleration() } },
      folder: { connection: connection() },
    });
    expect(summary.exitCode).toBe(0);
    expect(files()).toMatchObject([{ path: 'large.bin', accelerated: false }]);
    expect(spend().bytes).toBe(0);
  });

  it('sends the parts of a large file accelerated, and creates and completes it over the regional endpoint', async () => {
    await enable();
    await h.write('huge.bin', randomBytes(110 * MiB));
    expect((await pass()).exitCode).toBe(0);
    expect(await h.differences()).toEqual([]);
    expect(files()[0]).toMatchObject({ action: 'multipart', accelerated: true });
    expect(spend().bytes).toBe(110 * MiB);
  });

  it('never touches the accelerated endpoint of a bucket that has it off, nor turns it on', async () => {
    await h.write('large.bin', randomBytes(12 * MiB));
    expect((await pass(acceleration({ mode: 'on' }))).exitCode).toBe(0);
    expect(files()[0]).toMatchObject({ accelerated: false });
    expect(spend().bytes).toBe(0);
    expect(h.server.counts().PutBucketAccelerateConfiguration).toBeUndefined();
  });

  it('next to the bucket it is never accelerated', async () => {
    await enable();
    await h.write('large.bin', randomBytes(12 * MiB));
    await pass(acceleration({ clientRegion: h.server.region }));
    expect(files()[0]).toMatchObject({ accelerated: false });
    expect(spend().bytes).toBe(0);
  });

  it('an accelerated endpoint that fails costs no file: its bytes go over the regional one', async () => {
    await enable();
    for (let n = 0; n < 5; n++) await h.write(`large-${n}.bin`, randomBytes(11 * MiB));
    await fast.close();
    expect((await pass()).exitCode).toBe(0);
    expect(await h.differences()).toEqual([]);
    expect(files()).toHaveLength(5);
    expect(files().every(({ accelerated, error }) => !accelerated && error === undefined)).toBe(true);
    expect(spend().bytes).toBe(0);
  });

  it('holds the cap with transfers in flight and over a restart', async () => {
    await enable();
    const settings = acceleration({ monthlyCapUsd: accelerationPremium(25 * MiB, acceleration()) });
    for (let n = 0; n < 6; n++) await h.write(`first-${n}.bin`, randomBytes(11 * MiB));
    expect((await pass(settings)).exitCode).toBe(0);
    expect(files().filter(({ accelerated }) => accelerated)).toHaveLength(2);
    for (let n = 0; n < 2; n++) await h.write(`second-${n}.bin`, randomBytes(11 * MiB));
    expect((await pass(settings)).exitCode).toBe(0);
    expect(files().filter(({ accelerated }) => accelerated)).toHaveLength(2);
    expect(spend().usd).toBeLessThanOrEqual(settings.monthlyCapUsd);
    expect(await h.differences()).toEqual([]);
  });
});
