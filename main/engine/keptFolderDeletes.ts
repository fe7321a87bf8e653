import { type ErrorView, errorView } from '../../shared/errors.ts';
import type { FileId, FolderId } from '../../shared/ids.ts';
import { type DeletePlace, deleteGone, isMissing } from './deleteGone.ts';
import type { Ledger } from './ledger/ledger.ts';
import { keptDeletes } from './plan/keptDeletes.ts';
import type { Clock } from './ports.ts';
import { meteredAs } from './store/meteredAs.ts';
import { sameRoot as isSameRoot, rootIdentity } from './watch/rootIdentity.ts';

const pageSize = 500;
const lookAgainMs = 1_000;
/** After that the next scan begins it anew. */
const longestWaitMs = 600_000;

export interface KeptDeletesOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** null: not now (paused, out of reach, not a kept folder). */
  readonly placeOf: (folder: FolderId) => DeletePlace | null;
  readonly onDeleted: () => void;
  readonly onIssue: (folder: FolderId, error: ErrorView) => void;
  readonly onFatal: (error: unknown) => void;
}

/**
 * Deletes of the daemon and the app: only after a scan that saw the whole folder, once nothing of it is waiting to be uploaded (a rename's copy is there before its old object goes),
 * and only what was held back long enough or approved.
 */
export function createKeptDeletes(options: KeptDeletesOptions) {
  const { ledger, clock } = options;
  const running = new Map<FolderId, AbortController>();

  const whenIdle = async (folderId: FolderId, signal: AbortSignal): Promise<boolean> => {
    for (let waited = 0; waited < longestWaitMs; waited += lookAgainMs) {
      if (signal.aborted) return false;
      if (ledger.counts(folderId).filesQueued === 0) return true;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(lookAgainMs, resolve);
        const stop = (): void => {
          cancel();
          resolve();
        };
        signal.addEventListener('abort', stop, { once: true });
      });
    }
    return false;
  };

  const run = async (folderId: FolderId, signal: AbortSignal): Promise<void> => {
    const policy = ledger.folder(folderId).deletes;
    if (policy.kind === 'never') return ledger.clearPendingDeletes(folderId);
    await noticeGone(ledger, options.placeOf(folderId), folderId, clock.now());
    if (!(await whenIdle(folderId, signal))) return;
    const place = options.placeOf(folderId);
    if (!place || signal.aborted) return;
    const { held, approved } = ledger.pendingTotals(folderId);
    const { root } = ledger.folder(folderId);
    const sameRoot = root !== null && isSameRoot(root, await rootIdentity(place.folder.path));
    const known = ledger.counts(folderId).filesTotal + held.files + approved.files;
    const next = keptDeletes(place.folder.deletes, { held: held.files, known, sameRoot, nowMs: clock.now() });
    if (next.kind === 'ask') {
      ledger.raiseIssue({ folderId, path: null, error: next.error, atMs: clock.now() });
      options.onIssue(folderId, next.error);
    } else ledger.settleIssues(folderId, null, ['mass-delete']);
    if (!sameRoot) return;
    await deleteAll(place, 'approved', Number.MAX_SAFE_INTEGER, signal);
    if (next.kind === 'delete') await deleteAll(place, 'held', next.noticedBefore, signal);
  };

  const deleteAll = async (
    place: DeletePlace,
    decision: 'held' | 'approved',
    noticedBefore: number,
    signal: AbortSignal,
  ): Promise<void> => {
    const { id } = place.folder;
    for (;;) {
      const page = ledger.pendingDeletes(id, { decision, noticedBefore, limit: pageSize });
      let done = 0;
      for (const { file } of page) {
        if (signal.aborted || ledger.folder(id).deletes.kind === 'never') return;
        const what = await deleteGone(place, file);
        if (what === 'deleted') options.onDeleted();
        // On disk again, or somebody else's: nothing to be deleted, and not asked again.
        else if (what === 'back' || what === 'not-ours') ledger.decideDeletes(id, 'kept', { fileId: file.id });
        else return options.onIssue(id, what);
        done++;
      }
      if (done < pageSize) return;
    }
  };

  return {
    /** A scan saw all of the folder. */
    scanned: (folderId: FolderId): void => {
      running.get(folderId)?.abort();
      const stop = new AbortController();
      running.set(folderId, stop);
      meteredAs(folderId, () => run(folderId, stop.signal)).catch((error: unknown) => {
        if (stop.signal.aborted) return;
        const view = errorView(error);
        if (view.code.startsWith('ledger-') || view.code === 'internal') return options.onFatal(error);
        options.onIssue(folderId, view);
      });
    },
    stop: (folderId?: FolderId): void => {
      for (const [id, controller] of running) if (folderId === undefined || id === folderId) controller.abort();
    },
  };
}

/** Gone by the ledger and by the disk: those are held back from now on. What is only excluded isn't. */
async function noticeGone(ledger: Ledger, place: DeletePlace | null, folderId: FolderId, atMs: number): Promise<void> {
  if (!place) return;
  for (let after = 0; ; ) {
    const page = ledger.goneUnnoticed(folderId, after, pageSize);
    const missing: FileId[] = [];
    for (const file of page)
      if (file.proof?.etag !== '' && (await isMissing(place.folder, file))) missing.push(file.id);
    ledger.noticeGone(folderId, missing, atMs);
    const last = page.at(-1);
    if (!last || page.length < pageSize) return;
    after = last.id;
  }
}
