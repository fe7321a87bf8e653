import { afterEach, describe, expect, it } from 'vitest';
import { openLedgerReadOnly } from '../../../main/engine/ledger/openLedgerReadOnly.ts';
import { tune, tuningStoreOf } from '../../../main/engine/plan/tuner.ts';
import { MiB } from '../../../shared/units.ts';
import { type Harness, openHarness } from '../../support/engineHarness.ts';

let harness: Harness;
afterEach(() => harness.close());

const sample = (partSizeBytes: number, bytesPerSecond: number) => ({
  ...{ partSizeBytes, bytesPerSecond, concurrency: 12, bytes: 128 * MiB },
});

describe('A recommendation that was applied', () => {
  it('takes the place of what the tuner knew of that store and class, and of nothing else', async () => {
    harness = await openHarness();
    const engine = await harness.open();
    const target = { endpointUrl: 'http://127.0.0.1:1', bucket: 'bucket' };
    const apply = (sizeClass: 'small' | 'large', ...samples: ReturnType<typeof sample>[]) =>
      engine.api.applyBenchmark({ ...target, sizes: [{ sizeClass, samples }] });
    await apply('small', sample(1, 5e6));
    await apply('large', ...Array.from({ length: 60 }, () => sample(64 * MiB, 900e6)));
    await apply(
      'large',
      ...[100e6, 101e6, 99e6].map((rate) => sample(64 * MiB, rate)),
      ...[200e6, 201e6, 202e6].map((rate) => sample(16 * MiB, rate)),
    );
    await engine.stop();
    const ledger = openLedgerReadOnly(harness.dataDir);
    const history = ledger.tuning(tuningStoreOf(target, target.bucket), 'large');
    expect(history).toHaveLength(6);
    expect(ledger.tuning(tuningStoreOf(target, target.bucket), 'small')).toHaveLength(1);
    ledger.close();
    expect(
      tune({ history, sizeBytes: 256 * MiB, tablePartSizeBytes: 64 * MiB, partSizeFixed: false, random: 0.5 }),
    ).toMatchObject({ partSizeBytes: 16 * MiB, startConcurrency: 9 });
  });
});
