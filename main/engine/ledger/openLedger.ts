import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { createAcceleration } from './acceleration.ts';
import { createActivity } from './activity.ts';
import { createCheck } from './check.ts';
import { createConnection, openDatabase } from './connection.ts';
import { createCopyCandidates } from './copyCandidates.ts';
import { createPrivate, lockDataDir } from './dataDirLock.ts';
import { createFileRows } from './fileRows.ts';
import { createFolders } from './folders.ts';
import { createIssues } from './issues.ts';
import type { Ledger, OpenLedgerOptions } from './ledger.ts';
import { guarded } from './ledgerError.ts';
import { createMeterRows } from './meter.ts';
import { migrate } from './migrate.ts';
import { createObservations } from './observations.ts';
import { createPendingDeletes } from './pendingDeletes.ts';
import { createProofs } from './proofs.ts';
import { createQueue } from './queue.ts';
import { recover } from './recovery.ts';
import { createSettings } from './settings.ts';
import { createTuning } from './tuning.ts';
import { createUploads } from './uploads.ts';

/** Opens the data directory's ledger for this process alone. Throws `ledger-locked`, `ledger-newer`, `ledger-corrupt`, `ledger-full`, `ledger-io`. */
export function openLedger(options: OpenLedgerOptions): Ledger {
  const { dataDir, smallFileLimitBytes } = options;
  return guarded(dataDir, () => {
    const lock = lockDataDir(dataDir, options.holder);
    let db: Database.Database | undefined;
    try {
      const path = join(dataDir, 'ledger.sqlite');
      createPrivate(path);
      db = openDatabase(path);
      migrate(db, path);
      const ledger = composeLedger(db, dataDir, smallFileLimitBytes, () => lock.release());
      recover(createConnection(db, dataDir), ledger, smallFileLimitBytes);
      return ledger;
    } catch (error) {
      db?.close();
      lock.release();
      throw error;
    }
  });
}

/** The rooms of the ledger as one interface; every method maps its errors. */
export function composeLedger(
  db: Database.Database,
  dataDir: string,
  smallFileLimitBytes: number,
  onClosed: () => void,
): Ledger {
  const connection = createConnection(db, dataDir);
  const rows = createFileRows(connection);
  const { prove, ...proofs } = createProofs(connection, rows);
  const ledger: Ledger = {
    ...createFolders(connection),
    ...createObservations(connection, rows, smallFileLimitBytes),
    ...createQueue(connection, rows),
    ...proofs,
    ...createUploads(connection, rows, prove),
    ...createCopyCandidates(connection),
    ...createPendingDeletes(connection, rows),
    ...createActivity(connection),
    ...createIssues(connection),
    ...createSettings(connection),
    ...createTuning(connection),
    ...createMeterRows(connection),
    ...createAcceleration(connection),
    ...createCheck(connection),
    close() {
      if (!db.open) return;
      db.close();
      onClosed();
    },
  };
  const methods = Object.entries(ledger) as [string, (...parameters: unknown[]) => unknown][];
  return Object.fromEntries(
    methods.map(([name, method]) => [
      name,
      (...parameters: unknown[]) => guarded(dataDir, () => method(...parameters)),
    ]),
  ) as unknown as Ledger;
}
