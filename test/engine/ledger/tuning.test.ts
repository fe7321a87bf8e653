import { expect, it } from 'vitest';
import { openLedgerReadOnly } from '../../../main/engine/ledger/openLedgerReadOnly.ts';
import { tuningStoreOf } from '../../../main/engine/plan/tuner.ts';
import { open, tempDataDir } from './ledgerFixture.ts';

const store = tuningStoreOf({ endpointUrl: 'http://127.0.0.1:9000' }, 'bucket');
const row = (at: number, more = {}) => ({
  store,
  sizeClass: 'large' as const,
  partSizeBytes: 64 * 2 ** 20,
  concurrency: 8,
  bytesPerSecond: 1.5e8,
  bytes: 4 * 2 ** 30,
  at,
  ...more,
});

it('what settings gave is there after a restart, newest first, apart by store and size', () => {
  const dataDir = tempDataDir();
  const ledger = open(dataDir);
  ledger.recordTuning(row(1));
  ledger.recordTuning(row(2));
  ledger.recordTuning(row(3, { sizeClass: 'small', partSizeBytes: 0 }));
  ledger.recordTuning(row(4, { store: tuningStoreOf({ endpointUrl: null }, 'bucket') }));
  ledger.close();
  const reader = openLedgerReadOnly(dataDir);
  expect(reader.tuning(store, 'large')).toEqual([row(2), row(1)]);
  expect(reader.tuning(store, 'small')).toHaveLength(1);
  reader.close();
});

it('the history does not grow without end', () => {
  const ledger = open(tempDataDir());
  for (let at = 0; at < 300; at++) ledger.recordTuning(row(at));
  const kept = ledger.tuning(store, 'large');
  expect(kept).toHaveLength(100);
  expect(kept[0]?.at).toBe(299);
});
