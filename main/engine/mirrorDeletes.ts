import { type DeletePlace, deleteGone, isMissing } from './deleteGone.ts';
import type { FolderRow, KnownFile, Ledger } from './ledger/ledger.ts';
import { deletesAllowed } from './plan/deleteGuard.ts';
import { sameRoot as isSameRoot, rootIdentity } from './watch/rootIdentity.ts';

/** Proven objects whose files are really gone from disk: a file that is only excluded now is still there, and its object stays; so does one that was left to others. */
export async function deletable(folder: FolderRow, ledger: Ledger): Promise<readonly KnownFile[]> {
  if (folder.deletes.kind === 'never') return [];
  const gone: KnownFile[] = [];
  for (const file of ledger.goneFiles(folder.id))
    if (file.proof?.etag !== '' && (await isMissing(folder, file))) gone.push(file);
  return gone;
}

/**
 * A pass deletes what the mirror policy allows, each object only if it is still the one that we put there (`If-Match`). Throws `mass-delete` and `root-changed` before
 * anything is deleted.
 */
export async function mirrorDeletes(
  options: DeletePlace & {
    /** Aborted: no further object is deleted. */
    readonly signal: AbortSignal;
    readonly scanComplete: boolean;
  },
): Promise<{ readonly deleted: number; readonly failed: number }> {
  const { folder, ledger, signal, scanComplete } = options;
  const candidates = await deletable(folder, ledger);
  const known = ledger.counts(folder.id).filesTotal + candidates.length;
  // Hours may have passed since the scan: the disk may be gone by now.
  const { root } = ledger.folder(folder.id);
  const sameRoot = root !== null && isSameRoot(root, await rootIdentity(folder.path));
  const counted = { deleted: 0, failed: 0 };
  if (!deletesAllowed(folder.deletes, { candidates: candidates.length, known, sameRoot, scanComplete })) return counted;
  for (const file of candidates) {
    if (signal.aborted) break;
    const what = await deleteGone(options, file);
    if (what === 'deleted') counted.deleted++;
    else if (what !== 'back') counted.failed++;
  }
  return counted;
}
