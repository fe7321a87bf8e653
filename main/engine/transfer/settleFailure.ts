import { type ErrorView, SluiceError } from '../../../shared/errors.ts';
import type { FileEvent } from '../../../shared/events.ts';
import type { FileId, FolderId, RelativePath } from '../../../shared/ids.ts';
import type { EngineSettings } from '../../../shared/settings.ts';
import type { ObservedFile, SourceProblem } from '../../../shared/source.ts';
import type { RunMetrics } from '../insight/runMetrics.ts';
import type { FolderRow, Ledger, QueuedFile } from '../ledger/ledger.ts';
import { afterFailure, type Patience } from '../plan/afterFailure.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import type { Clock, Random } from '../ports.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { activityOf } from './activityOf.ts';
import type { UploadContext } from './uploadContext.ts';

/** `root-gone`: not the file but the whole folder is away; nothing may be concluded about the file. */
export type Observe = (
  folder: FolderRow,
  path: RelativePath,
) => Promise<ObservedFile | 'gone' | 'root-gone' | SourceProblem>;

export interface SettlerOptions {
  readonly ledger: Ledger;
  readonly metrics: RunMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: () => EngineSettings;
  readonly patience: () => Patience;
  readonly observe: Observe;
  readonly onFile: (event: FileEvent) => void;
  readonly onIssue: (folderId: FolderId, error: ErrorView) => void;
  /** A file waits for a time: look at the ledger's next one. */
  readonly scheduleDue: () => void;
  /** Not the file but the whole folder is away, or another one. */
  readonly onRootGone: (folderId: FolderId) => void;
}

/** What becomes of a file whose upload failed: decided by plan/afterFailure, done here. */
export interface Settler {
  failed(context: UploadContext, active: ActiveTransfer, error: ErrorView): Promise<void>;
  succeeded(file: QueuedFile): void;
}

/** From this many changes under the upload on, or failures of one file alone, the user is told. */
const changesToTell = 3;
const triesToTell = 3;
/** In an outage that is no clear one every file fails for itself: some are enough to tell. */
const strugglingToldAtMost = 20;
const longestSettleMs = 60_000;

export function createSettler(options: SettlerOptions): Settler {
  const { ledger, clock, random, metrics, settings } = options;
  /** How often a file changed while it was being uploaded, since it last succeeded. */
  const changes = new Map<FileId, number>();
  /** Paths with an open issue, from earlier runs too, so that a success settles it without asking the ledger for each of a million. */
  const troubled = new Set<string>();
  const struggling = new Set<FileId>();
  const subject = (folderId: FolderId, path: string): string => `${folderId}/${path}`;
  for (const { folderId, path } of ledger.issues())
    if (folderId !== null && path !== null) troubled.add(subject(folderId, path));

  const postpone = (file: QueuedFile, ms: number): void => {
    ledger.postpone(file.id, clock.now() + ms);
    options.scheduleDue();
  };

  const tell = (file: QueuedFile, error: ErrorView): void => {
    const view = { ...error, path: file.path };
    troubled.add(subject(file.folderId, file.path));
    ledger.raiseIssue({ folderId: file.folderId, path: file.path, error: view, atMs: clock.now() });
    options.onIssue(file.folderId, view);
  };

  const tellStruggling = (file: QueuedFile, error: ErrorView): void => {
    if (file.attempt + 1 < triesToTell) return;
    if (struggling.size >= strugglingToldAtMost && !struggling.has(file.id)) return;
    struggling.add(file.id);
    tell(file, error);
  };

  const observeAgain = async ({ folder }: UploadContext, active: ActiveTransfer): Promise<void> => {
    const { file } = active;
    const seen = await options.observe(folder, file.path);
    if (seen === 'root-gone') {
      postpone(file, settings().settleMs);
      return options.onRootGone(file.folderId);
    }
    if (seen === 'gone') return gone(file);
    if ('detail' in seen) return giveUp(file, active, new SluiceError('source-unreadable', seen.detail).view());
    const count = (changes.get(file.id) ?? 0) + 1;
    changes.set(file.id, count);
    ledger.observePaths(file.folderId, [{ kind: 'file', path: file.path, file: seen }]);
    if (count >= changesToTell) {
      tell(
        file,
        new SluiceError('source-keeps-changing', `It changed ${count} times while it was being uploaded`).view(),
      );
    }
    const settleMs = options.patience() === 'once' ? 250 : Math.max(250, settings().settleMs);
    postpone(file, Math.min(longestSettleMs, settleMs * 2 ** Math.min(count - 1, 8)));
  };

  const gone = (file: QueuedFile): void => {
    changes.delete(file.id);
    struggling.delete(file.id);
    ledger.markGone(file.id);
    ledger.settleIssues(file.folderId, file.path);
  };

  const giveUp = (file: QueuedFile, active: ActiveTransfer, error: ErrorView): void => {
    ledger.giveUp(file.id);
    tell(file, error);
    metrics.counts.filesFailed++;
    const event: FileEvent = {
      type: 'file',
      folderId: file.folderId,
      path: file.path,
      key: active.key,
      action: active.strategy,
      bytes: 0,
      parts: 0,
      durationMs: clock.now() - active.startedAt,
      retries: active.retries,
      etag: null,
      checksum: null,
      accelerated: false,
      error: { ...error, path: file.path },
    };
    ledger.recordActivity([activityOf(event, clock.now(), error)]);
    options.onFile(event);
  };

  return {
    succeeded: (file) => {
      changes.delete(file.id);
      struggling.delete(file.id);
      const wasTroubled = troubled.delete(subject(file.folderId, file.path));
      if (wasTroubled || file.attempt > 0) ledger.settleIssues(file.folderId, file.path);
    },
    failed: async (context, active, error) => {
      const { file } = active;
      const tries = error.code === 'source-changed' ? (changes.get(file.id) ?? 0) : file.attempt;
      const next = afterFailure(error, tries, options.patience());
      switch (next.kind) {
        case 'release':
          return ledger.releaseClaim(file.id);
        case 'gone':
        case 'observe-again':
          return observeAgain(context, active);
        case 'store':
        case 'start-over':
        case 'try-again':
          // A store that is away is said once, for all its files.
          if (next.kind !== 'store' || error.code === 'access-denied') tellStruggling(file, error);
          return postpone(file, retryDelayMs(file.attempt, backoffs.file, random(), error.retryAfterMs));
        case 'give-up':
          return giveUp(file, active, error);
      }
    },
  };
}
