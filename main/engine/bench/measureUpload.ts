import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchCell, BenchSample } from '../../../shared/bench.ts';
import { SluiceError } from '../../../shared/errors.ts';
import type { SyncSummary } from '../../../shared/events.ts';
import { type EngineSettings, FolderInput, type StoreConnection } from '../../../shared/settings.ts';
import { MiB } from '../../../shared/units.ts';
import type { EngineOptions, SyncEngine } from '../engine.ts';
import { sizeClassOf } from '../plan/tuner.ts';

export interface Measurement {
  readonly cell: BenchCell;
  readonly sizeBytes: number;
  readonly files: number;
  /** Folder with the files. */
  readonly source: string;
  /** Of this measurement alone. */
  readonly prefix: string;
  readonly connection: StoreConnection;
  readonly bucket: string;
  /** What the tuner is given first; empty: it knows nothing. */
  readonly samples: readonly BenchSample[];
  readonly signal: AbortSignal;
  /** Several times a second: bytes sent, and those of them in vain. */
  readonly onSent: (bytesSent: number, bytesWasted: number) => void;
}

export interface Measured {
  readonly bytesPerSecond: number;
  readonly summary: SyncSummary;
}

/**
 * Uploads the files once by an engine of its own, as `sluice sync` does, from reading the folder to the last confirmed file. `onSummary` hears what was sent, however it ends.
 * Throws what a file failed with, or the signal's reason.
 */
export async function measureUpload(
  createEngine: (options: EngineOptions) => Promise<SyncEngine>,
  engineOptions: Omit<EngineOptions, 'dataDir' | 'settings'>,
  place: string,
  given: Measurement,
  onSummary: (summary: SyncSummary) => void,
): Promise<Measured> {
  const dataDir = join(place, 'engine');
  await rm(dataDir, { recursive: true, force: true });
  const { cell, signal, sizeBytes, files, bucket, connection, prefix, samples } = given;
  const engine = await createEngine({
    ...engineOptions,
    dataDir,
    settings: settingsOf(cell, sizeBytes),
    ...(cell.connections !== null && { pinnedConnections: cell.connections }),
  });
  let startedAt: number | null = null;
  let endedAt = 0;
  let failed: SluiceError | null = null;
  engine.onEvent((event) => {
    if (event.type === 'scan') startedAt ??= performance.now();
    if (event.type !== 'file') return;
    endedAt = performance.now();
    if (event.error) failed ??= SluiceError.fromView(event.error);
  });
  const watching = new AbortController();
  const watch = watchSent(engine, given.onSent, watching.signal);
  try {
    if (samples.length > 0) {
      const { endpointUrl } = connection;
      await engine.api.applyBenchmark({
        ...{ endpointUrl, bucket },
        sizes: [{ sizeClass: sizeClassOf(sizeBytes), samples: [...samples] }],
      });
    }
    const folder = FolderInput.parse({ path: given.source, bucket, prefix, connection, kind: 'manual' });
    const summary = await engine.runOnce(await engine.ensureFolder(folder), { signal, dryRun: false });
    if (failed !== null) throw failed;
    if (summary.filesUploaded !== files)
      throw new SluiceError('conflict', `${summary.filesUploaded} of ${files} files were uploaded`, {
        remedy: 'Run it again; nothing may change its files meanwhile.',
      });
    const elapsedMs = Math.max(1, endedAt - (startedAt ?? endedAt));
    return { bytesPerSecond: (sizeBytes * files * 1000) / elapsedMs, summary };
  } finally {
    watching.abort();
    await watch;
    await engine.stop();
    onSummary(engine.summary(0));
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Room beside what is held, for what the large lane leaves to the small one (slots.ts). */
const laneShare = 0.9;

function settingsOf(cell: BenchCell, sizeBytes: number): Partial<EngineSettings> {
  if (cell.kind === 'default' || cell.connections === null) return {};
  const partSizeBytes = cell.strategy === 'put' ? Math.max(5 * MiB, sizeBytes) : cell.partSizeBytes;
  return { partSizeBytes, maxConnections: Math.min(250, Math.ceil(cell.connections / laneShare) + 2) };
}

async function watchSent(engine: SyncEngine, onSent: Measurement['onSent'], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { bytesSent, bytesWasted } = engine.summary(0);
    onSent(bytesSent, bytesWasted);
    await sleep(25, undefined, { signal }).catch(() => undefined);
  }
}
