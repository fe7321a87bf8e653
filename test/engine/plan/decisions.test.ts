import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  changesOnce,
  fileTriesOnce,
  partMayRetry,
  partTries,
} from '../../../main/engine/plan/afterFailure.ts';
import { deletesAllowed } from '../../../main/engine/plan/deleteGuard.ts';
import { fairest } from '../../../main/engine/plan/fairShare.ts';
import { partLength, resumePlan } from '../../../main/engine/plan/resumePlan.ts';
import { backoffs, retryDelayMs } from '../../../main/engine/plan/retryDelay.ts';
import { type ErrorCode, errorCodes, SluiceError } from '../../../shared/errors.ts';

const error = (code: ErrorCode) => new SluiceError(code, 'x').view();

describe('after a failure', () => {
  it('a daemon never gives up a file that waiting may save', () => {
    for (const code of errorCodes) {
      const view = error(code);
      if (view.retryable) expect(afterFailure(view, 1000, 'forever').kind, code).not.toBe('give-up');
    }
  });

  it('a run that must end ends: every failure is given up, or blocks the store, after bounded tries', () => {
    for (const code of errorCodes) {
      const { kind } = afterFailure(error(code), Math.max(fileTriesOnce, changesOnce), 'once');
      expect(['give-up', 'store', 'gone', 'release'], code).toContain(kind);
    }
  });

  it('wrong keys or a missing bucket stop the store at once instead of failing file by file', () => {
    for (const code of ['wrong-keys', 'expired-credentials', 'no-such-bucket', 'no-credentials'] as const) {
      expect(afterFailure(error(code), 0, 'forever')).toEqual({ kind: 'store', immediate: true });
    }
  });

  it('a changed source is looked at again, never sent again as it was', () => {
    expect(afterFailure(error('source-changed'), 0, 'forever').kind).toBe('observe-again');
    expect(partMayRetry(error('source-changed'), 0)).toBe(false);
  });

  it('a part is tried again a bounded number of times', () => {
    expect(partMayRetry(error('store-server-error'), partTries - 1)).toBe(true);
    expect(partMayRetry(error('store-server-error'), partTries)).toBe(false);
    expect(partMayRetry(error('access-denied'), 0)).toBe(false);
  });
});

describe('the wait before the next try', () => {
  it('doubles up to its cap, anywhere below it, and never below what the store asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 0, max: 60_000 }),
        (attempt, random, retryAfterMs) => {
          const ms = retryDelayMs(attempt, backoffs.part, random, retryAfterMs);
          expect(ms).toBeGreaterThanOrEqual(retryAfterMs);
          expect(ms).toBeLessThanOrEqual(Math.max(retryAfterMs, backoffs.part.capMs));
        },
      ),
    );
    expect(retryDelayMs(3, { baseMs: 100, capMs: 10_000 }, 0.5)).toBe(400);
  });
});

describe('fair share', () => {
  it('gives the next slot to whoever holds least, then to whoever waited longest', () => {
    expect(fairest([])).toBeNull();
    expect(
      fairest([
        { id: 'a', holding: 2, lastGivenAt: 1 },
        { id: 'b', holding: 1, lastGivenAt: 9 },
        { id: 'c', holding: 1, lastGivenAt: 3 },
      ]),
    ).toBe('c');
  });
});

describe('taking an upload up again', () => {
  const sizes = { sizeBytes: 25, partSizeBytes: 10, partCount: 3 };
  const part = (partNumber: number, checksum = `c${partNumber}`) => ({
    partNumber,
    sizeBytes: partLength(sizes, partNumber),
    etag: `e${partNumber}`,
    checksum,
  });

  it('keeps what both sides know, compares what only the store has, sends the rest', () => {
    const plan = resumePlan(sizes, [part(1)], [part(1), part(3)]);
    expect(plan.finished).toEqual([part(1)]);
    expect(plan.toCompare).toEqual([part(3)]);
    expect(plan.toSend).toEqual([2]);
    expect(plan.toForget).toEqual([]);
  });

  it('forgets parts the store does not confirm: gone, of another size, or with another checksum', () => {
    const atStore = [
      { ...part(1), checksum: 'other' },
      { ...part(2), sizeBytes: 4 },
    ];
    const plan = resumePlan(sizes, [part(1), part(2), part(3)], atStore);
    expect(plan.finished).toEqual([]);
    expect(plan.toForget).toEqual([1, 2, 3]);
    expect(plan.toSend).toEqual([2, 3]);
    expect(plan.toCompare.map(({ partNumber }) => partNumber)).toEqual([1]);
  });

  it('accounts for every part exactly once, whatever both sides remember', () => {
    const some = fc.subarray([1, 2, 3]);
    fc.assert(
      fc.property(some, some, some, (ours, theirs, wrong) => {
        const plan = resumePlan(
          sizes,
          ours.map((n) => part(n)),
          theirs.map((n) => part(n, wrong.includes(n) ? 'wrong' : `c${n}`)),
        );
        const all = [
          ...plan.finished.map((p) => p.partNumber),
          ...plan.toCompare.map((p) => p.partNumber),
          ...plan.toSend,
        ];
        expect(all.toSorted()).toEqual([1, 2, 3]);
        for (const { partNumber } of plan.finished)
          expect(ours.includes(partNumber) && theirs.includes(partNumber) && !wrong.includes(partNumber)).toBe(true);
      }),
    );
  });
});

describe('the delete guard', () => {
  const facts = { candidates: 5, known: 100, sameRoot: true, scanComplete: true };
  const mirror = (limit: { kind: 'count'; count: number } | { kind: 'percent'; percent: number }) =>
    ({ kind: 'mirror', holdMs: 0, limit }) as const;

  it('never deletes unless asked', () => {
    expect(deletesAllowed({ kind: 'never' }, facts)).toBe(false);
  });
  it('deletes within the limit and stops beyond it, by count and by percentage', () => {
    expect(deletesAllowed(mirror({ kind: 'count', count: 5 }), facts)).toBe(true);
    expect(() => deletesAllowed(mirror({ kind: 'count', count: 4 }), facts)).toThrow(
      expect.objectContaining({ code: 'mass-delete' }),
    );
    expect(deletesAllowed(mirror({ kind: 'percent', percent: 5 }), facts)).toBe(true);
    expect(() => deletesAllowed(mirror({ kind: 'percent', percent: 4 }), facts)).toThrow(
      expect.objectContaining({ code: 'mass-delete' }),
    );
  });
  it('takes another root for an unmounted disk, not for an emptied folder', () => {
    expect(() => deletesAllowed(mirror({ kind: 'percent', percent: 100 }), { ...facts, sameRoot: false })).toThrow(
      expect.objectContaining({ code: 'root-changed' }),
    );
  });
  it('deletes nothing after a scan that could not see everything', () => {
    expect(deletesAllowed(mirror({ kind: 'percent', percent: 100 }), { ...facts, scanComplete: false })).toBe(false);
  });
});
