import { describe, expect, it } from 'vitest';
import { asRelativePath } from '../../../shared/ids.ts';
import { addFolder, file, open, scan, sees, states, tempDataDir } from './ledgerFixture.ts';

describe('claims', () => {
  it("take the watcher's changes before a scan's, each in order of arrival, lane by lane and folder by folder", () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    const other = addFolder(ledger, 'other/');
    scan(ledger, id, { a: [file('old1'), file('big', 9), file('old2')] });
    scan(ledger, other.id, { a: [file('theirs')] });
    ledger.observePaths(id, [sees('a/new'), sees('a/old2', 2)]);
    expect(ledger.claimNext(id, 'small', 10).map((queued) => queued.path)).toEqual(['a/old2', 'a/new', 'a/old1']);
    expect(ledger.hasQueued(id, 'small')).toBe(false);
    expect(ledger.hasQueued(id, 'large')).toBe(true);
    expect(ledger.claimNext(id, 'large', 10)).toMatchObject([
      { path: 'a/big', sizeBytes: 450, mtimeMs: 1_009, attempt: 0, folderId: id },
    ]);
    expect(ledger.claimNext(other.id, 'small', 10)).toMatchObject([{ path: 'a/theirs' }]);
    expect(ledger.counts(id)).toMatchObject({ filesQueued: 4, bytesQueued: 50 + 100 + 50 + 450 });
  });

  it('are given back by a restart, tries counted', () => {
    const dataDir = tempDataDir();
    const ledger = open(dataDir);
    const { id } = addFolder(ledger);
    ledger.observePaths(id, [sees('a'), sees('b')]);
    const [a] = ledger.claimNext(id, 'small', 1);
    ledger.postpone(a!.id, 5);
    ledger.wakeDue(5);
    ledger.claimNext(id, 'small', 2);
    ledger.close();
    const again = open(dataDir).claimNext(id, 'small', 5);
    expect(again.map((queued) => [queued.path, queued.attempt])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
  });

  it('use the other lane after a restart with another limit', () => {
    const dataDir = tempDataDir();
    const ledger = open(dataDir);
    const { id } = addFolder(ledger);
    ledger.observePaths(id, [sees('a', 2), sees('b', 9)]);
    ledger.close();
    const reopened = open(dataDir, 1_000);
    expect(reopened.claimNext(id, 'small', 5).map((queued) => queued.path)).toEqual(['a', 'b']);
    expect(reopened.hasQueued(id, 'large')).toBe(false);
  });

  it('are as quick behind 5,000 files that back off as without them', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    const names = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => file(`${prefix}-${at}`));
    scan(ledger, id, { waiting: names('w', 5_000), ready: names('r', 5_000) });
    for (const queued of ledger.claimNext(id, 'small', 5_000)) ledger.postpone(queued.id, 1_000_000);
    const times = Array.from({ length: 300 }, () => {
      const from = performance.now();
      expect(ledger.claimNext(id, 'small', 1)[0]!.path).toMatch(/^ready/);
      return performance.now() - from;
    });
    // A naive index steps over all that wait, each time: about 1 ms per claim here, against 0.1.
    expect(times.sort((x, y) => x - y)[150]).toBeLessThan(0.6);
  });
});

describe('tries', () => {
  it('wake when their time has come, soonest first, a batch at a time', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    scan(ledger, id, { a: Array.from({ length: 2_500 }, (_, at) => file(`f${at}`)) });
    for (const [at, queued] of ledger.claimNext(id, 'small', 2_500).entries()) ledger.postpone(queued.id, 100 + at);
    expect(ledger.nextDueAt()).toBe(100);
    expect(ledger.wakeDue(99)).toBe(0);
    expect(ledger.wakeDue(101)).toBe(2);
    expect(ledger.nextDueAt()).toBe(102);
    expect(ledger.wakeDue(1e9) + ledger.wakeDue(1e9)).toBe(2_498);
    expect(ledger.nextDueAt()).toBeNull();
    expect(ledger.claimNext(id, 'small', 1)[0]!.attempt).toBe(1);
  });

  it('start afresh when somebody asks for them now', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    ledger.observePaths(id, [sees('a'), sees('b'), sees('c')]);
    const [a, b, c] = ledger.claimNext(id, 'small', 3);
    ledger.giveUp(a!.id);
    ledger.postpone(b!.id, 1e9);
    ledger.giveUp(c!.id);
    expect(ledger.counts(id)).toMatchObject({ filesFailed: 2, filesQueued: 1 });
    expect(ledger.retryNow(id, asRelativePath('c'))).toBe(1);
    expect(ledger.retryNow(id, asRelativePath('nowhere'))).toBe(0);
    expect(states(ledger, id)).toEqual({ a: 'failed', b: 'waiting', c: 'queued' });
    expect(ledger.retryNow(id, null)).toBe(2);
    expect(ledger.claimNext(id, 'small', 3).map((queued) => queued.attempt)).toEqual([0, 0, 0]);
    expect(ledger.counts(id)).toMatchObject({ filesFailed: 0, filesQueued: 3 });
  });
});
