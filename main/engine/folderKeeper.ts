import { type ErrorCode, type ErrorView, errorView, SluiceError } from '../../shared/errors.ts';
import type { ScanEvent } from '../../shared/events.ts';
import type { FolderId, RelativePath } from '../../shared/ids.ts';
import type { EngineSettings, FolderRules } from '../../shared/settings.ts';
import type { DirectoryListing, RootIdentity, SourceProblem } from '../../shared/source.ts';
import { formatCount } from '../../shared/units.ts';
import type { RunMetrics } from './insight/runMetrics.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import type { Clock } from './ports.ts';
import { rootIdentity, sameRoot } from './watch/rootIdentity.ts';
import { beginScan, scanFolder } from './watch/scanFolder.ts';
import type { BegunScan, FolderWatch, ScanBatch } from './watch/watch.ts';
import { watchFolder } from './watch/watchFolder.ts';

export interface KeeperOptions {
  readonly folderId: FolderId;
  readonly ledger: Ledger;
  readonly metrics: RunMetrics;
  readonly clock: Clock;
  readonly settings: () => EngineSettings;
  readonly rules: (folder: FolderRow) => FolderRules;
  /** Something was queued. */
  readonly onQueued: () => void;
  readonly onScan: (event: ScanEvent) => void;
  readonly onIssue: (error: ErrorView) => void;
  /** A scan for the daemon saw all of the folder. */
  readonly onSeenWhole: () => void;
  /** The folder itself is away (or another one), or back. */
  readonly onRoot: (error: ErrorView | null) => void;
  readonly onState: () => void;
  readonly onFatal: (error: unknown) => void;
}

export interface ScanOutcome {
  readonly filesScanned: number;
  readonly unchanged: number;
  /** Files and folders that can't be uploaded as they are, each an issue. */
  readonly problems: number;
  readonly complete: boolean;
}

/** Keeps the ledger's picture of one folder: scans it, watches it, notices when it is away. */
export interface FolderKeeper {
  /** Looks at everything now, or takes what `begun` reads. One at a time: asked for during a scan, another one follows it. Throws the root's errors and the guard's. */
  scan(signal: AbortSignal, begun?: BegunScan): Promise<ScanOutcome>;
  /** Scan, then watch, rescan now and then, come back when the folder comes back. Failures become issues. */
  keep(): void;
  rescan(): void;
  readonly scanning: boolean;
  readonly watcher: 'off' | 'starting' | 'watching' | 'polling';
  readonly rootProblem: ErrorView | null;
  close(): Promise<void>;
}

const progressEveryMs = 250;
const rootRetryMs = 10_000;
/** What can't be watched is looked through again after this many times what it took: a large tree is not read without end. */
const pollRest = 20;
/** Names and directories are only seen by a scan: one that no longer meets them settles their issues. */
const rootIssueCodes: readonly ErrorCode[] = [
  'folder-missing',
  'folder-unreadable',
  'root-changed',
  'not-a-folder',
  'worker-died',
];
const scanIssueCodes: readonly ErrorCode[] = ['name-unsupported', 'key-too-long', 'folder-unreadable'];

export function createFolderKeeper(options: KeeperOptions): FolderKeeper {
  const { folderId, ledger, metrics, clock, settings } = options;
  const closing = new AbortController();
  let running: Promise<ScanOutcome> | null = null;
  /** It is of some directories only. */
  let partly = false;
  let nextPollAt = 0;
  let again = false;
  let watch: FolderWatch | null = null;
  let watcher: FolderKeeper['watcher'] = 'off';
  let rootProblem: ErrorView | null = null;
  let cancelTimer: () => void = () => undefined;

  const scan = async (
    signal: AbortSignal,
    begun?: BegunScan,
    within?: readonly RelativePath[],
  ): Promise<ScanOutcome> => {
    while (running) await running.catch(() => undefined);
    const startedAt = clock.now();
    running = scanOnce(AbortSignal.any([signal, closing.signal]), begun, within);
    partly = within !== undefined;
    options.onState();
    try {
      return await running;
    } finally {
      running = null;
      nextPollAt = clock.now() + (clock.now() - startedAt) * pollRest;
      options.onState();
    }
  };

  const scanOnce = async (
    signal: AbortSignal,
    begun?: BegunScan,
    within?: readonly RelativePath[],
  ): Promise<ScanOutcome> => {
    const folder = ledger.folder(folderId);
    const startedAt = clock.now();
    const seen = { files: 0, bytes: 0, toUpload: 0, bytesToUpload: 0, excluded: 0, unchanged: 0, problems: 0 };
    const unreadable: RelativePath[] = [];
    const now = await checkRoot(folder);
    if (folder.root && !sameRoot(now, folder.root)) await refuseEmptied(folder, signal);
    const scanId = ledger.beginScan(folderId, startedAt);
    say('started', seen);
    let toldAt = startedAt;
    const onBatch = (batch: ScanBatch): void => {
      // Begun before the root was looked at: an empty mount point must not be taken for the disk that was mounted on it since.
      if (!sameRoot(batch.root, now)) throw anotherRoot(folder.path);
      take(batch, seen, unreadable, folder);
      const diff = ledger.observeDirectories(scanId, batch.listings);
      seen.toUpload += diff.added + diff.changed;
      seen.unchanged += diff.unchanged;
      seen.bytesToUpload += diff.bytesToUpload;
      if (batch.observations.length > 0) ledger.observePaths(folderId, batch.observations);
      options.onQueued();
      if (clock.now() - toldAt < progressEveryMs) return;
      toldAt = clock.now();
      say('progress', seen);
    };
    const { path: root, prefix: keyPrefix } = folder;
    const rules = options.rules(folder);
    // With a watcher, what was read before the ledger's scan began may be older than what the watcher saw.
    const part = within && { within };
    const reading = begun && !watch ? begun : beginScan({ root, rules, keyPrefix, signal, ...part });
    signal.addEventListener('abort', reading.stop, { once: true });
    if (signal.aborted) reading.stop();
    const found = await reading.each(onBatch).finally(() => signal.removeEventListener('abort', reading.stop));
    ledger.finishScan(scanId, { complete: true, atMs: clock.now(), unreadable, ...part });
    ledger.updateFolder(folderId, { root: found.root });
    if (!within) settleScanIssues(startedAt);
    options.onQueued();
    say('finished', seen);
    return {
      filesScanned: seen.files,
      unchanged: seen.unchanged,
      problems: seen.problems,
      complete: unreadable.length === 0,
    };
  };

  const take = (
    batch: ScanBatch,
    seen: { files: number; bytes: number; excluded: number; problems: number },
    unreadable: RelativePath[],
    folder: FolderRow,
  ): void => {
    for (const listing of batch.listings) {
      const { count, bytes } = totalsOf(listing);
      seen.files += count;
      metrics.counts.filesScanned += count;
      seen.bytes += bytes;
    }
    seen.excluded += batch.excluded;
    unreadable.push(...batch.unreadable);
    for (const problem of batch.problems) if (raise(problem, folder)) seen.problems++;
  };

  const raise = (problem: SourceProblem, folder: FolderRow): boolean => {
    const error = problemError(problem);
    if (!error) return false;
    const view = { ...error.view(), path: problem.path };
    ledger.raiseIssue({ folderId: folder.id, path: problem.path, error: view, atMs: clock.now() });
    options.onIssue(view);
    return true;
  };

  const settleScanIssues = (startedAt: number): void => {
    ledger.settleIssuesBefore(folderId, scanIssueCodes, startedAt);
    ledger.settleIssues(folderId, null, rootIssueCodes);
    // A file that is gone, or safe after all, needs nobody any more; what this very scan said of it stands.
    for (const issue of ledger.issues()) {
      if (issue.folderId !== folderId || issue.path === null || scanIssueCodes.includes(issue.code)) continue;
      const file = ledger.file(folderId, issue.path as RelativePath);
      const over = file === null || file.state === 'gone' || file.state === 'proven';
      if (over && issue.lastSeenAt < startedAt) ledger.settleIssues(folderId, issue.path);
    }
  };

  const say = (
    phase: ScanEvent['phase'],
    seen: { files: number; bytes: number; toUpload: number; bytesToUpload: number; excluded: number },
  ): void => {
    options.onScan({
      type: 'scan',
      folderId,
      phase,
      filesScanned: seen.files,
      bytesScanned: seen.bytes,
      filesToUpload: seen.toUpload,
      bytesToUpload: seen.bytesToUpload,
      excluded: seen.excluded,
    });
    options.onState();
  };

  /** For the daemon: whatever goes wrong with the folder is an issue and is looked at again; only the ledger's own failure ends the engine. */
  const scanKept = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    cancelTimer();
    try {
      const { complete } = await scan(closing.signal);
      rootIs(null);
      if (complete) options.onSeenWhole();
      if (!watch) startWatch();
      schedule(settings().rescanIntervalMs);
    } catch (error) {
      if (closing.signal.aborted) return;
      const view = errorView(error);
      if (view.code.startsWith('ledger-') || view.code === 'internal') return options.onFatal(error);
      await stopWatch();
      rootIs(view);
      schedule(rootRetryMs);
    }
    if (!again || closing.signal.aborted) return;
    again = false;
    await scanKept();
  };
  const lookAgain = (): void => void scanKept().catch(options.onFatal);
  /** Asked for again and again, so that one that comes too early, or while another scan runs, may be passed over. */
  const poll = (within: readonly RelativePath[]): void => {
    if (running || clock.now() < nextPollAt) return;
    if (within.some((directory) => directory === '')) return lookAgain();
    void scan(closing.signal, undefined, within)
      .then(
        () => again,
        // what goes wrong with the folder itself is found, and said, by looking at all of it
        () => true,
      )
      .then((more) => {
        again = false;
        if (more && !closing.signal.aborted) lookAgain();
      });
  };

  const schedule = (ms: number): void => {
    cancelTimer();
    if (!closing.signal.aborted) cancelTimer = clock.after(ms, lookAgain);
  };

  const rootIs = (problem: ErrorView | null): void => {
    if (problem) {
      ledger.raiseIssue({ folderId, path: null, error: problem, atMs: clock.now() });
      options.onIssue(problem);
    }
    if (problem?.code === rootProblem?.code) return;
    rootProblem = problem;
    options.onRoot(problem);
  };

  const startWatch = (): void => {
    const folder = ledger.folder(folderId);
    const { path: root, prefix: keyPrefix } = folder;
    const rules = options.rules(folder);
    watcher = 'starting';
    const started = watchFolder({
      root,
      rules,
      keyPrefix,
      settleMs: settings().settleMs,
      onChanges: ({ observations, problems }) => {
        for (const problem of problems) raise(problem, folder);
        ledger.observePaths(folderId, observations);
        options.onQueued();
        options.onState();
      },
      onRescanNeeded: (_reason, within) => (within ? poll(within) : lookAgain()),
      onState: (state, detail, cause) => {
        watcher = state;
        try {
          if (state === 'polling' && cause !== 'network-drive') tellPolling(root, detail);
          else ledger.settleIssues(folderId, null, ['watch-limit']);
        } catch (error) {
          options.onFatal(error);
        }
        options.onState();
      },
      onRootGone: () => {
        const error = new SluiceError('folder-missing', `The folder ${root} is not there any more, or is another one`, {
          path: root,
        }).view();
        stopWatch()
          .then(() => {
            if (closing.signal.aborted) return;
            rootIs(error);
            schedule(rootRetryMs);
          })
          .catch(options.onFatal);
      },
    });
    watch = started;
    // What changed between the scan and the first moment of watching was seen by neither.
    void started.ready.then(() => {
      if (watch === started) lookAgain();
    });
  };

  const tellPolling = (root: string, detail: string | null): void => {
    const error = new SluiceError('watch-limit', detail ?? 'The folder can only be looked through now and then', {
      path: root,
    }).view();
    ledger.raiseIssue({ folderId, path: null, error, atMs: clock.now() });
    options.onIssue(error);
  };

  const stopWatch = async (): Promise<void> => {
    const old = watch;
    watch = null;
    watcher = 'off';
    await old?.close();
  };

  /** The root as it is. A mirror must never delete for a disk that isn't mounted; without deletes a new root is only looked at closely. */
  const checkRoot = async (folder: FolderRow): Promise<RootIdentity> => {
    const now = await rootIdentity(folder.path);
    if (!folder.root || sameRoot(now, folder.root) || folder.deletes.kind === 'never') return now;
    throw new SluiceError(
      'root-changed',
      `${folder.path} is not the folder it was: another disk, or made anew. Nothing was changed`,
      { path: folder.path },
    );
  };

  /** Looked through once before the ledger hears of it: a listing of nothing says that everything is gone. */
  const refuseEmptied = async (folder: FolderRow, signal: AbortSignal): Promise<void> => {
    const { filesTotal } = ledger.counts(folderId);
    if (filesTotal === 0) return;
    const { path: root, prefix: keyPrefix } = folder;
    let filesSeen = 0;
    await scanFolder({ root, rules: options.rules(folder), keyPrefix, signal }, ({ listings, observations }) => {
      filesSeen += listings.reduce((files, listing) => files + totalsOf(listing).count, observations.length);
    });
    if (filesSeen > 0) return;
    throw new SluiceError(
      'root-changed',
      `${folder.path} is empty and not the folder that held ${formatCount(filesTotal)} files: nothing was changed`,
      { path: folder.path },
    );
  };

  return {
    scan,
    keep: lookAgain,
    rescan: lookAgain,
    get scanning() {
      return running !== null && !partly;
    },
    get watcher() {
      return watcher;
    },
    get rootProblem() {
      return rootProblem;
    },
    close: async () => {
      closing.abort(new SluiceError('interrupted', 'Stopped'));
      cancelTimer();
      await Promise.all([stopWatch(), running?.catch(() => undefined)]);
    },
  };
}

const anotherRoot = (path: string): SluiceError =>
  new SluiceError('root-changed', `Another folder took the place of ${path} during the scan.`, { path });

const totalsOf = (listing: DirectoryListing): { readonly count: number; readonly bytes: number } =>
  listing.packed ?? {
    count: listing.files.length,
    bytes: listing.files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0),
  };

/** null: nothing anybody needs to know (a file that vanished while it was looked at). */
function problemError({ code, path, detail }: SourceProblem): SluiceError | null {
  switch (code) {
    case 'vanished':
      return null;
    case 'unreadable':
      return new SluiceError('source-unreadable', detail, { path });
    case 'directory-unreadable':
      return new SluiceError('folder-unreadable', detail, { path });
    case 'name-not-utf8':
    case 'name-unsupported':
      return new SluiceError('name-unsupported', detail, { path });
    case 'key-too-long':
      return new SluiceError('key-too-long', detail, { path });
  }
}
