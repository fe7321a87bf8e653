import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorView, errorView } from '../../shared/errors.ts';
import type { FileEvent } from '../../shared/events.ts';
import type { FolderRow, KnownFile, Ledger } from './ledger/ledger.ts';
import { objectKey } from './plan/objectKey.ts';
import type { Clock } from './ports.ts';
import type { Store } from './store/store.ts';
import { activityOf } from './transfer/activityOf.ts';

export interface DeletePlace {
  readonly folder: FolderRow;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly clock: Clock;
  readonly onFile: (event: FileEvent) => void;
}

/** Really not on disk: a file that is only excluded now is still there. */
export const isMissing = (folder: Pick<FolderRow, 'path'>, file: Pick<KnownFile, 'path'>): Promise<boolean> =>
  lstat(join(folder.path, file.path)).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
  );

/**
 * Deletes the object of one gone file, if it is still the one that we put there (`If-Match`). The ledger has the intention first: whatever comes back under that name meanwhile is
 * uploaded again. `not-ours`: somebody else wrote it since, so it stays.
 */
export async function deleteGone(
  { folder, ledger, store, clock, onFile }: DeletePlace,
  file: KnownFile,
): Promise<'deleted' | 'back' | 'not-ours' | ErrorView> {
  if (!(await isMissing(folder, file)) || !ledger.intendDelete(file.id)) return 'back';
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
  } catch (error) {
    const view = { ...errorView(error), path: file.path };
    // Gone already: by an earlier try whose answer was lost, or by others.
    if (view.code !== 'no-such-key') {
      ledger.raiseIssue({ folderId: folder.id, path: file.path, error: view, atMs: clock.now() });
      onFile({ ...event, error: view });
      return view.code === 'precondition-failed' ? 'not-ours' : view;
    }
  }
  const deleted = { ...event, durationMs: clock.now() - startedAt };
  ledger.recordActivity([activityOf(deleted, clock.now())]);
  ledger.forgetFile(file.id);
  onFile(deleted);
  return 'deleted';
}
