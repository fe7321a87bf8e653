import { describe, expect, it } from 'vitest';
import { createActivity } from '../../../main/engine/ledger/activity.ts';
import { createConnection, openDatabase } from '../../../main/engine/ledger/connection.ts';
import type { NewActivity } from '../../../main/engine/ledger/ledger.ts';
import { migrate } from '../../../main/engine/ledger/migrate.ts';
import { asFolderId } from '../../../shared/ids.ts';
import { addFolder, open } from './ledgerFixture.ts';

const did = (path: string, change: Partial<NewActivity> = {}): NewActivity => ({
  at: 1_000,
  folderId: asFolderId(1),
  path,
  key: path,
  action: 'put',
  bytes: 10,
  parts: 1,
  durationMs: 1.5,
  retries: 0,
  etag: '"e"',
  checksum: null,
  error: null,
  ...change,
});
const all = { before: null, limit: 100, folderId: null, search: '', actions: [] } as const;

describe('activity', () => {
  it('comes newest first, page after page, and says how much there is', () => {
    const ledger = open();
    ledger.recordActivity(Array.from({ length: 25 }, (_, at) => did(`f${at}`)));
    const first = ledger.activity({ ...all, limit: 10 });
    expect([first.rows.map((row) => row.path).slice(0, 2), first.hasMore, first.total]).toEqual([
      ['f24', 'f23'],
      true,
      25,
    ]);
    const last = ledger.activity({ ...all, limit: 20, before: first.rows.at(-1)!.id });
    expect([last.rows[0]!.path, last.rows.length, last.hasMore, last.total]).toEqual(['f14', 15, false, 25]);
  });

  it('is filtered by folder, action and a piece of the path, taken literally and in either case', () => {
    const ledger = open();
    const error = { code: 'access-denied', message: 'no', remedy: 'ask', retryable: false } as const;
    ledger.recordActivity([
      did('a/100%_done.txt'),
      did('a/100 done.txt', { folderId: asFolderId(2) }),
      did('Ärger/Über.TXT', { action: 'failed', error }),
      did('b\\c', { action: 'delete' }),
    ]);
    const found = (query: Partial<Parameters<typeof ledger.activity>[0]>) => {
      const { rows, total } = ledger.activity({ ...all, ...query });
      expect(total).toBe(rows.length);
      return rows.map((row) => row.path);
    };
    expect(found({ search: '%_D' })).toEqual(['a/100%_done.txt']);
    expect(found({ search: '.txt' })).toHaveLength(3);
    expect(found({ search: 'ärger/über' })).toEqual(['Ärger/Über.TXT']);
    expect(found({ search: '\\' })).toEqual(['b\\c']);
    expect(found({ folderId: asFolderId(2) })).toEqual(['a/100 done.txt']);
    expect(found({ actions: ['failed', 'delete'] })).toHaveLength(2);
    expect(ledger.activity({ ...all, actions: ['failed'] }).rows[0]).toMatchObject({ error, durationMs: 1.5 });
  });

  it('adds up what was uploaded since any moment', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    const midnight = Date.UTC(2026, 0, 2);
    const quarter = 900_000;
    ledger.recordActivity([
      did('before', { at: midnight - 1, retries: 100 }),
      did('a', { at: midnight, bytes: 5_000_000_000, retries: 2 }),
      did('b', { at: midnight + quarter, action: 'multipart', retries: 1 }),
      did('c', { at: midnight + 3 * quarter + 7, action: 'failed', bytes: 99, retries: 3 }),
    ]);
    ledger.recordActivity([did('d', { at: midnight + 3 * quarter + 7, action: 'copy' })]);
    expect(ledger.activitySince(midnight)).toEqual({ files: 3, bytes: 5_000_000_020, retries: 6 });
    expect(ledger.activitySince(midnight + 1)).toEqual({ files: 2, bytes: 20, retries: 4 });
    expect(ledger.activitySince(midnight + 3 * quarter + 7)).toEqual({ files: 1, bytes: 10, retries: 3 });
    expect(ledger.activitySince(midnight + 3 * quarter + 8)).toEqual({ files: 0, bytes: 0, retries: 0 });
    expect(ledger.lastUploadAt(id)).toBe(midnight + 3 * quarter + 7);
    expect(ledger.lastUploadAt(asFolderId(99))).toBeNull();
  });

  it('forgets the oldest beyond its limit', () => {
    const db = openDatabase(':memory:');
    migrate(db, ':memory:');
    const activity = createActivity(createConnection(db, ''), { keptRows: 50, pruneBatch: 10 });
    for (let at = 0; at < 40; at++) activity.recordActivity([did(`a${at}`), did(`b${at}`)]);
    const { rows, total } = activity.activity(all);
    expect(total).toBe(rows.length);
    expect(rows.length).toBeLessThanOrEqual(50);
    expect(rows.length).toBeGreaterThanOrEqual(40);
    expect(rows[0]!.path).toBe('b39');
    db.close();
  });
});
