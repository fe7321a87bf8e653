import { z } from 'zod';
import { BenchSample } from './bench.ts';
import { Forecast, LifecyclePreview, MeterReport, StorageAlarm, StorageAnalysis } from './cost.ts';
import { ErrorView } from './errorSchema.ts';
import { errorCodes } from './errors.ts';
import type { FolderId, IssueId } from './ids.ts';
import { PolicyView } from './policy.ts';
import { Sentence } from './sentence.ts';
import {
  BucketName,
  DeletePolicy,
  EngineSettings,
  EngineSettingsChange,
  FolderInput,
  FolderKind,
  FolderRules,
  StoreConnection,
} from './settings.ts';

/*
 * The one interface between screens and engine. The engine implements it once; Electron carries it over IPC, the daemon over a
 * WebSocket, the CLI calls it. All times are ms since the epoch, all sizes bytes.
 */

const FolderIdSchema = z
  .number()
  .int()
  .transform((value) => value as FolderId);
const IssueIdSchema = z
  .number()
  .int()
  .transform((value) => value as IssueId);

export const FolderPhase = z.enum(['waiting', 'scanning', 'uploading', 'safe', 'paused', 'offline', 'attention']);
export type FolderPhase = z.infer<typeof FolderPhase>;

export const FolderView = z.object({
  id: FolderIdSchema,
  kind: FolderKind,
  path: z.string(),
  bucket: z.string(),
  prefix: z.string(),
  /** s3://bucket/prefix */
  uri: z.string(),
  endpointUrl: z.string().nullable(),
  region: z.string().nullable(),
  rules: FolderRules,
  phase: FolderPhase,
  /** The phase in words, with its reason: "Offline: connection refused". */
  phaseText: z.string(),
  paused: z.boolean(),
  /** A scan is open: the totals are "at least". */
  totalsAtLeast: z.boolean(),
  filesTotal: z.number(),
  bytesTotal: z.number(),
  /** Confirmed by the server with checksum for what is on disk now. */
  filesProven: z.number(),
  bytesProven: z.number(),
  filesQueued: z.number(),
  bytesQueued: z.number(),
  filesFailed: z.number(),
  lastScanAt: z.number().nullable(),
  lastUploadAt: z.number().nullable(),
  watcher: z.enum(['off', 'starting', 'watching', 'polling']),
  issueCount: z.number(),
});
export type FolderView = z.infer<typeof FolderView>;

export const TransferView = z.object({
  /** Stable while the transfer lives. */
  id: z.string(),
  folderId: FolderIdSchema,
  path: z.string(),
  key: z.string(),
  strategy: z.enum(['put', 'multipart']),
  phase: z.enum(['checking', 'sending', 'completing', 'verifying', 'retrying']),
  bytesTotal: z.number(),
  bytesDone: z.number(),
  bytesPerSecond: z.number(),
  partCount: z.number(),
  partsDone: z.number(),
  /**
   * At most 200 cells, each standing for the same number of parts (the last may stand for fewer): `#` done, `~` in flight, `!` being tried again,
   * `.` waiting.
   */
  partMap: z.string(),
  /** Parts S3 already had when this run began. */
  resumedParts: z.number(),
  retries: z.number(),
  startedAt: z.number(),
  /** Which its bytes take at present. */
  endpoint: z.enum(['regional', 'accelerated']),
});
export type TransferView = z.infer<typeof TransferView>;

export const RateSample = z.object({ at: z.number(), bytesPerSecond: z.number() });
export type RateSample = z.infer<typeof RateSample>;

export const Totals = z.object({
  filesQueued: z.number(),
  bytesQueued: z.number(),
  filesInFlight: z.number(),
  connections: z.number(),
  bytesPerSecond: z.number(),
  /** null: can't be trusted yet. */
  etaMs: z.number().nullable(),
  filesToday: z.number(),
  bytesToday: z.number(),
  retriesToday: z.number(),
});
export type Totals = z.infer<typeof Totals>;

export const PauseState = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('running') }),
  z.object({ kind: z.literal('paused'), untilMs: z.number().nullable() }),
]);
export type PauseState = z.infer<typeof PauseState>;

export const Snapshot = z.object({
  seq: z.number().int(),
  at: z.number(),
  sentence: Sentence,
  folders: z.array(FolderView),
  /** The 50 most telling at most; `totals.filesInFlight` counts all. */
  transfers: z.array(TransferView),
  /** One a second, the last 10 minutes at most, oldest first. */
  rate: z.array(RateSample),
  totals: Totals,
  pause: PauseState,
  maxBandwidthBytesPerSecond: z.number().nullable(),
  issueCount: z.number(),
  about: z.object({
    version: z.string(),
    host: z.enum(['electron', 'daemon', 'command']),
    dataDir: z.string(),
    startedAt: z.number(),
  }),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** A numbered delta: what is absent has not changed. `seq` is one more than the last; a gap: ask for a new snapshot. */
export const Update = z.object({
  seq: z.number().int(),
  at: z.number(),
  sentence: Sentence.optional(),
  /** Only those that changed. */
  folders: z.array(FolderView).optional(),
  removedFolders: z.array(FolderIdSchema).optional(),
  /** Always the whole list. */
  transfers: z.array(TransferView).optional(),
  sample: RateSample.optional(),
  totals: Totals.optional(),
  pause: PauseState.optional(),
  maxBandwidthBytesPerSecond: z.number().nullable().optional(),
  issueCount: z.number().optional(),
});
export type Update = z.infer<typeof Update>;

export const ActivityAction = z.enum(['put', 'multipart', 'copy', 'delete', 'skip', 'failed']);
export type ActivityAction = z.infer<typeof ActivityAction>;

export const ActivityRow = z.object({
  id: z.number(),
  at: z.number(),
  folderId: FolderIdSchema,
  path: z.string(),
  key: z.string(),
  action: ActivityAction,
  bytes: z.number(),
  parts: z.number(),
  durationMs: z.number(),
  retries: z.number(),
  etag: z.string().nullable(),
  /** `crc32:base64` and the like. */
  checksum: z.string().nullable(),
  error: ErrorView.nullable(),
});
export type ActivityRow = z.infer<typeof ActivityRow>;

export const IssueView = z.object({
  id: IssueIdSchema,
  folderId: FolderIdSchema.nullable(),
  /** null: about the folder or the whole engine. */
  path: z.string().nullable(),
  code: z.enum(errorCodes),
  message: z.string(),
  remedy: z.string(),
  firstSeenAt: z.number(),
  lastSeenAt: z.number(),
  count: z.number(),
});
export type IssueView = z.infer<typeof IssueView>;

/** Typed keys are handed to the secret store once and never come back. */
export const CredentialsInput = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('chain'), profile: z.string().min(1).nullable() }),
  z.object({ kind: z.literal('keys'), accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) }),
]);
export type CredentialsInput = z.infer<typeof CredentialsInput>;

export const ConnectionInput = StoreConnection.omit({ credentials: true }).extend({ credentials: CredentialsInput });
export type ConnectionInput = z.infer<typeof ConnectionInput>;

export const ProbeResult = z.object({
  ok: z.boolean(),
  /** In the order they were tried. */
  steps: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string(), remedy: z.string().nullable() })),
  buckets: z.array(z.string()).nullable(),
  clockSkewMs: z.number().nullable(),
});
export type ProbeResult = z.infer<typeof ProbeResult>;

export const VerifyProblem = z.object({
  path: z.string(),
  key: z.string(),
  problem: z.enum([
    'not-uploaded',
    'changed-since',
    'object-missing',
    'size-differs',
    'checksum-differs',
    'local-differs',
    'local-missing',
    'unreadable',
    'not-confirmed',
  ]),
  detail: z.string(),
});
export type VerifyProblem = z.infer<typeof VerifyProblem>;

export const VerifyReport = z.object({
  ok: z.boolean(),
  deep: z.boolean(),
  filesChecked: z.number(),
  bytesChecked: z.number(),
  bytesReread: z.number(),
  problems: z.array(VerifyProblem),
  durationMs: z.number(),
  /** Of `filesChecked`, those that an interrupted run had compared, which began at `startedAt`. Absent: this run compared all. */
  filesFromBefore: z.number().optional(),
  startedAt: z.number().optional(),
});
export type VerifyReport = z.infer<typeof VerifyReport>;

export const VerifyProgress = z.object({
  filesChecked: z.number(),
  bytesChecked: z.number(),
  bytesReread: z.number(),
  problems: z.number(),
});
export type VerifyProgress = z.infer<typeof VerifyProgress>;

export const RestoreProgress = z.object({
  /** Objects come as they are listed: how many there will be isn't known. */
  filesListed: z.number(),
  filesExcluded: z.number(),
  filesRestored: z.number(),
  /** There already, compared. */
  filesSkipped: z.number(),
  filesFailed: z.number(),
  /** Restored, with nothing at the store that could prove them. */
  filesNotVerified: z.number(),
  bytesRestored: z.number(),
  bytesReceived: z.number(),
  bytesResumed: z.number(),
  retries: z.number(),
});
export type RestoreProgress = z.infer<typeof RestoreProgress>;

export const RestoreReport = RestoreProgress.extend({
  durationMs: z.number(),
  /** The first 200 that failed or were in the way. */
  failures: z.array(z.object({ path: z.string(), error: ErrorView })),
});
export type RestoreReport = z.infer<typeof RestoreReport>;
export const DeleteDecision = z.enum(['held', 'approved', 'kept']);
export const PendingDeletes = z.object({
  policy: DeletePolicy,
  /** A deleted object can be brought back where it is `enabled`. */
  versioning: z.enum(['enabled', 'suspended', 'off', 'unknown']),
  /** The guard holds them until somebody approves or keeps them. */
  needsApproval: z.boolean(),
  held: z.number(),
  heldBytes: z.number(),
  approved: z.number(),
  kept: z.number(),
  /** What approveDeletes and keepDeletes take, so that nothing is decided that wasn't shown. */
  asOf: z.number(),
  /** Longest gone first, 500 at most. */
  rows: z.array(
    z.object({
      path: z.string(),
      key: z.string(),
      bytes: z.number(),
      noticedAt: z.number(),
      /** null: waits for the user. */
      dueAt: z.number().nullable(),
      decision: DeleteDecision,
    }),
  ),
});
export type PendingDeletes = z.infer<typeof PendingDeletes>;

export const ReconcileProblem = z.object({
  path: z.string(),
  problem: z.enum(['missing', 'changed']),
  detail: z.string(),
});
export type ReconcileProblem = z.infer<typeof ReconcileProblem>;

export const ReconcileReport = z.object({
  /** false: the budget of requests ended first; what was not looked at is not judged. */
  complete: z.boolean(),
  objectsListed: z.number(),
  filesChecked: z.number(),
  /** Queued again. */
  missing: z.number(),
  /** Each an issue with a choice. */
  changed: z.number(),
  /** Below the prefix, and not of this folder. */
  otherObjects: z.number(),
  otherBytes: z.number(),
  requests: z.number(),
  /** 200 at most. */
  problems: z.array(ReconcileProblem),
  durationMs: z.number(),
});
export type ReconcileReport = z.infer<typeof ReconcileReport>;
/** Whether a path of a folder is uploaded. `impossible`: it should be, but no key can name it, or it can't be read. */
export const PathVerdict = z.object({
  kind: z.enum(['taken', 'left-out', 'impossible', 'missing']),
  /** One sentence; for `left-out` the rule and where it is written. */
  reason: z.string(),
});
export type PathVerdict = z.infer<typeof PathVerdict>;

export const LocalDirectory = z.object({
  path: z.string(),
  parent: z.string().nullable(),
  directories: z.array(z.object({ name: z.string(), path: z.string() })),
});
export type LocalDirectory = z.infer<typeof LocalDirectory>;

const nothing = z.object({});
const folder = z.object({ folderId: FolderIdSchema });
const method = <Params extends z.ZodType, Result extends z.ZodType>(params: Params, result: Result) => ({
  params,
  result,
});

export const syncApiMethods = {
  snapshot: method(nothing, Snapshot),
  /** Refused with `conflict` when the folder and prefix are already paired. Keys are put in the secret store. */
  addFolder: method(FolderInput.omit({ connection: true }).extend({ connection: ConnectionInput }), folder),
  /** Forgets the pair; touches neither disk nor bucket. */
  removeFolder: method(folder, nothing),
  pauseFolder: method(folder, nothing),
  resumeFolder: method(folder, nothing),
  rescanFolder: method(folder, nothing),
  /** Compares disk, ledger and bucket; changes nothing. `deep` rereads local bytes. */
  /** An interrupted one is gone on with, unless it is to be `fresh`. */
  verifyFolder: method(folder.extend({ deep: z.boolean(), fresh: z.boolean().optional() }), VerifyReport),
  /** How far the verification of a folder is; null: none runs. */
  verifyProgress: method(folder, VerifyProgress.nullable()),
  /** Downloads what the bucket holds of a folder into `target`, an absolute path; one at a time a folder. `include`: gitignore patterns, empty for all. */
  restoreFolder: method(
    folder.extend({ target: z.string().min(1), include: z.array(z.string().min(1)), overwrite: z.boolean() }),
    RestoreReport,
  ),
  /** How far the restore of a folder is; null: none runs. */
  restoreProgress: method(folder, RestoreProgress.nullable()),
  /** The restore ends with `interrupted`; the next one into the same folder goes on. */
  cancelRestore: method(folder, nothing),
  /** Objects of gone files: what is held back, approved, kept. Asks the bucket for its versioning. */
  pendingDeletes: method(folder, PendingDeletes),
  /** Those noticed until `asOf` are deleted with the next look at the folder, which begins now. */
  approveDeletes: method(folder.extend({ asOf: z.number() }), z.object({ files: z.number() })),
  /** Their objects stay, and nobody is asked again. */
  keepDeletes: method(folder.extend({ asOf: z.number() }), z.object({ files: z.number() })),
  setDeletePolicy: method(folder.extend({ deletes: DeletePolicy }), nothing),
  /** Holds the bucket's listing against the ledger: LIST requests, and a HEAD for each object that looks changed. Writes nothing into the bucket. */
  reconcileFolder: method(folder, ReconcileReport),
  /** Of a `foreign-object` issue: the object in the bucket stays, or ours replaces exactly the one that is there now. */
  resolveConflict: method(z.object({ issueId: IssueIdSchema, keep: z.enum(['theirs', 'ours']) }), nothing),
  /** Why a path (relative to the folder) is left out, or that it isn't. */
  explainPath: method(folder.extend({ path: z.string() }), PathVerdict),
  pauseAll: method(z.object({ untilMs: z.number().nullable() }), nothing),
  resumeAll: method(nothing, nothing),
  /** Newest first. `before` is the id of the last row seen. */
  activity: method(
    z.object({
      before: z.number().nullable(),
      limit: z.number().int().min(1).max(500),
      folderId: FolderIdSchema.nullable(),
      search: z.string(),
      actions: z.array(ActivityAction),
    }),
    z.object({ rows: z.array(ActivityRow), hasMore: z.boolean(), total: z.number() }),
  ),
  issues: method(nothing, z.object({ issues: z.array(IssueView) })),
  /** Tries what the issue is about again, now. */
  retryIssue: method(z.object({ issueId: IssueIdSchema }), nothing),
  dismissIssue: method(z.object({ issueId: IssueIdSchema }), nothing),
  settings: method(nothing, EngineSettings),
  /** What the administrator's policy sets and locks, with its reasons. */
  policy: method(nothing, PolicyView),
  updateSettings: method(EngineSettingsChange, EngineSettings),
  /** Reaches the endpoint, signs in, and looks at the bucket when one is named. Writes nothing. */
  probeConnection: method(z.object({ connection: ConnectionInput, bucket: BucketName.nullable() }), ProbeResult),
  /** What a benchmark recommends for a store becomes what the tuner knows of it, in place of what it knew of these size classes. */
  applyBenchmark: method(
    z.object({
      endpointUrl: z.string().nullable(),
      bucket: BucketName,
      sizes: z.array(
        z.object({
          sizeClass: z.enum(['small', 'medium', 'large', 'huge']),
          samples: z.array(BenchSample).min(1).max(100),
        }),
      ),
    }),
    nothing,
  ),
  /** For the folder picker where the host has no dialog of its own; null: the home folder. */
  listLocalDirectory: method(z.object({ path: z.string().nullable() }), LocalDirectory),
  /** `2026-11`, UTC; null: this month. */
  costMeter: method(
    z.object({
      month: z
        .string()
        .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/)
        .nullable(),
    }),
    MeterReport,
  ),
  /** Looks through the folder as a sync would, sends nothing. What the ledger knows to be uploaded costs nothing. */
  forecastCost: method(
    z.object({
      path: z.string().min(1),
      bucket: BucketName,
      prefix: z.string(),
      endpointUrl: z.string().nullable(),
      region: z.string().nullable(),
      rules: FolderRules,
      storageClass: z.string().nullable(),
    }),
    Forecast,
  ),
  /** How much the folder's whole bucket holds, by CloudWatch or else by listing it, and what another class would save. */
  analyzeStorage: method(folder.extend({ list: z.boolean() }), StorageAnalysis),
  storageAlarms: method(folder, z.object({ alarms: z.array(StorageAlarm) })),
  /** Makes or changes this bucket's two alarms in CloudWatch; null: not this one. */
  createStorageAlarms: method(
    folder.extend({
      storageUsdPerMonth: z.number().positive().nullable(),
      objects: z.number().int().positive().nullable(),
      topicArn: z.string().startsWith('arn:').nullable(),
    }),
    z.object({ alarms: z.array(StorageAlarm) }),
  ),
  /** Only alarms that Sluice made. */
  removeStorageAlarms: method(folder, z.object({ removed: z.array(z.string()) })),
  /** The recommended rules beside those the bucket has, and what they would do to the objects that are known. Changes nothing. */
  previewLifecycle: method(folder, LifecyclePreview),
  /** `revision` is the preview's: refused with `conflict` when the policy is another by now. */
  applyLifecycle: method(folder.extend({ revision: z.string() }), LifecyclePreview),
} as const;

export type SyncApiMethod = keyof typeof syncApiMethods;
export type ParamsOf<M extends SyncApiMethod> = z.infer<(typeof syncApiMethods)[M]['params']>;
export type ResultOf<M extends SyncApiMethod> = z.infer<(typeof syncApiMethods)[M]['result']>;

export type SyncApi = { readonly [M in SyncApiMethod]: (params: ParamsOf<M>) => Promise<ResultOf<M>> } & {
  /** Deltas from now on, at most 4 a second. Returns the unsubscribe function. */
  readonly subscribe: (listener: (update: Update) => void) => () => void;
};

/** The next snapshot, or null when a delta was missed and a new snapshot must be asked for. */
export function applyUpdate(snapshot: Snapshot, update: Update): Snapshot | null {
  if (update.seq <= snapshot.seq) return snapshot;
  if (update.seq !== snapshot.seq + 1) return null;
  const changed = new Map(update.folders?.map((view) => [view.id, view]));
  const removed = new Set(update.removedFolders);
  const kept = snapshot.folders.filter((view) => !removed.has(view.id)).map((view) => changed.get(view.id) ?? view);
  const known = new Set(kept.map((view) => view.id));
  return {
    ...snapshot,
    seq: update.seq,
    at: update.at,
    sentence: update.sentence ?? snapshot.sentence,
    folders: [...kept, ...(update.folders ?? []).filter((view) => !known.has(view.id))],
    transfers: update.transfers ?? snapshot.transfers,
    rate: update.sample ? [...snapshot.rate, update.sample].slice(-600) : snapshot.rate,
    totals: update.totals ?? snapshot.totals,
    pause: update.pause ?? snapshot.pause,
    maxBandwidthBytesPerSecond:
      update.maxBandwidthBytesPerSecond === undefined
        ? snapshot.maxBandwidthBytesPerSecond
        : update.maxBandwidthBytesPerSecond,
    issueCount: update.issueCount ?? snapshot.issueCount,
  };
}
