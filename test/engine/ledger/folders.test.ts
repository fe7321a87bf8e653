import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { asFolderId } from '../../../shared/ids.ts';
import { addFolder, file, open, scan, tempDataDir } from './ledgerFixture.ts';

it('a folder keeps what it was given and what is changed, across a restart', () => {
  const dataDir = tempDataDir();
  const ledger = open(dataDir);
  const folder = addFolder(ledger, 'p/');
  expect(folder).toMatchObject({
    path: '/data',
    bucket: 'bucket',
    prefix: 'p/',
    kind: 'kept',
    paused: false,
    root: null,
    lastScanAt: null,
    lastFullScanAt: null,
  });
  const change: Parameters<typeof ledger.updateFolder>[1] = {
    paused: true,
    root: { dev: '1', ino: '2' },
    kind: 'manual',
    rules: { include: ['*.txt'], exclude: [] },
    deletes: { kind: 'mirror', limit: { kind: 'count', count: 3 }, holdMs: 0 },
    connection: { ...folder.connection, region: 'eu-central-1' },
  };
  expect(ledger.updateFolder(folder.id, change)).toEqual({ ...folder, ...change });
  ledger.setSetting('engine', { maxConnections: 7, list: [1, null] });
  ledger.setSetting('gone', 1);
  ledger.setSetting('gone', undefined);
  ledger.close();
  const reopened = open(dataDir);
  expect(reopened.folders()).toEqual([{ ...folder, ...change }]);
  expect(reopened.setting('engine')).toEqual({ maxConnections: 7, list: [1, null] });
  expect(reopened.setting('gone')).toBeUndefined();
});

it('a removed folder is gone with its files, and its id is never given again', () => {
  const ledger = open();
  const first = addFolder(ledger);
  const second = addFolder(ledger, 'second/');
  for (const folder of [first, second]) scan(ledger, folder.id, { a: [file('x')], b: [file('y')] });
  ledger.removeFolder(second.id);
  const refused = expect.objectContaining({ code: 'not-found' });
  expect(() => ledger.folder(second.id)).toThrow(refused);
  expect(() => ledger.counts(second.id)).toThrow(refused);
  expect(() => ledger.updateFolder(second.id, { paused: true })).toThrow(refused);
  expect(() => ledger.removeFolder(asFolderId(77))).toThrow(refused);
  expect(ledger.counts(first.id).filesTotal).toBe(2);
  expect(addFolder(ledger, 'third/').id).toBeGreaterThan(second.id);
  expect(ledger.check()).toEqual([]);
});

it('check names what is wrong with a ledger that SQLite finds in order', () => {
  const dataDir = tempDataDir();
  const ledger = open(dataDir);
  const { id } = addFolder(ledger);
  scan(ledger, id, { a: [file('x'), file('y')] });
  expect(ledger.check()).toEqual([]);
  const meddler = new Database(join(dataDir, 'ledger.sqlite'));
  meddler.exec(`UPDATE file SET state = 0 WHERE name = 'x'; UPDATE file SET folder_id = 9 WHERE name = 'y'`);
  meddler.close();
  expect(ledger.check()).toEqual([
    'files without a directory of their folder: 1',
    'files called proven that are not, or to be uploaded though they are proven: 1',
    'folders whose counts are wrong: 1',
  ]);
});
