import type { BudgetState } from '../../shared/cost.ts';
import type { ErrorView } from '../../shared/errors.ts';
import type { ProgressEvent } from '../../shared/events.ts';
import type { FolderId } from '../../shared/ids.ts';
import { type Sentence, sentenceFor } from '../../shared/sentence.ts';
import type {
  FolderPhase,
  FolderView,
  PauseState,
  RateSample,
  Snapshot,
  Totals,
  Update,
} from '../../shared/syncApi.ts';
import type { FolderKeeper } from './folderKeeper.ts';
import type { RunMetrics } from './insight/runMetrics.ts';
import type { FolderCounts, FolderRow, Ledger } from './ledger/ledger.ts';
import { budgetReached } from './plan/budget.ts';
import type { Clock } from './ports.ts';
import type { Transfer } from './transfer/transfer.ts';

export interface BoardOptions {
  readonly ledger: Ledger;
  readonly transfer: Transfer;
  readonly metrics: RunMetrics;
  readonly clock: Clock;
  readonly keepers: ReadonlyMap<FolderId, FolderKeeper>;
  /** Folders this engine works on; others of the ledger are shown, but not counted as waiting for it. */
  readonly pause: () => PauseState;
  readonly failure: () => ErrorView | null;
  readonly maxBandwidth: () => number | null;
  readonly budget: () => BudgetState;
  readonly about: Snapshot['about'];
  readonly onProgress: (event: ProgressEvent) => void;
}

/** What screens see: one snapshot, then numbered deltas of it, at most 4 a second and only where something changed. */
export interface StatusBoard {
  snapshot(): Snapshot;
  subscribe(listener: (update: Update) => void): () => void;
  sentence(): Sentence;
  /** Something may have changed. */
  touch(): void;
  stop(): void;
}

const tickMs = 250;
const sampleMs = 1000;
const samplesKept = 600;
const transfersShown = 50;
/** Before this much of a run an ETA is a guess. */
const etaAfterMs = 3000;

export function createStatusBoard(options: BoardOptions): StatusBoard {
  const { ledger, transfer, metrics, clock, keepers } = options;
  const listeners = new Set<(update: Update) => void>();
  const samples: RateSample[] = [];
  let smoothedRate = 0;
  let movingSince: number | null = null;
  let shown: Snapshot | null = null;
  let lastSample: RateSample | undefined;
  let dirty = true;
  let stopped = false;
  let cancelTick: () => void = () => undefined;
  let today = { at: 0, filesToday: 0, bytesToday: 0, retriesToday: 0 };

  const tick = (): void => {
    if (stopped) return;
    const moving = transfer.active().length > 0;
    if (moving) movingSince ??= clock.now();
    else movingSince = null;
    sample();
    const scanning = [...keepers.values()].some((keeper) => keeper.scanning);
    const working = moving || scanning || smoothedRate > 0;
    if (moving || scanning) options.onProgress(progress());
    if (listeners.size > 0 && (dirty || working || lastSample)) flush();
    // An idle engine isn't asked four times a second whether it is idle.
    if (working || listeners.size > 0) cancelTick = clock.after(tickMs, tick);
    else ticking = false;
  };
  let ticking = false;
  const wakeUp = (): void => {
    if (ticking || stopped) return;
    ticking = true;
    cancelTick = clock.after(tickMs, tick);
  };

  let sampledAt = clock.now();
  const sample = (): void => {
    const now = clock.now();
    if (now - sampledAt < sampleMs) return;
    sampledAt = now;
    const rate = metrics.sampleRate();
    smoothedRate = smoothedRate === 0 ? rate : smoothedRate + (rate - smoothedRate) * 0.25;
    if (rate === 0 && transfer.active().length === 0) smoothedRate = 0;
    const previous = samples.at(-1);
    if (rate === 0 && previous?.bytesPerSecond === 0 && smoothedRate === 0) return;
    lastSample = { at: now, bytesPerSecond: Math.round(rate) };
    samples.push(lastSample);
    if (samples.length > samplesKept) samples.shift();
  };

  const flush = (): void => {
    dirty = false;
    const next = build();
    const before = shown;
    const added = lastSample;
    lastSample = undefined;
    if (!before) {
      shown = next;
      return;
    }
    const changed = difference(before, next);
    if (!changed && !added) return;
    shown = { ...next, seq: before.seq + 1 };
    const update: Update = { seq: shown.seq, at: shown.at, ...changed, ...(added && { sample: added }) };
    for (const listener of listeners) listener(update);
  };

  const build = (): Snapshot => {
    const now = clock.now();
    const folders = ledger.folders().map((folder) => folderView(folder));
    const totals = totalsOf(folders);
    return {
      seq: shown?.seq ?? 1,
      at: now,
      sentence: sentenceOf(folders, totals),
      folders,
      transfers: transfer
        .active()
        .toSorted((a, b) => b.file.sizeBytes - a.file.sizeBytes || a.startedAt - b.startedAt)
        .slice(0, transfersShown)
        .map((active) => active.view(now)),
      rate: [...samples],
      totals,
      pause: options.pause(),
      maxBandwidthBytesPerSecond: options.maxBandwidth(),
      issueCount: ledger.issueCount(),
      about: options.about,
    };
  };

  const folderView = (folder: FolderRow): FolderView => {
    const counts = ledger.counts(folder.id);
    const keeper = keepers.get(folder.id);
    const issueCount = ledger.issueCount(folder.id);
    const phase = phaseOf(folder, counts, keeper, issueCount);
    return {
      id: folder.id,
      kind: folder.kind,
      path: folder.path,
      bucket: folder.bucket,
      prefix: folder.prefix,
      uri: `s3://${folder.bucket}/${folder.prefix}`,
      endpointUrl: folder.connection.endpointUrl,
      region: folder.connection.region,
      rules: folder.rules,
      phase,
      phaseText: phaseText(phase, folder, counts, keeper),
      paused: folder.paused,
      totalsAtLeast: keeper?.scanning ?? false,
      ...counts,
      lastScanAt: folder.lastScanAt,
      lastUploadAt: ledger.lastUploadAt(folder.id),
      watcher: keeper?.watcher ?? 'off',
      issueCount,
    };
  };

  const phaseOf = (
    folder: FolderRow,
    counts: FolderCounts,
    keeper: FolderKeeper | undefined,
    issueCount: number,
  ): FolderPhase => {
    if (folder.paused || options.pause().kind === 'paused') return 'paused';
    if (keeper?.rootProblem) return 'attention';
    const reach = transfer.reach(folder.id);
    if (reach.kind === 'blocked') return reach.error.retryable ? 'offline' : 'attention';
    if (heldReason() !== null && counts.filesQueued > 0) return 'attention';
    if (keeper?.scanning && counts.filesQueued === 0) return 'scanning';
    if (counts.filesQueued > 0) return keeper ? 'uploading' : 'waiting';
    if (issueCount > 0 || counts.filesProven < counts.filesTotal) return 'attention';
    return folder.lastFullScanAt === null ? 'waiting' : 'safe';
  };

  const phaseText = (
    phase: FolderPhase,
    folder: FolderRow,
    counts: FolderCounts,
    keeper: FolderKeeper | undefined,
  ): string => {
    const reach = transfer.reach(folder.id);
    if (phase === 'attention' && keeper?.rootProblem) return keeper.rootProblem.message;
    if ((phase === 'offline' || phase === 'attention') && reach.kind === 'blocked') {
      return phase === 'offline' ? `Offline: ${reach.error.message}` : reach.error.message;
    }
    // One wording for the whole and for each folder.
    return sentenceFor({
      folders: 1,
      paused: phase === 'paused',
      pausedUntil: null,
      offlineReason: null,
      heldReason: heldReason(),
      scanning: keeper?.scanning ?? false,
      filesTotal: counts.filesTotal,
      filesProven: counts.filesProven,
      filesToUpload: counts.filesQueued,
      etaMs: null,
      needUser: ledger.issueCount(folder.id),
      failure: null,
    }).text;
  };

  const totalsOf = (folders: readonly FolderView[]): Totals => {
    const worked = folders.filter((folder) => keepers.has(folder.id));
    const bytesQueued = sum(worked, (folder) => folder.bytesQueued);
    const active = transfer.active();
    const bytesDone = active.reduce((bytes, one) => bytes + one.bytesDone, 0);
    refreshToday();
    return {
      filesQueued: sum(worked, (folder) => folder.filesQueued),
      bytesQueued,
      filesInFlight: active.length,
      connections: transfer.connections(),
      bytesPerSecond: Math.round(smoothedRate),
      etaMs: eta(worked, bytesQueued - bytesDone),
      filesToday: today.filesToday,
      bytesToday: today.bytesToday,
      retriesToday: today.retriesToday,
    };
  };

  const eta = (worked: readonly FolderView[], bytesLeft: number): number | null => {
    const trusted = movingSince !== null && clock.now() - movingSince >= etaAfterMs && smoothedRate > 0;
    if (!trusted || worked.some((folder) => folder.totalsAtLeast)) return null;
    return Math.round((Math.max(0, bytesLeft) / smoothedRate) * 1000);
  };

  const refreshToday = (): void => {
    if (clock.now() - today.at < sampleMs) return;
    const midnight = new Date(clock.now());
    midnight.setHours(0, 0, 0, 0);
    const { files, bytes, retries } = ledger.activitySince(midnight.getTime());
    today = { at: clock.now(), filesToday: files, bytesToday: bytes, retriesToday: retries };
  };

  const sentenceOf = (folders: readonly FolderView[], totals: Totals): Sentence => {
    const worked = folders.filter((folder) => keepers.has(folder.id));
    const counted = worked.length > 0 ? worked : folders;
    const going = worked.filter((folder) => !folder.paused);
    // What waits in a folder that is paused, or whose store is away or refuses us, isn't being uploaded.
    const waiting = going.filter((folder) => folder.filesQueued > 0);
    const asked = waiting.length > 0 ? waiting : going;
    const blocks = asked.flatMap(({ id }) => {
      const reach = transfer.reach(id);
      return reach.kind === 'blocked' ? [reach.error] : [];
    });
    const allBlocked = asked.length > 0 && blocks.length === asked.length;
    const offline = allBlocked ? blocks.find(({ retryable }) => retryable) : undefined;
    const refused = allBlocked && !offline ? blocks[0] : undefined;
    const onlyPausedWait = waiting.length === 0 && worked.some((folder) => folder.paused && folder.filesQueued > 0);
    const rootProblems = worked.filter(({ id }) => keepers.get(id)?.rootProblem).length;
    const pause = options.pause();
    return sentenceFor({
      folders: folders.length,
      paused: pause.kind === 'paused' || (worked.length > 0 && going.length === 0) || onlyPausedWait,
      pausedUntil:
        pause.kind === 'paused' && pause.untilMs !== null ? new Date(pause.untilMs).toTimeString().slice(0, 5) : null,
      offlineReason: offline?.message ?? null,
      refusedReason: refused?.message ?? null,
      heldReason: heldReason(),
      scanning: counted.some(
        ({ totalsAtLeast, phase, filesQueued }) => totalsAtLeast || (phase === 'waiting' && filesQueued === 0),
      ),
      filesTotal: sum(counted, (folder) => folder.filesTotal),
      filesProven: sum(counted, (folder) => folder.filesProven),
      filesToUpload: sum(counted, (folder) => folder.filesQueued),
      etaMs: totals.etaMs,
      needUser: Math.max(filesNeedingUser(), rootProblems),
      failure: options.failure()?.message ?? null,
    });
  };

  const heldReason = (): string | null => {
    const state = options.budget();
    return state.kind === 'reached' ? budgetReached(state).message : null;
  };
  /** A budget is no file. */
  const filesNeedingUser = (): number => {
    const count = ledger.issueCount();
    const { kind } = options.budget();
    if (count === 0 || kind === 'none' || kind === 'within') return count;
    return ledger.issues().filter(({ code }) => code !== 'budget-near' && code !== 'budget-reached').length;
  };

  const progress = (): ProgressEvent => {
    const folders = [...keepers.keys()].map((id) => ledger.counts(id));
    const bytesDone = transfer.active().reduce((bytes, one) => bytes + one.bytesDone, 0);
    const totalsAtLeast = [...keepers.values()].some((keeper) => keeper.scanning);
    const bytesQueued = sum(folders, (counts) => counts.bytesQueued);
    const bytesTotal = sum(folders, (counts) => counts.bytesTotal);
    const filesTotal = sum(folders, (counts) => counts.filesTotal);
    const trusted =
      !totalsAtLeast && movingSince !== null && clock.now() - movingSince >= etaAfterMs && smoothedRate > 0;
    return {
      type: 'progress',
      filesDone: filesTotal - sum(folders, (counts) => counts.filesQueued),
      filesTotal,
      bytesDone: bytesTotal - bytesQueued + bytesDone,
      bytesTotal,
      bytesPerSecond: Math.round(smoothedRate),
      etaMs: trusted ? Math.round((Math.max(0, bytesQueued - bytesDone) / smoothedRate) * 1000) : null,
      connections: transfer.connections(),
      totalsAtLeast,
    };
  };

  return {
    snapshot: () => {
      flush();
      return shown ?? build();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      wakeUp();
      return () => listeners.delete(listener);
    },
    sentence: () => build().sentence,
    touch: () => {
      dirty = true;
      wakeUp();
    },
    stop: () => {
      if (!stopped && listeners.size > 0) flush();
      stopped = true;
      cancelTick();
    },
  };
}

/** The slices that differ; null: none. */
function difference(before: Snapshot, next: Snapshot): Partial<Update> | null {
  const known = new Map(before.folders.map((folder) => [folder.id, folder]));
  const folders = next.folders.filter((folder) => !same(known.get(folder.id), folder));
  const left = new Set(next.folders.map((folder) => folder.id));
  const removedFolders = before.folders.flatMap((folder) => (left.has(folder.id) ? [] : [folder.id]));
  const changed: Partial<Update> = {
    ...(folders.length > 0 && { folders }),
    ...(removedFolders.length > 0 && { removedFolders }),
    ...(!same(before.sentence, next.sentence) && { sentence: next.sentence }),
    ...(!same(before.transfers, next.transfers) && { transfers: next.transfers }),
    ...(!same(before.totals, next.totals) && { totals: next.totals }),
    ...(!same(before.pause, next.pause) && { pause: next.pause }),
    ...(before.issueCount !== next.issueCount && { issueCount: next.issueCount }),
    ...(before.maxBandwidthBytesPerSecond !== next.maxBandwidthBytesPerSecond && {
      maxBandwidthBytesPerSecond: next.maxBandwidthBytesPerSecond,
    }),
  };
  return Object.keys(changed).length > 0 ? changed : null;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
