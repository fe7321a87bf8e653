import type { EngineSettings } from '../../../shared/settings.ts';
import type { Lane, Ledger, SizeClass } from '../ledger/ledger.ts';
import { multipartThresholdBytes, type PartPlan, planUpload, tablePartSize } from '../plan/partPlan.ts';
import { speedAt, weekTimeOf } from '../plan/speedSchedule.ts';
import { sizeClassOf, tune, tuningStoreOf } from '../plan/tuner.ts';
import type { Clock, Random } from '../ports.ts';
import type { StoreFlow } from './storeFlow.ts';
import type { UploadContext } from './uploadContext.ts';

/** How each file goes, from the settings, the link as measured, and what earlier uploads to the store gave; and what this one gave, for the next. */
export interface UploadPlans {
  /** Throws `file-too-large`. */
  planFor(context: Pick<UploadContext, 'folder' | 'flow' | 'endpoint'>, sizeBytes: number): PartPlan;
  /** Connections to begin with; null: nothing is known. */
  startFor(folder: StoreOf, lane: Lane): number | null;
  /** A file is through: `bytes` of it were sent in `durationMs`. */
  learn(context: Pick<UploadContext, 'folder' | 'flow'>, upload: Finished): void;
  /** The user holds the link back now. */
  isLimited(): boolean;
  /** Writes down what is still gathered of many small ones. */
  flush(): void;
}

type StoreOf = UploadContext['folder'];

export interface Finished {
  readonly lane: Lane;
  readonly sizeBytes: number;
  /** 0: one PutObject. */
  readonly partSizeBytes: number;
  readonly durationMs: number;
}

/** Less tells nothing of a link. */
const tellingBytes = 256 * 2 ** 20;
const tellingMs = 2_000;

export function createUploadPlans(options: {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: () => EngineSettings;
}): UploadPlans {
  const { ledger, clock, random, settings } = options;
  const limitNow = (): number | null => {
    const rules = settings();
    if (rules.bandwidthSchedule.length === 0) return rules.maxBandwidthBytesPerSecond;
    return speedAt(rules, weekTimeOf(new Date(clock.now()))).bytesPerSecond;
  };
  /** Small and medium files, summed up until they tell something. */
  const gathered = new Map<
    string,
    {
      sinceMs: number;
      lastMs: number;
      bytes: number;
      count: number;
      folder: StoreOf;
      flow: StoreFlow;
      sizeClass: SizeClass;
      lane: Lane;
    }
  >();

  const record = (folder: StoreOf, row: Omit<Parameters<Ledger['recordTuning']>[0], 'store' | 'at'>): void =>
    ledger.recordTuning({ store: tuningStoreOf(folder.connection, folder.bucket), at: clock.now(), ...row });

  const flushOne = (key: string): void => {
    const run = gathered.get(key);
    if (!run) return;
    gathered.delete(key);
    const settled = run.flow.settled(run.lane);
    const elapsedMs = run.lastMs - run.sinceMs;
    if (settled === null || elapsedMs < tellingMs || run.count < 50) return;
    record(run.folder, {
      sizeClass: run.sizeClass,
      partSizeBytes: 0,
      concurrency: settled.connections,
      bytesPerSecond: (run.bytes * 1000) / elapsedMs,
      bytes: run.bytes,
    });
  };

  return {
    planFor: ({ folder, flow, endpoint }, sizeBytes) => {
      const { memoryBytes, maxConnections, partSizeBytes } = settings();
      const limit = limitNow();
      // For the thousands of small ones there is nothing to choose.
      const choice =
        sizeBytes < multipartThresholdBytes || partSizeBytes !== 'auto'
          ? null
          : tune({
              history: ledger.tuning(tuningStoreOf(folder.connection, folder.bucket), sizeClassOf(sizeBytes)),
              sizeBytes,
              tablePartSizeBytes: tablePartSize(sizeBytes),
              partSizeFixed: false,
              random: random(),
            });
      const measured = flow.bytesPerSecond() ?? choice?.bytesPerSecond ?? null;
      return planUpload({
        sizeBytes,
        bandwidthBytesPerSecond: limit === null ? measured : Math.min(limit, measured ?? limit),
        limitBytesPerSecond: limit,
        memoryBytes,
        maxConnections,
        partSizeBytes,
        maxObjectBytes: endpoint.capabilities().maxObjectBytes,
        tuned:
          choice === null || choice.partSizeBytes === null
            ? null
            : { partSizeBytes: choice.partSizeBytes, reason: choice.reasons.at(-1) ?? '' },
      });
    },
    startFor: (folder, lane) => {
      const store = tuningStoreOf(folder.connection, folder.bucket);
      const history = (lane === 'small' ? ['small'] : ['large', 'huge']).flatMap((sizeClass) =>
        ledger.tuning(store, sizeClass as SizeClass),
      );
      return tune({ history, sizeBytes: 0, tablePartSizeBytes: 0, partSizeFixed: true, random: null }).startConcurrency;
    },
    learn: ({ folder, flow }, { lane, sizeBytes, partSizeBytes, durationMs }) => {
      // What the user or the store holds back says nothing of the setting.
      if (limitNow() !== null || flow.isThrottled()) return;
      const sizeClass = sizeClassOf(sizeBytes);
      const now = clock.now();
      if (partSizeBytes > 0) {
        const settled = flow.settled('large');
        if (settled === null || sizeBytes < tellingBytes || durationMs < tellingMs / 4) return;
        const bytesPerSecond = (sizeBytes * 1000) / Math.max(1, durationMs);
        return record(folder, {
          sizeClass,
          partSizeBytes,
          concurrency: settled.connections,
          bytesPerSecond,
          bytes: sizeBytes,
        });
      }
      const key = `${folder.id}/${sizeClass}/${lane}`;
      const before = gathered.get(key);
      // A lull ends a run: what comes after it is another.
      if (before && (now - before.lastMs > 1_000 || now - before.sinceMs > 5 * tellingMs)) flushOne(key);
      const run = gathered.get(key);
      if (!run) {
        gathered.set(key, { sinceMs: now, lastMs: now, bytes: 0, count: 0, folder, flow, sizeClass, lane });
        return;
      }
      run.bytes += sizeBytes;
      run.count++;
      run.lastMs = now;
    },
    isLimited: () => limitNow() !== null,
    flush: () => {
      for (const key of [...gathered.keys()]) flushOne(key);
    },
  };
}
