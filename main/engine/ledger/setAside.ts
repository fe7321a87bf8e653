import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { lockDataDir } from './dataDirLock.ts';
import { guarded } from './ledgerError.ts';

export interface SetAside {
  /** Where the damaged ledger is now, whole, with its log. */
  readonly path: string;
  /** What could still be read of the pairs it knew; empty: nothing could. */
  readonly folders: readonly { readonly path: string; readonly uri: string }[];
}

/**
 * Renames a damaged ledger, so that a new one can be made in its place; nothing is ever deleted. null: there is none. The name ends with `nowMs`'s time. Throws
 * `ledger-locked`, `ledger-io`.
 */
export function setLedgerAside(dataDir: string, holder: string, nowMs: number): SetAside | null {
  return guarded(dataDir, () => {
    const lock = lockDataDir(dataDir, holder);
    try {
      const from = join(dataDir, 'ledger.sqlite');
      if (!existsSync(from)) return null;
      const path = freeName(`${from}.damaged-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`);
      // The log first: killed in between, the ledger is still under its name, and the log beside the other can be put back by hand.
      for (const suffix of ['-wal', '-shm', ''])
        if (existsSync(from + suffix)) renameSync(from + suffix, path + suffix);
      return { path, folders: readablePairs(path) };
    } finally {
      lock.release();
    }
  });
}

function freeName(path: string): string {
  for (let at = 1; ; at++) {
    const name = at === 1 ? path : `${path}-${at}`;
    if (!existsSync(name)) return name;
  }
}

function readablePairs(path: string): SetAside['folders'] {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    return db
      .prepare<[], { path: string; bucket: string; prefix: string }>(
        'SELECT path, bucket, prefix FROM folder ORDER BY id',
      )
      .all()
      .map((pair) => ({ path: pair.path, uri: `s3://${pair.bucket}/${pair.prefix}` }));
  } catch {
    // Damaged where the pairs were: whoever made them has to name them.
    return [];
  } finally {
    db?.close();
  }
}
