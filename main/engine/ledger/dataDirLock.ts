import { closeSync, mkdirSync, openSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';

/** Who holds a data directory. Only for people to read: the lock itself is the kernel's. */
const LedgerOwner = z.object({ pid: z.number(), holder: z.string(), startedAt: z.number(), host: z.string() });
export type LedgerOwner = z.infer<typeof LedgerOwner>;

export interface DataDirLock {
  release(): void;
}

/** Held by this process. SQLite refuses a second connection too, but only after its waiting time. */
const heldHere = new Set<string>();

/**
 * Makes `dataDir` (mode 0700) and takes it for this process until `release` or the process's end, however it ends. Throws `ledger-locked`.
 *
 * The lock is an exclusive transaction on an otherwise empty database: the same byte-range locks as SQLite's own on every platform, freed by the kernel at
 * kill -9. Nobody in this process may open lock.sqlite by other means: closing any descriptor of it would drop POSIX locks.
 */
export function lockDataDir(dataDir: string, holder: string): DataDirLock {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const real = realpathSync(dataDir);
  if (heldHere.has(real)) throw lockedBy(dataDir, readOwner(real));
  const path = join(real, 'lock.sqlite');
  createPrivate(path);
  // Long enough for a reader that looks whether the directory is taken, which holds a shared lock for an instant.
  const db = new Database(path, { timeout: 200 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    writeOwner(real, { pid: process.pid, holder, startedAt: Date.now(), host: hostname() });
  } catch (error) {
    db.close();
    throw isBusy(error) ? lockedBy(dataDir, readOwner(real)) : error;
  }
  heldHere.add(real);
  return {
    release() {
      rmSync(join(real, 'owner.json'), { force: true });
      db.close();
      heldHere.delete(real);
    },
  };
}

/** Who has the data directory open now; null: nobody. */
export function dataDirOwner(dataDir: string): LedgerOwner | null {
  const real = realpathSync(dataDir);
  if (heldHere.has(real)) return readOwner(real);
  let db: Database.Database;
  try {
    db = new Database(join(real, 'lock.sqlite'), { readonly: true, fileMustExist: true, timeout: 0 });
  } catch {
    return null; // never opened by any Sluice
  }
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return null;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return readOwner(real);
  } finally {
    db.close();
  }
}

/** An empty file only its owner can read, unless it is there already. */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function lockedBy(dataDir: string, owner: LedgerOwner | null): SluiceError {
  const where = owner === null || owner.host === hostname() ? '' : ` on ${owner.host}`;
  const who = owner === null ? 'another program' : `${owner.holder} (process ${owner.pid}${where})`;
  return new SluiceError('ledger-locked', `The data directory ${dataDir} is in use by ${who}`);
}

function readOwner(dataDir: string): LedgerOwner | null {
  try {
    return LedgerOwner.parse(JSON.parse(readFileSync(join(dataDir, 'owner.json'), 'utf8')));
  } catch {
    return null; // being written, or lost: the lock counts, the name is a courtesy
  }
}

function writeOwner(dataDir: string, owner: LedgerOwner): void {
  const fresh = join(dataDir, 'owner.json.new');
  writeFileSync(fresh, JSON.stringify(owner), { mode: 0o600 });
  renameSync(fresh, join(dataDir, 'owner.json'));
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
