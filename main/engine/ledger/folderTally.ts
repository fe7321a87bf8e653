import type Database from 'better-sqlite3';
import { type FileRecord, fileState, isGone, isToUpload } from './fileState.ts';

export type Tallied = Pick<FileRecord, 'folder_id' | 'state' | 'size' | 'proof_checksum'>;

/**
 * The folders' counts, kept up to date with every change of a file, in the same transaction: collected here, written once at its end
 * (a trigger per row would cost a third of the insert rate).
 */
export interface FolderTally {
  enter(file: Tallied): void;
  leave(file: Tallied): void;
  /** Writes what was collected. */
  flush(): void;
  /** The transaction failed. */
  forget(): void;
}

export function createFolderTally(db: Database.Database): FolderTally {
  const add = db.prepare(`UPDATE folder_count SET
    files_total = files_total + ?, bytes_total = bytes_total + ?, files_proven = files_proven + ?, bytes_proven = bytes_proven + ?,
    files_queued = files_queued + ?, bytes_queued = bytes_queued + ?, files_failed = files_failed + ? WHERE folder_id = ?`);
  const deltas = new Map<number, number[]>();

  const count = (file: Tallied, sign: 1 | -1): void => {
    if (isGone(file.state)) return;
    const delta = deltas.get(file.folder_id) ?? [0, 0, 0, 0, 0, 0, 0];
    deltas.set(file.folder_id, delta);
    const bytes = sign * file.size;
    delta[0]! += sign;
    delta[1]! += bytes;
    if (isToUpload(file.state)) {
      delta[4]! += sign;
      delta[5]! += bytes;
    } else if (file.state === fileState.failed) {
      delta[6]! += sign;
    } else if (file.proof_checksum !== null) {
      delta[2]! += sign;
      delta[3]! += bytes;
    }
  };

  return {
    enter: (file) => count(file, 1),
    leave: (file) => count(file, -1),
    flush() {
      for (const [folderId, delta] of deltas) {
        if (delta.some((value) => value !== 0)) add.run(...delta, folderId);
      }
      deltas.clear();
    },
    forget: () => deltas.clear(),
  };
}
