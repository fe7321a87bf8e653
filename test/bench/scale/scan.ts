import { parseArgs } from 'node:util';
import { createFolderKeeper } from '../../../main/engine/folderKeeper.ts';
import { createRunMetrics } from '../../../main/engine/insight/runMetrics.ts';
import { openLedger } from '../../../main/engine/ledger/openLedger.ts';
import { systemClock } from '../../../main/engine/ports.ts';
import { EngineSettings, FolderInput } from '../../../shared/settings.ts';
import { MiB } from '../../../shared/units.ts';
import { blocking, peakRssBytes, sayFigures } from './figures.ts';

/*
 * One scan of a folder into a ledger, in a process of its own: `node test/bench/scale/scan.ts --root DIR --data-dir DIR`. The folder's keeper does it, as in the daemon: walk, stat, compare, insert, queue.
 * It has no store: nothing can be asked of one.
 */
const { values } = parseArgs({ options: { root: { type: 'string' }, 'data-dir': { type: 'string' } } });
const root = values.root!;
const began = performance.now();
const ledger = openLedger({ dataDir: values['data-dir']!, smallFileLimitBytes: 8 * MiB, holder: 'figures' });
const openMs = performance.now() - began;
const folder =
  ledger.folders()[0] ??
  ledger.addFolder(FolderInput.parse({ path: root, bucket: 'bucket', connection: {}, kind: 'kept' }));
const keeper = createFolderKeeper({
  folderId: folder.id,
  ledger,
  metrics: createRunMetrics(() => performance.now(), Math.random),
  clock: systemClock,
  settings: () => EngineSettings.parse({}),
  rules: ({ rules }) => rules,
  onSeenWhole: () => undefined,
  onQueued: () => undefined,
  onScan: () => undefined,
  onIssue: (error) => console.error(error),
  onRoot: () => undefined,
  onState: () => undefined,
  onFatal: (error) => {
    throw error;
  },
});
const blocked = blocking();
const from = performance.now();
const outcome = await keeper.scan(new AbortController().signal);
const scanMs = performance.now() - from;
const { p99, max } = blocked();
const { filesTotal, filesQueued } = ledger.counts(folder.id);
sayFigures({
  openMs,
  scanMs,
  wallMs: performance.now() - began,
  filesScanned: outcome.filesScanned,
  filesUnchanged: outcome.unchanged,
  filesTotal,
  filesQueued,
  controlBlockedP99Ms: p99,
  controlBlockedMaxMs: max,
  peakRssBytes: peakRssBytes(),
});
await keeper.close();
ledger.close();
