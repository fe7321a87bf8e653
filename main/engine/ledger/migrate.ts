import type Database from 'better-sqlite3';
import { SluiceError } from '../../../shared/errors.ts';
import { migrations } from './migrations/migrations.ts';

/** `Slui` in ASCII: tells `file` and us whose database this is. */
export const applicationId = 0x536c7569;

/** Brings the ledger to this program's version, one transaction per step. Throws `ledger-newer`, and `ledger-corrupt` for a database that isn't ours. */
export function migrate(db: Database.Database, path: string): void {
  for (let version = ledgerVersion(db, path); version < migrations.length; version++) {
    db.transaction(() => {
      db.exec(migrations[version]!);
      db.pragma(`application_id = ${applicationId}`);
      db.pragma(`user_version = ${version + 1}`);
    }).immediate();
  }
}

/** 0: an empty file. */
export function ledgerVersion(db: Database.Database, path: string): number {
  const version = Number(db.pragma('user_version', { simple: true }));
  const owner = Number(db.pragma('application_id', { simple: true }));
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  if (owner !== applicationId && !(isEmpty && owner === 0 && version === 0)) {
    throw new SluiceError('ledger-corrupt', `${path} is a database, but not a ledger of Sluice`);
  }
  if (version > migrations.length) {
    throw new SluiceError(
      'ledger-newer',
      `The ledger ${path} is of version ${version}, written by a newer Sluice; this one knows version ${migrations.length} at most`,
    );
  }
  return version;
}
