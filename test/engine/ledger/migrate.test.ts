import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { applicationId } from '../../../main/engine/ledger/migrate.ts';
import { migrations } from '../../../main/engine/ledger/migrations/migrations.ts';
import { openLedgerReadOnly } from '../../../main/engine/ledger/openLedgerReadOnly.ts';
import { addFolder, open, tempDataDir } from './ledgerFixture.ts';

const newest = migrations.length;

const edit = (dataDir: string, sql: string): void => {
  const db = new Database(join(dataDir, 'ledger.sqlite'));
  db.exec(sql);
  db.close();
};

it('a new ledger carries our application id and the newest version', () => {
  const dataDir = tempDataDir();
  open(dataDir).close();
  const db = new Database(join(dataDir, 'ledger.sqlite'), { readonly: true });
  expect(db.pragma('application_id', { simple: true })).toBe(applicationId);
  expect(db.pragma('user_version', { simple: true })).toBe(newest);
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
  db.close();
});

it('a ledger of a newer Sluice is refused with both versions, untouched, and its lock is given back', () => {
  const dataDir = tempDataDir();
  open(dataDir).close();
  edit(dataDir, `PRAGMA user_version = ${newest + 3}`);
  const refused = expect.objectContaining({
    code: 'ledger-newer',
    message: expect.stringMatching(
      new RegExp(`version ${newest + 3}, written by a newer Sluice; this one knows version ${newest} at most`),
    ),
  });
  expect(() => open(dataDir)).toThrow(refused);
  expect(() => openLedgerReadOnly(dataDir)).toThrow(refused);
  edit(dataDir, `PRAGMA user_version = ${newest}`);
  expect(open(dataDir).folders()).toEqual([]);
});

it('an open that was interrupted before the first migration is done again', () => {
  const empty = tempDataDir();
  edit(empty, 'PRAGMA journal_mode = WAL');
  expect(addFolder(open(empty)).id).toBe(1);
});

it("somebody else's database is not touched", () => {
  const dataDir = tempDataDir();
  edit(dataDir, 'CREATE TABLE theirs (value)');
  expect(() => open(dataDir)).toThrow(expect.objectContaining({ code: 'ledger-corrupt' }));
  const db = new Database(join(dataDir, 'ledger.sqlite'));
  expect(db.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['theirs']);
  db.close();
});
