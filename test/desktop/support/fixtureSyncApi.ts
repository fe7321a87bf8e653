import { emptySnapshot } from '../../../shared/emptySnapshot.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { asFolderId } from '../../../shared/ids.ts';
import { defaultEngineSettings } from '../../../shared/settings.ts';
import type {
  FolderView,
  ParamsOf,
  Snapshot,
  SyncApi,
  SyncApiMethod,
  TransferView,
  Update,
} from '../../../shared/syncApi.ts';
import { costFixtures } from '../../support/costFixtures.ts';

/** A SyncApi without an engine: what it was asked for is recorded, what it tells is decided by the test. */
export interface FixtureApi extends SyncApi {
  readonly calls: { readonly method: SyncApiMethod; readonly params: unknown }[];
  readonly subscribers: () => number;
  /** Tells subscribers; the snapshot follows. */
  tell(update: Omit<Update, 'seq' | 'at'>): void;
}

export function createFixtureApi(start: Partial<Snapshot> = {}): FixtureApi {
  let snapshot: Snapshot = { ...fixtureSnapshot(), ...start };
  const listeners = new Set<(update: Update) => void>();
  const calls: FixtureApi['calls'] = [];
  const note =
    <M extends SyncApiMethod, Result>(method: M, result: (params: ParamsOf<M>) => Result) =>
    async (params: ParamsOf<M>): Promise<Result> => {
      calls.push({ method, params });
      return result(params);
    };
  const tell: FixtureApi['tell'] = (update) => {
    const full: Update = { ...update, seq: snapshot.seq + 1, at: snapshot.at + 250 };
    snapshot = { ...snapshot, ...(update as Partial<Snapshot>), seq: full.seq, at: full.at };
    for (const listener of listeners) listener(full);
  };
  return {
    calls,
    tell,
    subscribers: () => listeners.size,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    snapshot: note('snapshot', () => snapshot),
    addFolder: note('addFolder', () => ({ folderId: asFolderId(2) })),
    removeFolder: note('removeFolder', () => ({})),
    pauseFolder: note('pauseFolder', () => ({})),
    resumeFolder: note('resumeFolder', () => ({})),
    rescanFolder: note('rescanFolder', () => ({})),
    verifyProgress: note('verifyProgress', () => null),
    restoreFolder: note('restoreFolder', () => {
      throw new Error('the desktop tests restore nothing');
    }),
    restoreProgress: note('restoreProgress', () => null),
    cancelRestore: note('cancelRestore', () => ({})),
    verifyFolder: note('verifyFolder', () => {
      throw new SluiceError('no-such-bucket', 'The bucket photos does not exist');
    }),
    pendingDeletes: note('pendingDeletes', () => ({
      policy: { kind: 'never' },
      versioning: 'off',
      needsApproval: false,
      held: 0,
      heldBytes: 0,
      approved: 0,
      kept: 0,
      asOf: 0,
      rows: [],
    })),
    approveDeletes: note('approveDeletes', () => ({ files: 0 })),
    keepDeletes: note('keepDeletes', () => ({ files: 0 })),
    setDeletePolicy: note('setDeletePolicy', () => ({})),
    reconcileFolder: note('reconcileFolder', () => {
      throw new SluiceError('no-such-bucket', 'The bucket photos does not exist');
    }),
    resolveConflict: note('resolveConflict', () => ({})),
    explainPath: note('explainPath', () => ({ kind: 'taken' as const, reason: 'No rule leaves it out.' })),
    pauseAll: note('pauseAll', ({ untilMs }) => {
      tell({ pause: { kind: 'paused', untilMs }, sentence: { state: 'paused', text: 'Paused' } });
      return {};
    }),
    resumeAll: note('resumeAll', () => {
      tell({ pause: { kind: 'running' }, sentence: fixtureSnapshot().sentence });
      return {};
    }),
    activity: note('activity', () => ({ rows: [], hasMore: false, total: 0 })),
    issues: note('issues', () => ({ issues: [] })),
    retryIssue: note('retryIssue', () => ({})),
    dismissIssue: note('dismissIssue', () => ({})),
    policy: note('policy', () => ({ source: null, locks: [] })),
    settings: note('settings', () => defaultEngineSettings),
    updateSettings: note('updateSettings', (change) => ({ ...defaultEngineSettings, ...(change as object) })),
    probeConnection: note('probeConnection', () => ({ ok: true, steps: [], buckets: ['photos'], clockSkewMs: 0 })),
    applyBenchmark: note('applyBenchmark', () => ({})),
    ...costFixtures,
    listLocalDirectory: note('listLocalDirectory', () => ({ path: '/', parent: null, directories: [] })),
  };
}

export function fixtureFolder(change: Partial<FolderView> = {}): FolderView {
  return {
    id: asFolderId(1),
    kind: 'kept',
    path: '/home/ada/Photos',
    bucket: 'photos',
    prefix: '',
    uri: 's3://photos/',
    endpointUrl: null,
    region: 'eu-west-1',
    rules: { include: [], exclude: [] },
    phase: 'safe',
    phaseText: 'All safe',
    paused: false,
    totalsAtLeast: false,
    filesTotal: 3,
    bytesTotal: 3000,
    filesProven: 3,
    bytesProven: 3000,
    filesQueued: 0,
    bytesQueued: 0,
    filesFailed: 0,
    lastScanAt: 1_790_000_000_000,
    lastUploadAt: 1_790_000_000_000,
    watcher: 'watching',
    issueCount: 0,
    ...change,
  };
}

export function fixtureTransfer(change: Partial<TransferView> = {}): TransferView {
  return {
    id: 't1',
    folderId: asFolderId(1),
    path: 'album/beach.raw',
    key: 'album/beach.raw',
    strategy: 'multipart',
    phase: 'sending',
    bytesTotal: 1000,
    bytesDone: 437,
    bytesPerSecond: 100,
    partCount: 4,
    partsDone: 1,
    partMap: '#~..',
    resumedParts: 0,
    retries: 0,
    startedAt: 1_790_000_000_000,
    endpoint: 'regional',
    ...change,
  };
}

export function fixtureSnapshot(change: Partial<Snapshot> = {}): Snapshot {
  const empty = emptySnapshot({
    seq: 7,
    at: 1_790_000_000_000,
    sentence: { state: 'safe', text: 'All 3 files are safely in S3' },
    about: { version: '0.1.0', host: 'electron', dataDir: '/data', startedAt: 1_790_000_000_000 },
  });
  return {
    ...empty,
    folders: [fixtureFolder()],
    totals: { ...empty.totals, filesToday: 3, bytesToday: 3000 },
    ...change,
  };
}
