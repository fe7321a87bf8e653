import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type ErrorView, errorView, SluiceError } from '../../shared/errors.ts';
import type { EngineEvent } from '../../shared/events.ts';
import type { FolderId } from '../../shared/ids.ts';
import { folderUnder } from '../../shared/policy.ts';
import { noPriceFile, type PriceFile } from '../../shared/prices.ts';
import { type EngineSettings, FolderInput } from '../../shared/settings.ts';
import type { PauseState } from '../../shared/syncApi.ts';
import { createAccelerationBook } from './accelerationBook.ts';
import { createBudgetKeeper } from './budgetKeeper.ts';
import { createCostApi } from './costApi.ts';
import { createCostMeter } from './costMeter.ts';
import { createDeletesApi } from './deletesApi.ts';
import { createEndpointBook } from './endpointBook.ts';
import type { EngineOptions, SyncEngine } from './engine.ts';
import { createEngineApi } from './engineApi.ts';
import { createFatalWaits } from './fatalWaits.ts';
import { createFolderKeeper, type FolderKeeper } from './folderKeeper.ts';
import { folderRules } from './folderRules.ts';
import { readPriceFile } from './insight/priceFile.ts';
import { createRunMetrics } from './insight/runMetrics.ts';
import { createKeptDeletes } from './keptFolderDeletes.ts';
import type { FolderRow } from './ledger/ledger.ts';
import { openLedger } from './ledger/openLedger.ts';
import { createOnePass } from './onePass.ts';
import { createPairRestores } from './pairRestores.ts';
import { createPairVerifies } from './pairVerifies.ts';
import type { Patience } from './plan/afterFailure.ts';
import { type PolicyInForce, policyPlaces, readPolicy } from './policyFile.ts';
import { createPolicyReload } from './policyReload.ts';
import { watchPolicy } from './policyWatch.ts';
import { systemBusyMs, systemClock } from './ports.ts';
import { createReconcileSchedule } from './reconcileSchedule.ts';
import { refuseLockedFlags, runSettings } from './runSettings.ts';
import { smallFileLimitBytes } from './smallFiles.ts';
import { createStatusBoard } from './statusBoard.ts';
import { createStoreBook, stallTimeoutMs } from './storeBook.ts';
import { createSweeper } from './sweeper.ts';
import { startBandwidthSchedule } from './transfer/bandwidthSchedule.ts';
import { createSendPool } from './transfer/sendPool.ts';
import type { Observe } from './transfer/settleFailure.ts';
import { sweepUploads } from './transfer/sweepUploads.ts';
import { createTransfer } from './transfer/transfer.ts';
import { observeFile } from './watch/observeFile.ts';
import { rootIdentity, sameRoot } from './watch/rootIdentity.ts';

const pauseGraceMs = 3_000;

/** The engine, put together: one owner of the ledger, one pool of sending threads. Throws `ledger-*`. */
export async function createSyncEngine(options: EngineOptions): Promise<SyncEngine> {
  const clock = systemClock;
  const random = Math.random;
  const places = options.policyPlaces ?? policyPlaces();
  let inForce: PolicyInForce = readPolicy(places);
  const ledger = openLedger({ dataDir: options.dataDir, smallFileLimitBytes, holder: options.holder });
  try {
    refuseLockedFlags(ledger, inForce.policy, options);
  } catch (error) {
    ledger.close();
    throw error;
  }
  const metrics = createRunMetrics(() => performance.now(), random);
  const listeners = new Set<(event: EngineEvent) => void>();
  const keepers = new Map<FolderId, FolderKeeper>();
  const fatal = createFatalWaits(() => failure);
  let settings: EngineSettings = runSettings(ledger, inForce.policy, options);
  let patience: Patience = 'once';
  let pause: PauseState = { kind: 'running' };
  let failure: ErrorView | null = null;
  let cancelPauseTimer: () => void = () => undefined;
  let stopped: Promise<void> | null = null;

  /** A slip in the file of prices must not stop a backup: it is said, and the built-in ones count. */
  const pricesOrIssue = (): PriceFile => {
    try {
      const file = readPriceFile(options.dataDir);
      ledger.settleIssues(null, null, ['bad-settings']);
      return file;
    } catch (error) {
      ledger.raiseIssue({ folderId: null, path: null, error: errorView(error), atMs: clock.now() });
      return noPriceFile;
    }
  };
  const emit = (event: EngineEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const tellIssue = (folderId: FolderId | null, error: ErrorView): void => {
    emit({ type: 'issue', folderId, error });
    board.touch();
  };
  const onFatal = (error: unknown): void => {
    failure ??= errorView(error);
    fatal.end(error);
    tellIssue(null, failure);
  };
  /** For what nobody waits for: the ledger's errors end the engine. */
  const orStop = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!stopped) onFatal(error);
    }
  };
  const onRequest = (operation: string): void => metrics.requests([operation]);

  const prices = pricesOrIssue();
  const costs = createCostMeter({
    ledger,
    clock,
    prices,
    onFlushed: () => budget.check(),
    onFatal: (error) =>
      orStop(() => {
        throw error;
      }),
  });

  const stores = createStoreBook({
    secrets: options.secrets,
    chainCredentials: options.chainCredentials,
    onRequest,
    onMetered: costs.onMetered,
    policy: () => (inForce.source === null ? undefined : inForce.policy),
  });
  const pool = createSendPool({
    workers: Math.max(1, Math.min(8, availableParallelism())),
    maxSockets: 250,
    stallTimeoutMs,
    memoryBytes: settings.memoryBytes,
    onRequests: metrics.requests,
    onMetered: costs.merge,
  });

  const rules = (folder: FolderRow) => folderRules(folder, resolve(options.dataDir));
  const observe: Observe = async (folder, path) => {
    const root = await rootIdentity(folder.path).catch(() => null);
    const seen = ledger.folder(folder.id).root;
    if (!root || (seen && !sameRoot(root, seen))) return 'root-gone';
    return observeFile(folder.path, path);
  };
  const endpoints = createEndpointBook(ledger, clock);
  const transfer = createTransfer({
    acceleration: createAccelerationBook({ ledger, clock, settings: () => settings }),
    ledger,
    pool,
    endpoints,
    metrics,
    clock,
    random,
    busyMs: systemBusyMs,
    settings: () => settings,
    pinnedConnections: options.pinnedConnections,
    patience: () => patience,
    observe,
    copyObjectLimitBytes: options.copyObjectLimitBytes,
    onFile: (event) => {
      emit(event);
      board.touch();
    },
    onIssue: tellIssue,
    onReach: () => orStop(noteReach),
    onEnded: () => sweeper.soon(),
    onFatal,
  });
  const board = createStatusBoard({
    ledger,
    transfer,
    metrics,
    clock,
    keepers,
    pause: () => pause,
    failure: () => failure,
    maxBandwidth: () => bandwidth.limit(),
    budget: () => budget.state(),
    about: { version: options.version, host: options.host, dataDir: options.dataDir, startedAt: clock.now() },
    onProgress: emit,
  });
  const bandwidth = startBandwidthSchedule({ clock, settings: () => settings, pool, onChange: () => board.touch() });

  const budget = createBudgetKeeper({
    ledger,
    clock,
    limitUsd: () => settings.monthlyBudgetUsd,
    spentUsd: costs.spentUsd,
    hold: (reason) => transfer.hold(reason, pauseGraceMs),
    onIssue: (error) => tellIssue(null, error),
    onFatal: (error) =>
      orStop(() => {
        throw error;
      }),
  });
  orStop(budget.check);

  /** A store that refuses us needs the user; one that can't be reached is only said in the sentence. */
  const noteReach = (): void => {
    for (const folderId of keepers.keys()) {
      const reach = transfer.reach(folderId);
      if (reach.kind === 'reached') ledger.settleIssues(folderId, null, refusalCodes);
      else if (!reach.error.retryable) {
        ledger.raiseIssue({ folderId, path: null, error: reach.error, atMs: clock.now() });
        tellIssue(folderId, reach.error);
      }
    }
    board.touch();
  };

  /** As the administrator has it; throws `policy-refused`. */
  const governed = (folder: FolderRow): FolderRow => folderUnder(inForce.policy, folder);

  const keeperFor = (asStored: FolderRow): FolderKeeper => {
    const known = keepers.get(asStored.id);
    if (known) return known;
    const folder = governed(asStored);
    transfer.join(folder, stores.store(folder.connection, folder.bucket), stores.credentials(folder.connection));
    const keeper = createFolderKeeper({
      folderId: folder.id,
      ledger,
      metrics,
      clock,
      settings: () => settings,
      rules,
      onQueued: () => {
        transfer.wake(folder.id);
        sweeper.soon();
      },
      onScan: emit,
      onSeenWhole: () => keptDeletes.scanned(folder.id),
      onIssue: (error) => tellIssue(folder.id, error),
      onRoot: (problem) => {
        if (problem) transfer.pause(folder.id, 0);
        else if (!ledger.folder(folder.id).paused) transfer.resume(folder.id);
        board.touch();
      },
      onState: board.touch,
      onFatal,
    });
    keepers.set(folder.id, keeper);
    board.touch();
    return keeper;
  };

  const sweep = async () => {
    const isActive = (upload: { readonly fileId: number }): boolean =>
      transfer.active().some(({ file }) => file.id === upload.fileId);
    return sweepUploads({
      ledger,
      folders: ledger.folders(),
      isActive,
      storeFor: (bucket) => {
        const { connection, bucket: name } = JSON.parse(bucket) as Pick<FolderRow, 'connection' | 'bucket'>;
        return stores.store(connection, name);
      },
    });
  };
  const keptDeletes = createKeptDeletes({
    ledger,
    clock,
    placeOf: (folderId) => {
      const folder = governed(ledger.folder(folderId));
      const mayDelete =
        folder.kind === 'kept' &&
        !folder.paused &&
        pause.kind === 'running' &&
        !failure &&
        keepers.has(folderId) &&
        transfer.reach(folderId).kind === 'reached';
      const store = stores.store(folder.connection, folder.bucket);
      return mayDelete ? { folder, ledger, store, clock, onFile: emit } : null;
    },
    onDeleted: () => {
      metrics.counts.filesDeleted++;
      board.touch();
    },
    onIssue: tellIssue,
    onFatal,
  });
  const sweeper = createSweeper({ ledger, clock, sweep, onFatal });

  const keep = async (folder: FolderRow): Promise<void> => {
    try {
      keeperFor(folder).keep();
      ledger.settleIssues(folder.id, null, ['policy-refused']);
    } catch (error) {
      const view = errorView(error);
      if (view.code !== 'policy-refused') throw error;
      // One folder that may not be kept doesn't stop the others.
      ledger.raiseIssue({ folderId: folder.id, path: null, error: view, atMs: clock.now() });
      tellIssue(folder.id, view);
    }
  };

  const policyReload = createPolicyReload({
    ledger,
    keepers,
    transfer,
    keptDeletes,
    stores,
    take: (next) => {
      inForce = next;
      applySettings(runSettings(ledger, next.policy, options));
    },
    keep,
    stopped: () => stopped !== null,
    onState: () => board.touch(),
  });
  let stopPolicyWatch: () => void = () => undefined;

  const ending = new AbortController();
  const verifies = createPairVerifies({
    signal: ending.signal,
    ...{ ledger, clock, random, stores, pool, costs, rules },
    dataDir: options.dataDir,
  });
  const restores = createPairRestores({
    store: ({ connection, bucket }) => stores.store(connection, bucket),
    credentials: ({ connection }) => stores.credentials(connection),
    clock,
    random,
    stallTimeoutMs,
    onRequest,
    onMetered: ({ connection, bucket }) => costs.onMetered(connection, bucket),
  });

  const setPause = (next: PauseState): void => {
    pause = next;
    cancelPauseTimer();
    board.touch();
    if (next.kind === 'running') return transfer.resume(null);
    transfer.pause(null, pauseGraceMs);
    if (next.untilMs !== null)
      cancelPauseTimer = clock.after(Math.max(0, next.untilMs - clock.now()), () => setPause({ kind: 'running' }));
  };

  const deletesApi = createDeletesApi({
    ledger,
    clock,
    store: (folder) => stores.store(folder.connection, folder.bucket),
    policy: () => inForce.policy,
    rescan: (folderId) => keepers.get(folderId)?.rescan(),
    onChanged: (folderId) => {
      transfer.wake(folderId);
      board.touch();
    },
    signal: ending.signal,
  });
  const reconciling = createReconcileSchedule({
    ledger,
    clock,
    settings: () => settings,
    reconcile: (folderId) => deletesApi.reconcileFolder({ folderId }),
    onFatal,
  });
  const applySettings = (next: EngineSettings): void => {
    settings = next;
    bandwidth.apply();
    budget.check();
    pool.setMemory(next.memoryBytes);
    transfer.wake();
  };

  const api = createEngineApi({
    deletes: deletesApi,
    ledger,
    board,
    secrets: options.secrets,
    settings: () => settings,
    credentials: stores.credentials,
    onRequest,
    costs: createCostApi({
      ledger,
      costs,
      clock,
      settings: () => settings,
      dataDir: resolve(options.dataDir),
      store: stores.store,
      credentials: stores.credentials,
      onRequest,
    }),
    keep,
    drop: async (folderId) => {
      const keeper = keepers.get(folderId);
      keepers.delete(folderId);
      keptDeletes.stop(folderId);
      await keeper?.close();
      await transfer.leave(folderId);
      sweeper.soon();
    },
    pauseFolder: (folderId, paused) => {
      if (paused) transfer.pause(folderId, pauseGraceMs);
      else transfer.resume(folderId);
    },
    rescan: (folderId) => keeperFor(ledger.folder(folderId)).rescan(),
    verify: verifies.verify,
    restores,
    verifyProgress: verifies.progress,
    rules,
    setPause,
    policy: () => inForce,
    applySettings: (next) => applySettings(next),
    tryNow: (folderId) => {
      for (const id of folderId === null ? keepers.keys() : [folderId]) {
        transfer.tryNow(id);
        if (keepers.get(id)?.rootProblem) keepers.get(id)?.rescan();
      }
      transfer.wake();
    },
  });

  return {
    api,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    sentence: board.sentence,
    ensureFolder: async (given) => {
      const input = FolderInput.parse({ ...given, path: resolve(given.path) });
      folderUnder(inForce.policy, input);
      await rootIdentity(input.path);
      const same = ledger
        .folders()
        .find(
          ({ path, bucket, prefix, connection }) =>
            path === input.path &&
            bucket === input.bucket &&
            prefix === input.prefix &&
            connection.endpointUrl === input.connection.endpointUrl,
        );
      if (!same) return ledger.addFolder(input).id;
      const { rules, objects, deletes, connection } = input;
      ledger.updateFolder(
        same.id,
        same.kind === 'kept' ? { rules, objects, deletes } : { rules, objects, deletes, connection },
      );
      return same.id;
    },
    runOnce: createOnePass({
      ledger,
      clock,
      metrics,
      costs,
      endpoints,
      stores,
      pool,
      transfer,
      keepers,
      keeperFor,
      governed,
      rules,
      settings: () => settings,
      storePatienceMs: options.storePatienceMs,
      sweep,
      fatal,
      onFile: emit,
    }),
    start: async (also = []) => {
      patience = 'forever';
      sweeper.start();
      reconciling.start();
      stopPolicyWatch = watchPolicy({ places, clock, inForce: () => inForce, apply: policyReload, onFatal });
      for (const folder of ledger.folders()) if (folder.kind === 'kept' || also.includes(folder.id)) await keep(folder);
    },
    summary: (exitCode) => metrics.summary(exitCode),
    metrics: async () => {
      const { meterReading } = await import('./meterReading.ts');
      const { dataDir, version } = options;
      return meterReading({ ledger, transfer, metrics, settings: () => settings, dataDir, version });
    },
    stop: ({ graceMs = 0 } = {}) => {
      stopped ??= (async () => {
        cancelPauseTimer();
        bandwidth.stop();
        sweeper.stop();
        reconciling.stop();
        keptDeletes.stop();
        stopPolicyWatch();
        ending.abort(new SluiceError('interrupted', 'Stopped'));
        await restores.stop();
        await Promise.all([...keepers.values()].map((keeper) => keeper.close()));
        await transfer.stop(graceMs);
        await pool.close();
        // The last counts come with the threads' last words.
        if (!failure) orStop(costs.flush);
        costs.stop();
        budget.stop();
        board.stop();
        stores.close();
        ledger.close();
      })();
      return stopped;
    },
  };
}

const refusalCodes = [
  'no-credentials',
  'wrong-keys',
  'expired-credentials',
  'access-denied',
  'no-such-bucket',
  'wrong-region',
  'clock-skew',
  'store-tls',
  'policy-refused',
];
