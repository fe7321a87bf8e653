import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorView } from '../../shared/errors.ts';
import type { FileEvent } from '../../shared/events.ts';
import type { FolderRow, KnownFile, Ledger } from './ledger/ledger.ts';
import { deletesAllowed } from './plan/deleteGuard.ts';
import { objectKey } from './plan/objectKey.ts';
import type { Clock } from './ports.ts';
import type { Store } from './store/store.ts';
import { activityOf } from './transfer/activityOf.ts';
import { sameRoot as isSameRoot, rootIdentity } from './watch/rootIdentity.ts';

/** Proven objects whose files are really gone from disk: a file that is only excluded now is still there, and its object stays. */
export async function deletable(folder: FolderRow, ledger: Ledger): Promise<readonly KnownFile[]> {
  if (folder.deletes.kind === 'never') return [];
  const gone: KnownFile[] = [];
  for (const file of ledger.goneFiles(folder.id)) {
    const missing = await lstat(join(folder.path, file.path)).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
    );
    if (missing) gone.push(file);
  }
  return gone;
}

/**
 * Deletes what the mirror policy allows, each object only if it is still the one that we put there (`If-Match`). Throws `mass-delete` and `root-changed` before
 * anything is deleted.
 */
export async function mirrorDeletes(options: {
  readonly folder: FolderRow;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly clock: Clock;
  /** Aborted: no further object is deleted. */
  readonly signal: AbortSignal;
  readonly scanComplete: boolean;
  readonly onFile: (event: FileEvent) => void;
}): Promise<{ readonly deleted: number; readonly failed: number }> {
  const { folder, ledger, store, clock, onFile } = options;
  const candidates = await deletable(folder, ledger);
  const known = ledger.counts(folder.id).filesTotal + candidates.length;
  const { signal, scanComplete } = options;
  // Hours may have passed since the scan: the disk may be gone by now.
  const { root } = ledger.folder(folder.id);
  const sameRoot = root !== null && isSameRoot(root, await rootIdentity(folder.path));
  if (!deletesAllowed(folder.deletes, { candidates: candidates.length, known, sameRoot, scanComplete }))
    return { deleted: 0, failed: 0 };
  let deleted = 0;
  let failed = 0;
  for (const file of candidates) {
    if (signal.aborted) break;
    const startedAt = clock.now();
    const key = objectKey(folder.prefix, file.path);
    const event: FileEvent = {
      type: 'file',
      folderId: folder.id,
      path: file.path,
      key,
      action: 'delete',
      bytes: 0,
      parts: 0,
      durationMs: 0,
      retries: 0,
      etag: file.proof?.etag ?? null,
      checksum: file.proof?.checksum ?? null,
      accelerated: false,
    };
    try {
      await store.deleteObject({ key, ifMatch: file.proof?.etag ?? null });
      const deletedEvent = { ...event, durationMs: clock.now() - startedAt };
      ledger.recordActivity([activityOf(deletedEvent, clock.now())]);
      ledger.forgetFile(file.id);
      deleted++;
      onFile(deletedEvent);
    } catch (error) {
      const view = { ...errorView(error), path: file.path };
      ledger.raiseIssue({ folderId: folder.id, path: file.path, error: view, atMs: clock.now() });
      failed++;
      onFile({ ...event, error: view });
    }
  }
  return { deleted, failed };
}
