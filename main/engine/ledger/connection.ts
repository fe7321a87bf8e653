import Database from 'better-sqlite3';
import { createFolderTally, type FolderTally } from './folderTally.ts';
import { guarded } from './ledgerError.ts';

/** What the rooms of the ledger share. */
export interface Connection {
  readonly db: Database.Database;
  readonly dataDir: string;
  readonly tally: FolderTally;
  /** One transaction, with the counts of the folders in it. */
  write<T>(work: () => T): T;
  /** For what runs after a public method has returned (iterators): maps errors like one. */
  guard<T>(work: () => T): T;
}

export function createConnection(db: Database.Database, dataDir: string): Connection {
  const tally = createFolderTally(db);
  const transaction = db.transaction((work: () => unknown) => {
    const result = work();
    tally.flush();
    return result;
  });
  return {
    db,
    dataDir,
    tally,
    write<T>(work: () => T): T {
      try {
        return transaction.immediate(work) as T;
      } finally {
        tally.forget();
      }
    },
    guard: (work) => guarded(dataDir, work),
  };
}

/**
 * WAL with synchronous NORMAL: every commit is in the kernel's hands when it returns, so kill -9 of the process at any instant loses nothing. A power cut may lose
 * the transactions since the last checkpoint, always a suffix, never a part of one: then a proof, a part or an upload intent is forgotten, and what it stood for is
 * found again (ListParts, the token in HeadObject, our token in ListMultipartUploads) or done again. What is in the ledger is never wrong because of it.
 */
export function openDatabase(path: string): Database.Database {
  const db = new Database(path, { timeout: 2_000 });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('foreign_keys = ON');
    db.pragma('temp_store = MEMORY');
    db.pragma('cache_size = -32768');
    // Fewer, larger checkpoints: each costs an fsync on this thread. The log file is cut back after a burst.
    db.pragma('wal_autocheckpoint = 4000');
    db.pragma('journal_size_limit = 67108864');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
