import { expect, it } from 'vitest';
import { type ErrorCode, SluiceError } from '../../../shared/errors.ts';
import { asIssueId, type FolderId } from '../../../shared/ids.ts';
import { addFolder, open } from './ledgerFixture.ts';

const issue = (folderId: FolderId | null, path: string | null, code: ErrorCode, atMs = 1, message = 'It failed') => ({
  folderId,
  path,
  error: new SluiceError(code, message).view(),
  atMs,
});

it('an issue seen again rises instead of being listed twice, and keeps its id and first time', () => {
  const ledger = open();
  const { id } = addFolder(ledger);
  for (const subject of [null, '', 'a'] as const) ledger.raiseIssue(issue(id, subject, 'access-denied', 1));
  ledger.raiseIssue(issue(null, null, 'access-denied', 2));
  ledger.raiseIssue(issue(id, 'a', 'key-too-long', 3));
  ledger.raiseIssue(issue(id, 'a', 'access-denied', 9, 'It failed again'));
  expect(ledger.issueCount()).toBe(5);
  expect(ledger.issueCount(id)).toBe(4);
  const [newest] = ledger.issues();
  expect(newest).toMatchObject({
    folderId: id,
    path: 'a',
    code: 'access-denied',
    message: 'It failed again',
    firstSeenAt: 1,
    lastSeenAt: 9,
    count: 2,
  });
  expect(ledger.issue(newest!.id)).toEqual(newest);
  expect(ledger.issue(asIssueId(999))).toBeNull();
});

it('an issue is settled for its own subject and codes only', () => {
  const ledger = open();
  const { id } = addFolder(ledger);
  const raise = () => {
    ledger.raiseIssue(issue(id, 'a', 'access-denied', 1));
    ledger.raiseIssue(issue(id, 'a', 'key-too-long', 1));
    ledger.raiseIssue(issue(id, 'b', 'access-denied', 5));
    ledger.raiseIssue(issue(id, null, 'access-denied', 1));
    ledger.raiseIssue(issue(null, null, 'store-dns', 1));
  };
  const left = () =>
    ledger
      .issues()
      .map((one) => [one.folderId, one.path, one.code].join(' '))
      .sort();
  raise();
  ledger.settleIssues(id, 'a', ['access-denied', 'store-dns']);
  expect(left()).toEqual([' ' + ' store-dns', `${id}  access-denied`, `${id} a key-too-long`, `${id} b access-denied`]);
  ledger.settleIssues(id, 'a');
  ledger.settleIssues(id, null);
  ledger.settleIssues(null, null, ['store-dns']);
  expect(left()).toEqual([`${id} b access-denied`]);
  raise();
  ledger.settleIssuesBefore(id, ['access-denied'], 5);
  expect(left()).toEqual(['  store-dns', `${id}  access-denied`, `${id} a key-too-long`, `${id} b access-denied`]);
  ledger.removeFolder(id);
  expect(left()).toEqual(['  store-dns']);
});
