import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { SluiceError } from '../../shared/errors.ts';
import { asRelativePath, type FolderId } from '../../shared/ids.ts';
import {
  type AdminPolicy,
  folderUnder,
  locksOf,
  refuseLocked,
  refusePlace,
  settingsUnder,
} from '../../shared/policy.ts';
import {
  defaultEngineSettings,
  type EngineSettings,
  EngineSettingsChange,
  FolderInput,
  type FolderRules,
  type StoreConnection,
} from '../../shared/settings.ts';
import type {
  ConnectionInput,
  LocalDirectory,
  PauseState,
  SyncApi,
  VerifyProgress,
  VerifyReport,
} from '../../shared/syncApi.ts';
import type { CostMethods } from './costApi.ts';
import type { DeletesApi } from './deletesApi.ts';
import type { SecretStore } from './engine.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import type { PairRestores } from './pairRestores.ts';
import { tuningStoreOf } from './plan/tuner.ts';
import type { PolicyInForce } from './policyFile.ts';
import type { StatusBoard } from './statusBoard.ts';
import type { CredentialsProvider } from './store/store.ts';
import { rootIdentity } from './watch/rootIdentity.ts';

export interface ApiOptions {
  readonly ledger: Ledger;
  readonly board: StatusBoard;
  readonly secrets: SecretStore;
  readonly settings: () => EngineSettings;
  readonly policy: () => PolicyInForce;
  readonly credentials: (connection: StoreConnection) => CredentialsProvider;
  readonly onRequest: (operation: string) => void;
  readonly costs: CostMethods;
  /** Begins, or ends, keeping a folder. */
  readonly keep: (folder: FolderRow) => Promise<void>;
  readonly drop: (folder: FolderId) => Promise<void>;
  readonly pauseFolder: (folder: FolderId, paused: boolean) => void;
  readonly rescan: (folder: FolderId) => void;
  readonly verify: (
    folder: FolderId,
    how: { readonly deep: boolean; readonly fresh: boolean },
  ) => Promise<VerifyReport>;
  readonly restores: PairRestores;
  readonly verifyProgress: (folder: FolderId) => VerifyProgress | null;
  readonly deletes: DeletesApi;
  /** Of a folder, our own data directory among what is left out. */
  readonly rules: (folder: FolderRow) => FolderRules;
  readonly setPause: (pause: PauseState) => void;
  readonly applySettings: (settings: EngineSettings) => void;
  /** Probe the folder's store and try its failed files again, now. */
  readonly tryNow: (folder: FolderId | null) => void;
}

const settingsKey = 'engine';

/** What the user chose, under the policy. */
export function storedSettings(ledger: Ledger, policy: AdminPolicy): EngineSettings {
  return settingsUnder(policy, chosenSettings(ledger), defaultEngineSettings);
}

const chosenSettings = (ledger: Ledger): EngineSettingsChange =>
  EngineSettingsChange.parse(ledger.setting(settingsKey) ?? {});

/** What `change` makes different; the rest was only said again. */
function differing(change: EngineSettingsChange, now: EngineSettings): EngineSettingsChange {
  const same = (name: string, value: unknown) =>
    JSON.stringify(now[name as keyof EngineSettings]) === JSON.stringify(value);
  return Object.fromEntries(Object.entries(change).filter(([name, value]) => !same(name, value)));
}

/** SyncApi, implemented once for every host. */
export function createEngineApi(options: ApiOptions): SyncApi {
  const { ledger, board, secrets } = options;
  return {
    subscribe: board.subscribe,
    snapshot: async () => board.snapshot(),
    addFolder: async ({ connection, ...input }) => {
      const path = resolve(input.path);
      await rootIdentity(path);
      refuseTwins(ledger, path, input.bucket, input.prefix, connection.endpointUrl);
      folderUnder(options.policy().policy, {
        ...FolderInput.omit({ connection: true }).parse({ ...input, path }),
        connection,
      });
      const kept = await keepKeys(connection, secrets);
      const folder = ledger.addFolder(FolderInput.parse({ ...input, path, connection: kept }));
      await options.keep(folder);
      board.touch();
      return { folderId: folder.id };
    },
    removeFolder: async ({ folderId }) => {
      const { connection } = ledger.folder(folderId);
      await options.drop(folderId);
      ledger.removeFolder(folderId);
      if (connection.credentials.kind === 'secret') await forgetUnused(ledger, secrets, connection.credentials.ref);
      board.touch();
      return {};
    },
    pauseFolder: async ({ folderId }) => {
      ledger.updateFolder(folderId, { paused: true });
      options.pauseFolder(folderId, true);
      board.touch();
      return {};
    },
    resumeFolder: async ({ folderId }) => {
      ledger.updateFolder(folderId, { paused: false });
      options.pauseFolder(folderId, false);
      board.touch();
      return {};
    },
    rescanFolder: async ({ folderId }) => {
      ledger.folder(folderId);
      options.rescan(folderId);
      return {};
    },
    verifyFolder: ({ folderId, deep, fresh = false }) => options.verify(folderId, { deep, fresh }),
    verifyProgress: async ({ folderId }) => options.verifyProgress(folderId),
    restoreFolder: async ({ folderId, ...how }) => options.restores.start(ledger.folder(folderId), how),
    restoreProgress: async ({ folderId }) => options.restores.progress(folderId),
    cancelRestore: async ({ folderId }) => {
      options.restores.cancel(folderId);
      return {};
    },
    ...options.deletes,
    explainPath: async ({ folderId, path }) => {
      const { whyPath } = await import('./watch/whyPath.ts');
      const folder = ledger.folder(folderId);
      return whyPath(folder.path, options.rules(folder), folder.prefix, asRelativePath(path));
    },
    pauseAll: async ({ untilMs }) => {
      options.setPause({ kind: 'paused', untilMs });
      board.touch();
      return {};
    },
    resumeAll: async () => {
      options.setPause({ kind: 'running' });
      board.touch();
      return {};
    },
    activity: async (query) => {
      const { rows, hasMore, total } = ledger.activity(query);
      return { rows: [...rows], hasMore, total };
    },
    issues: async () => ({ issues: [...ledger.issues()] }),
    retryIssue: async ({ issueId }) => {
      const issue = ledger.issue(issueId);
      if (!issue) throw new SluiceError('not-found', 'This issue is already settled');
      if (issue.folderId !== null) ledger.retryNow(issue.folderId, issue.path as Parameters<Ledger['retryNow']>[1]);
      ledger.settleIssues(issue.folderId, issue.path, [issue.code]);
      options.tryNow(issue.folderId);
      board.touch();
      return {};
    },
    dismissIssue: async ({ issueId }) => {
      const issue = ledger.issue(issueId);
      if (issue) ledger.settleIssues(issue.folderId, issue.path, [issue.code]);
      board.touch();
      return {};
    },
    settings: async () => options.settings(),
    policy: async () => {
      const { source, policy } = options.policy();
      return { source, locks: [...locksOf(policy)] };
    },
    updateSettings: async (change) => {
      const { policy } = options.policy();
      refuseLocked(policy, change);
      const stored = storedSettings(ledger, policy);
      ledger.setSetting(settingsKey, { ...chosenSettings(ledger), ...differing(change, stored) });
      const next = storedSettings(ledger, policy);
      options.applySettings(next);
      board.touch();
      return next;
    },
    probeConnection: async ({ connection, bucket }) => {
      const { policy } = options.policy();
      if (bucket !== null) refusePlace(policy, connection, bucket);
      const { probeStore } = await import('./store/probeStore.ts');
      const { credentials, ...rest } = connection;
      const probed: StoreConnection = {
        ...rest,
        credentials: { kind: 'chain', profile: credentials.kind === 'chain' ? credentials.profile : null },
      };
      const provider: CredentialsProvider =
        credentials.kind === 'keys' ? async () => credentials : options.credentials(probed);
      return probeStore({ connection: probed, bucket, credentials: provider, policy });
    },
    applyBenchmark: async ({ endpointUrl, bucket, sizes }) => {
      const store = tuningStoreOf({ endpointUrl }, bucket);
      for (const { sizeClass, samples } of sizes)
        ledger.replaceTuning(
          store,
          sizeClass,
          samples.map((sample) => ({ store, sizeClass, at: Date.now(), ...sample })),
        );
      return {};
    },
    listLocalDirectory: ({ path }) => listLocalDirectory(path),
    ...options.costs,
  };
}

/** Two pairs writing the same keys would overwrite each other without end. */
function refuseTwins(ledger: Ledger, path: string, bucket: string, prefix: string, endpointUrl: string | null): void {
  for (const folder of ledger.folders()) {
    if (folder.kind !== 'kept' || folder.bucket !== bucket || folder.connection.endpointUrl !== endpointUrl) continue;
    const overlap = folder.prefix.startsWith(prefix) || prefix.startsWith(folder.prefix);
    if (folder.path === path && folder.prefix === prefix) {
      throw new SluiceError('bad-settings', 'This folder is already kept there', {
        remedy: 'Choose another folder or prefix.',
        retryable: false,
      });
    }
    if (folder.prefix === prefix || (overlap && folder.path === path)) {
      throw new SluiceError('bad-settings', `s3://${bucket}/${prefix} already belongs to ${folder.path}`, {
        remedy: 'Choose another prefix, so that the two never overwrite each other.',
        retryable: false,
      });
    }
  }
}

/** Typed keys go to the secret store; the ledger only gets their name. */
async function keepKeys(input: ConnectionInput, secrets: SecretStore): Promise<StoreConnection> {
  const { credentials, ...connection } = input;
  if (credentials.kind === 'chain') return { ...connection, credentials };
  const ref = randomUUID();
  await secrets.set(ref, { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey });
  return { ...connection, credentials: { kind: 'secret', ref } };
}

/** Aborts still in the queue may need the keys: they stay until no upload and no folder names them. */
async function forgetUnused(ledger: Ledger, secrets: SecretStore, ref: string): Promise<void> {
  const named = ledger
    .folders()
    .some(({ connection }) => connection.credentials.kind === 'secret' && connection.credentials.ref === ref);
  const aborting = ledger.uploads('aborting').some((upload) => upload.bucket.includes(ref));
  if (!named && !aborting) await secrets.delete(ref);
}

async function listLocalDirectory(path: string | null): Promise<LocalDirectory> {
  const directory = resolve(path ?? homedir());
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' || error.code === 'ENOTDIR'
      ? new SluiceError('folder-missing', `There is no folder ${directory}`, { cause: error })
      : new SluiceError('folder-unreadable', `The folder ${directory} can't be read (${error.code})`, { cause: error });
  });
  const parent = dirname(directory);
  return {
    path: directory,
    parent: parent === directory ? null : parent,
    directories: entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => ({ name, path: join(directory, name) }))
      .sort((a, b) => a.name.localeCompare(b.name)),
  };
}
