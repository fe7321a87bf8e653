import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createFolderKeeper } from '../../../main/engine/folderKeeper.ts';
import { createRunMetrics } from '../../../main/engine/insight/runMetrics.ts';
import { openLedger } from '../../../main/engine/ledger/openLedger.ts';
import { systemClock } from '../../../main/engine/ports.ts';
import { EngineSettings } from '../../../shared/settings.ts';
import { MiB } from '../../../shared/units.ts';
import { blocking, cpuSeconds, peakRssBytes, percentile, rssBytes, sayFigures } from './figures.ts';
import { pathOf } from './makeTree.ts';

/*
 * Watches the folder of an existing ledger, in a process of its own: `node test/bench/scale/watch.ts --root DIR --data-dir DIR --files N [--idle SECONDS] [--changes N]`. From the start until changes
 * are seen (scan, watches, second scan, as in the daemon), then idle, then one small file changed at a time, until its change can be claimed from the queue: the transfer takes it in the same turn.
 */
const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    'data-dir': { type: 'string' },
    files: { type: 'string' },
    idle: { type: 'string', default: '60' },
    changes: { type: 'string', default: '30' },
  },
});
const root = values.root!;
const files = Number(values.files);
const settleMs = 1_000;
const began = performance.now();
const ledger = openLedger({ dataDir: values['data-dir']!, smallFileLimitBytes: 8 * MiB, holder: 'figures' });
const folder = ledger.folders()[0]!;
let onQueued = (): void => undefined;
let scans = 0;
const keeper = createFolderKeeper({
  folderId: folder.id,
  ledger,
  metrics: createRunMetrics(() => performance.now(), Math.random),
  clock: systemClock,
  settings: () => EngineSettings.parse({ settleMs }),
  rules: ({ rules }) => rules,
  onSeenWhole: () => undefined,
  onQueued: () => onQueued(),
  onScan: ({ phase }) => {
    if (phase === 'finished') scans++;
  },
  onIssue: (error) => console.error(error),
  onRoot: () => undefined,
  onState: () => undefined,
  onFatal: (error) => {
    throw error;
  },
});
const blocked = blocking();
keeper.keep();
while (keeper.watcher !== 'watching') await sleep(5);
const watchingMs = performance.now() - began;
while (scans < 2 || keeper.scanning) await sleep(5);
const settledMs = performance.now() - began;
const { p99, max } = blocked();
// what the scans left is collected when the engine has been quiet for a while
await sleep(3_000);
const idleSeconds = Number(values.idle);
const cpuBefore = cpuSeconds();
await sleep(idleSeconds * 1_000);
const idleCpuPercent = (100 * (cpuSeconds() - cpuBefore)) / idleSeconds;
const watchingRssBytes = rssBytes();

const late: number[] = [];
for (let change = 0; change < Number(values.changes); change++) {
  const path = pathOf((change * 104_729) % files);
  const seen = Promise.withResolvers<void>();
  const before = ledger.file(folder.id, path as Parameters<typeof ledger.file>[1])?.identity;
  onQueued = () => {
    if (ledger.file(folder.id, path as Parameters<typeof ledger.file>[1])?.identity !== before) seen.resolve();
  };
  appendFileSync(join(root, path), '.');
  const writtenAt = performance.now();
  await seen.promise;
  late.push(performance.now() - writtenAt - settleMs);
}
sayFigures({
  watchingMs,
  settledMs,
  controlBlockedP99Ms: p99,
  controlBlockedMaxMs: max,
  idleCpuPercent,
  watchingRssBytes,
  peakRssBytes: peakRssBytes(),
  changes: late.length,
  latencyBeyondSettleP50Ms: percentile(late, 50),
  latencyBeyondSettleP99Ms: percentile(late, 99),
});
await keeper.close();
ledger.close();
