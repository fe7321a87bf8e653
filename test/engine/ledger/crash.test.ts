import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { open, tempDataDir } from './ledgerFixture.ts';
import { spawnLedger } from './spawnLedger.ts';

it('a process killed in the middle of writing leaves a sound ledger with all it had committed', {
  timeout: 60_000,
}, async () => {
  const dataDir = tempDataDir();
  for (const delayMs of [0, 7, 40, 90]) {
    const writer = await spawnLedger('write', dataDir);
    await writer.reached(1);
    await sleep(delayMs);
    await writer.kill();
    const lastRound = writer.rounds.at(-1)!;

    const ledger = open(dataDir);
    expect(ledger.check()).toEqual([]);
    expect(Number(ledger.setting('round'))).toBeGreaterThanOrEqual(lastRound);
    const [folder] = ledger.folders();
    // What was claimed can be claimed again.
    const queued = ledger.counts(folder!.id).filesQueued;
    ledger.wakeDue(Number.MAX_SAFE_INTEGER);
    const claimable =
      ledger.claimNext(folder!.id, 'small', 10_000).length + ledger.claimNext(folder!.id, 'large', 10_000).length;
    expect(claimable).toBe(queued);
    for (const upload of ledger.uploads('open'))
      expect(ledger.parts(upload.id).length).toBeLessThanOrEqual(upload.partCount);
    ledger.close();
  }
});
