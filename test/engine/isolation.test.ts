import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StoreConnection } from '../../shared/settings.ts';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness } from '../support/engineHarness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

const until = async (what: string, done: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 25_000;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
};

it('large files that wait for a store that is away keep none of another store from being uploaded', async () => {
  for (let i = 0; i < 8; i++) await harness.write(`away/large ${i}`, randomBytes(16 * MiB));
  await harness.write('there/first', 'x');
  harness.break({ match: { operation: /UploadPart/ }, fault: { kind: 'latency', ms: 1500 } });
  const engine = await harness.open({ settings: { settleMs: 150, partSizeBytes: 5 * MiB } });
  await harness.folder(engine, { kind: 'kept', path: `${harness.root}/away`, prefix: 'away/' });
  const connection = StoreConnection.parse({
    endpointUrl: harness.server.endpoint,
    pathStyle: true,
    region: harness.server.region,
  });
  const there = await harness.folder(engine, {
    kind: 'kept',
    path: `${harness.root}/there`,
    prefix: 'there/',
    connection,
  });
  await engine.start();
  const underWay = async () => (await engine.api.snapshot({})).transfers;
  await until('six are under way', async () => (await underWay()).length >= 6);
  harness.break({ fault: { kind: 'resetBeforeRequest' } });
  await until('it is away', async () =>
    (await engine.api.snapshot({})).folders.some(({ phase, id }) => phase === 'offline' && id !== there),
  );
  await harness.write('there/large', randomBytes(11 * MiB));
  await until('the other is through', () => harness.server.listKeys(bucket).includes('there/large'));
  expect(engine.sentence().state).not.toBe('safe');
});
