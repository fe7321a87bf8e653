import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLedger } from '../../../main/engine/ledger/openLedger.ts';
import { MiB } from '../../../shared/units.ts';
import { percentile, sayFigures } from './figures.ts';

/*
 * Claims from a ledger in which all files of a folder are queued, as a first scan leaves it, in a process of its own: `node test/bench/scale/claims.ts --data-dir DIR`. Then with every twentieth backing off,
 * then proven, to see what a file takes.
 */
const { values } = parseArgs({ options: { 'data-dir': { type: 'string' } } });
const dataDir = values['data-dir']!;
const rounds = 10_000;
const ledger = openLedger({ dataDir, smallFileLimitBytes: 8 * MiB, holder: 'figures' });
const folder = ledger.folders()[0]!;
const { filesQueued } = ledger.counts(folder.id);

const claims = (): number[] => {
  const times: number[] = [];
  const taken: number[] = [];
  for (let round = 0; round < Math.min(rounds, filesQueued / 4); round++) {
    const from = performance.now();
    const claimed = ledger.claimNext(folder.id, 'small', 1);
    times.push(performance.now() - from);
    for (const { id } of claimed) taken.push(id);
  }
  for (const id of taken) ledger.releaseClaim(id as Parameters<typeof ledger.releaseClaim>[0]);
  return times;
};
const all = claims();
const waiting = Math.round(filesQueued / 20);
const claimed = ledger.claimNext(folder.id, 'small', waiting);
for (const [at, file] of claimed.entries()) ledger.postpone(file.id, 1e15 + at);
const whileWaiting = claims();
while (ledger.wakeDue(Number.MAX_SAFE_INTEGER) > 0);
let proven = 0;
for (;;) {
  const batch = ledger.claimNext(folder.id, 'small', 1_000);
  if (batch.length === 0) break;
  ledger.recordProofs(
    batch.map(({ id, identity, sizeBytes }) => ({
      fileId: id,
      proof: {
        identity,
        sizeBytes,
        etag: `"${(id * 2_654_435_761).toString(16).padStart(32, '0')}"`,
        checksum: `crc64nvme:${Buffer.from(String(id).padStart(8, '0')).toString('base64')}`,
        provenAt: 1_790_000_000_000,
      },
    })),
  );
  proven += batch.length;
}
ledger.close();
sayFigures({
  filesQueued,
  claimP50Ms: percentile(all, 50),
  claimP99Ms: percentile(all, 99),
  waiting,
  claimWhileWaitingP50Ms: percentile(whileWaiting, 50),
  claimWhileWaitingP99Ms: percentile(whileWaiting, 99),
  proven,
  ledgerBytesPerFile: statSync(join(dataDir, 'ledger.sqlite')).size / proven,
});
