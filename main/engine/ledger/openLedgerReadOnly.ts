import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SluiceError } from '../../../shared/errors.ts';
import { dataDirOwner, type LedgerOwner } from './dataDirLock.ts';
import type { Ledger } from './ledger.ts';
import { guarded } from './ledgerError.ts';
import { ledgerVersion } from './migrate.ts';
import { migrations } from './migrations/migrations.ts';
import { composeLedger } from './openLedger.ts';

/** What may be asked while another process owns the ledger. Each answer is the state at some instant; two need not be of the same. */
export type LedgerReader = Pick<
  Ledger,
  | 'folder'
  | 'folders'
  | 'counts'
  | 'hasQueued'
  | 'nextDueAt'
  | 'goneFiles'
  | 'file'
  | 'files'
  | 'openUpload'
  | 'uploads'
  | 'parts'
  | 'activity'
  | 'activitySince'
  | 'lastUploadAt'
  | 'issues'
  | 'issue'
  | 'issueCount'
  | 'setting'
  | 'tuning'
  | 'meter'
  | 'accelerationSpend'
  | 'probes'
  | 'check'
  | 'close'
> & {
  /** Who has the data directory open; null: nobody, the ledger is at rest. */
  owner(): LedgerOwner | null;
};

/** Reads, changes nothing, disturbs no owner. Throws `not-found` when there is no ledger yet, `ledger-newer`, `ledger-locked` (an older Sluice owns it), `ledger-*`. */
export function openLedgerReadOnly(dataDir: string): LedgerReader {
  return guarded(dataDir, () => {
    const path = join(dataDir, 'ledger.sqlite');
    if (!existsSync(path)) throw noLedger(dataDir);
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
    try {
      const version = ledgerVersion(db, path);
      if (version === 0) throw noLedger(dataDir);
      if (version < migrations.length) {
        throw new SluiceError(
          'ledger-locked',
          `The ledger ${path} is of version ${version}; this Sluice reads version ${migrations.length}`,
          {
            remedy: 'Stop the older Sluice and start this one: it brings the ledger up to date.',
          },
        );
      }
      const ledger = composeLedger(db, dataDir, 0, () => {});
      return { ...ledger, owner: () => guarded(dataDir, () => dataDirOwner(dataDir)) };
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

const noLedger = (dataDir: string): SluiceError =>
  new SluiceError('not-found', `There is no ledger in ${dataDir} yet`, {
    remedy: 'Add a folder or run a sync first, or check --data-dir.',
  });
