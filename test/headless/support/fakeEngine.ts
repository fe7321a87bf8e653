import type { DryRunFile, EngineOptions, SyncEngine } from '../../../main/engine/engine.ts';
import { emptySummary } from '../../../main/headless/report/syncReport.ts';
import { emptySnapshot } from '../../../shared/emptySnapshot.ts';
import type { EngineEvent, SyncSummary } from '../../../shared/events.ts';
import { asFolderId } from '../../../shared/ids.ts';
import type { Sentence } from '../../../shared/sentence.ts';
import type { FolderInput } from '../../../shared/settings.ts';
import type { FolderView, RestoreReport, Snapshot, SyncApi, Update, VerifyReport } from '../../../shared/syncApi.ts';

export interface FakeEngineScript {
  /** Events told during runOnce. */
  readonly events?: readonly EngineEvent[];
  readonly planned?: readonly DryRunFile[];
  readonly summary?: Partial<SyncSummary>;
  /** Thrown by runOnce. */
  readonly failure?: Error;
  /** runOnce and start never come back by themselves. */
  readonly endless?: boolean;
  readonly folders?: readonly FolderView[];
  readonly sentence?: Sentence;
  readonly verify?: VerifyReport;
}

export interface FakeEngine extends SyncEngine {
  /** What was called, in order. */
  readonly calls: string[];
  readonly inputs: FolderInput[];
  readonly options: EngineOptions;
  tell(event: EngineEvent): void;
  push(update: Update): void;
}

/** A SyncEngine that plays a script: what commands do with an engine, without one. */
export function fakeEngine(options: EngineOptions, script: FakeEngineScript = {}): FakeEngine {
  const calls: string[] = [];
  const inputs: FolderInput[] = [];
  const listeners = new Set<(event: EngineEvent) => void>();
  const subscribers = new Set<(update: Update) => void>();
  const tell = (event: EngineEvent) => {
    for (const listener of listeners) listener(event);
  };
  const sentence = (): Sentence => script.sentence ?? { state: 'safe', text: 'All 1 files are safely in S3' };
  const snapshot = (): Snapshot => ({
    ...emptySnapshot({
      seq: 1,
      at: 0,
      sentence: sentence(),
      about: { version: options.version, host: options.host, dataDir: options.dataDir, startedAt: 0 },
    }),
    folders: [...(script.folders ?? [])],
  });
  const api: Partial<SyncApi> = {
    snapshot: async () => snapshot(),
    issues: async () => ({ issues: [] }),
    addFolder: async () => {
      calls.push('addFolder');
      return { folderId: asFolderId(7) };
    },
    pauseFolder: async ({ folderId }) => {
      calls.push(`pauseFolder ${folderId}`);
      return {};
    },
    verifyFolder: async ({ deep }) => {
      calls.push(`verifyFolder${deep ? ' deep' : ''}`);
      return script.verify ?? emptyReport;
    },
    verifyProgress: async () => null,
    restoreFolder: async () => emptyRestore,
    restoreProgress: async () => null,
    cancelRestore: async () => ({}),
    subscribe: (listener) => {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
  };
  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  return {
    api: api as SyncApi,
    calls,
    inputs,
    options,
    tell,
    push: (update) => {
      for (const listener of subscribers) listener(update);
    },
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    sentence,
    ensureFolder: async (input) => {
      calls.push('ensureFolder');
      inputs.push(input);
      return asFolderId(1);
    },
    runOnce: async (_folderId, run) => {
      calls.push(run.dryRun ? 'runOnce dry' : 'runOnce');
      for (const event of script.events ?? []) tell(event);
      for (const file of script.planned ?? []) run.onPlanned?.(file);
      if (script.failure) throw script.failure;
      if (script.endless) await untilAborted(run.signal);
      return { ...emptySummary(0), ...script.summary };
    },
    start: async () => {
      calls.push('start');
      for (const event of script.events ?? []) tell(event);
    },
    metrics: async () => [
      { name: 'sluice_connections', help: 'Connections in use', type: 'gauge', samples: [{ value: 3 }] },
    ],
    summary: (exitCode) => ({ ...emptySummary(exitCode), ...script.summary, exitCode }),
    stop: async () => {
      calls.push('stop');
    },
  };
}

const emptyRestore: RestoreReport = {
  ...{ filesListed: 0, filesExcluded: 0, filesRestored: 0, filesSkipped: 0, filesFailed: 0, filesNotVerified: 0 },
  ...{ bytesRestored: 0, bytesReceived: 0, bytesResumed: 0, retries: 0, durationMs: 0, failures: [] },
};
const emptyReport: VerifyReport = {
  ok: true,
  deep: false,
  filesChecked: 3,
  bytesChecked: 30,
  bytesReread: 0,
  problems: [],
  durationMs: 5,
};

export function folderView(change: Partial<FolderView> = {}): FolderView {
  return {
    id: asFolderId(1),
    kind: 'kept',
    path: '/data/photos',
    bucket: 'bucket',
    prefix: '',
    uri: 's3://bucket/',
    endpointUrl: null,
    region: null,
    rules: { include: [], exclude: [] },
    phase: 'safe',
    phaseText: 'Safe',
    paused: false,
    totalsAtLeast: false,
    filesTotal: 3,
    bytesTotal: 30,
    filesProven: 3,
    bytesProven: 30,
    filesQueued: 0,
    bytesQueued: 0,
    filesFailed: 0,
    lastScanAt: null,
    lastUploadAt: null,
    watcher: 'watching',
    issueCount: 0,
    ...change,
  };
}
