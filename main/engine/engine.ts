import type { EngineEvent, SyncSummary } from '../../shared/events.ts';
import type { FolderId } from '../../shared/ids.ts';
import type { Sentence } from '../../shared/sentence.ts';
import type { EngineSettings, FolderInput, StoreConnection } from '../../shared/settings.ts';
import type { SyncApi } from '../../shared/syncApi.ts';
import type { MetricFamily } from './insight/prometheusText.ts';
import type { PolicyPlaces } from './policyFile.ts';
import type { CredentialsProvider } from './store/store.ts';
import type { BegunScan } from './watch/watch.ts';

/** Where typed-in keys live: the OS keychain in the app, a 0600 file headless. Never the ledger. */
export interface SecretStore {
  get(ref: string): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string } | null>;
  set(ref: string, keys: { readonly accessKeyId: string; readonly secretAccessKey: string }): Promise<void>;
  delete(ref: string): Promise<void>;
}

export interface EngineOptions {
  readonly dataDir: string;
  readonly host: 'electron' | 'daemon' | 'command';
  /** `sluice sync`, for whoever finds the data directory taken. */
  readonly holder: string;
  readonly version: string;
  readonly secrets: SecretStore;
  /** On top of the stored settings, for this run (command line). */
  readonly settings?: Partial<EngineSettings>;
  /** Connections of each lane, held instead of found: a benchmark measures one setting at a time. */
  readonly pinnedConnections?: number;
  /** Goes before the stored mode of acceleration, for this run. */
  readonly accelerate?: EngineSettings['acceleration']['mode'] | undefined;
  /** Where the administrator's policy is; the platform's places unless given (tests). */
  readonly policyPlaces?: PolicyPlaces;
  /** How long a pass waits for a store that went away, ms; 60,000 unless given. */
  readonly storePatienceMs?: number;
  /** Objects up to here are copied in one request; S3's 5 GiB unless given (tests). */
  readonly copyObjectLimitBytes?: number;
  /** The standard chain unless given (tests). */
  readonly chainCredentials?: (connection: StoreConnection) => CredentialsProvider;
}

export interface DryRunFile {
  readonly path: string;
  readonly key: string;
  readonly action: 'put' | 'multipart' | 'delete';
  readonly bytes: number;
  readonly parts: number;
  readonly reason: 'new' | 'changed' | 'unfinished' | 'gone';
}

export interface RunOnceOptions {
  readonly signal: AbortSignal;
  /** Decide and report, send nothing, write no file state that would change the next run. */
  readonly dryRun: boolean;
  /** The folder is being read already, with its rules and prefix; whoever began it stops it when the pass is over. */
  readonly begun?: BegunScan | undefined;
}

/** createSyncEngine(options): Promise<SyncEngine>. Throws `ledger-locked`, `ledger-newer`, `ledger-*`. */
export interface SyncEngine {
  readonly api: SyncApi;
  /** Every file, scan, progress and issue event. */
  onEvent(listener: (event: EngineEvent) => void): () => void;
  sentence(): Sentence;
  /** The pair for this folder and prefix, made (kind `manual`) or brought up to date; throws the sentence-like errors of FolderInput's checks. */
  ensureFolder(input: FolderInput): Promise<FolderId>;
  /**
   * One pass: check the store, scan, upload what is new or changed, delete what the policy allows, abort our own strays. Errors that stop the run are thrown (SluiceError,
   * exitCodeFor); files that failed are in the summary and were reported as `file` events with `error`.
   */
  runOnce(
    folderId: FolderId,
    options: RunOnceOptions & { readonly onPlanned?: (file: DryRunFile) => void },
  ): Promise<SyncSummary>;
  /** Watches and uploads all `kept` folders, and these, until stop(). */
  start(also?: readonly FolderId[]): Promise<void>;
  /** What this engine has done so far, as the summary of a `--watch` run. */
  summary(exitCode: number): SyncSummary;
  /** What monitoring scrapes, as it is now. */
  metrics(): Promise<readonly MetricFamily[]>;
  /** Checkpoints and closes: parts in flight get `graceMs` to finish. Safe to call twice. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}
