import { statfsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type ErrorCode, SluiceError } from '../../../shared/errors.ts';

/** Runs `work`; whatever SQLite or the file system throws comes out as a SluiceError `ledger-*`. Every public method goes through here. */
export function guarded<T>(dataDir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw ledgerError(dataDir, error);
  }
}

/** What isn't the disk's or SQLite's doing is returned as it is: a bug must look like one. */
export function ledgerError(dataDir: string, error: unknown): unknown {
  if (error instanceof SluiceError || !(error instanceof Error)) return error;
  if (
    !(error instanceof Database.SqliteError) &&
    error instanceof TypeError &&
    error.message.includes('connection is not open')
  ) {
    return new SluiceError('internal', 'The ledger was used after it was closed', { cause: error });
  }
  const kind = kindOf((error as { readonly code?: unknown }).code, dataDir);
  return kind === undefined
    ? error
    : new SluiceError(kind, `${sentences[kind]} ${dataDir}: ${error.message}`, { cause: error });
}

const sentences = {
  'ledger-full': 'The disk is full under the data directory',
  'ledger-corrupt': 'The ledger is damaged in',
  'ledger-locked': 'The ledger is held by another program in',
  'ledger-io': 'The ledger cannot be read or written in',
} as const satisfies Partial<Record<ErrorCode, string>>;

function kindOf(code: unknown, dataDir: string): keyof typeof sentences | undefined {
  if (typeof code !== 'string') return undefined;
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) return 'ledger-full';
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return 'ledger-corrupt';
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return 'ledger-locked';
  // A shared-memory file that can't grow is reported as an I/O error, though the cause is a full disk.
  if (/^SQLITE_IOERR/.test(code) && isFull(dataDir)) return 'ledger-full';
  if (/^SQLITE_(IOERR|CANTOPEN|READONLY|PERM|AUTH|PROTOCOL|NOLFS)/.test(code)) return 'ledger-io';
  return fileSystemCodes.has(code) ? 'ledger-io' : undefined;
}

const fileSystemCodes = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'EIO',
  'ENOTDIR',
  'EEXIST',
  'ENOENT',
  'EMFILE',
  'ENFILE',
  'ENAMETOOLONG',
  'ELOOP',
]);

function isFull(dataDir: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dataDir);
    return bavail * bsize < 64 * 1024;
  } catch {
    return false; // the directory itself is unreachable: an I/O error, as SQLite said
  }
}
