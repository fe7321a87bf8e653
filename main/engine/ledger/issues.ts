import type { IssueView } from '../../../shared/syncApi.ts';
import type { Connection } from './connection.ts';
import type { Ledger } from './ledger.ts';

/** What needs somebody's attention: one row per (folder, path, code). */
export function createIssues({
  db,
  write,
}: Connection): Pick<Ledger, 'raiseIssue' | 'settleIssues' | 'settleIssuesBefore' | 'issues' | 'issue' | 'issueCount'> {
  const raise = db.prepare(
    `INSERT INTO issue (folder_id, path, code, message, remedy, first_seen_at, last_seen_at, count) VALUES (?, ?, ?, ?, ?, ?, ?, 1)
     ON CONFLICT (ifnull(folder_id, 0), ifnull(path, '/'), code) DO UPDATE SET message = excluded.message, remedy = excluded.remedy,
     last_seen_at = max(last_seen_at, excluded.last_seen_at), count = count + 1`,
  );
  const settleAll = db.prepare<[number, string]>(
    `DELETE FROM issue WHERE ifnull(folder_id, 0) = ? AND ifnull(path, '/') = ?`,
  );
  const settle = db.prepare<[number, string, string]>(
    `DELETE FROM issue WHERE ifnull(folder_id, 0) = ? AND ifnull(path, '/') = ? AND code = ?`,
  );
  const settleOld = db.prepare<[number, string, number]>(
    'DELETE FROM issue WHERE ifnull(folder_id, 0) = ? AND path IS NOT NULL AND code = ? AND last_seen_at < ?',
  );
  const columns = `id, folder_id folderId, path, code, message, remedy, first_seen_at firstSeenAt, last_seen_at lastSeenAt, count`;
  const all = db.prepare<[], IssueView>(`SELECT ${columns} FROM issue ORDER BY last_seen_at DESC, id DESC`);
  const byId = db.prepare<[number], IssueView>(`SELECT ${columns} FROM issue WHERE id = ?`);
  const countAll = db.prepare<[], number>('SELECT count(*) FROM issue').pluck();
  const countOf = db.prepare<[number], number>('SELECT count(*) FROM issue WHERE ifnull(folder_id, 0) = ?').pluck();

  return {
    raiseIssue: ({ folderId, path, error, atMs }) =>
      write(() => void raise.run(folderId, path, error.code, error.message, error.remedy, atMs, atMs)),
    settleIssues: (folderId, path, codes) =>
      write(() => {
        // No relative path is `/`: it stands for "none".
        const subject = [folderId ?? 0, path ?? '/'] as const;
        if (codes === undefined) settleAll.run(...subject);
        else for (const code of codes) settle.run(...subject, code);
      }),
    settleIssuesBefore: (folderId, codes, beforeMs) =>
      write(() => {
        for (const code of codes) settleOld.run(folderId, code, beforeMs);
      }),
    issues: () => all.all(),
    issue: (id) => byId.get(id) ?? null,
    issueCount: (folderId) => (folderId === undefined ? countAll.get() : countOf.get(folderId))!,
  };
}
