import { z } from 'zod';
import type { FolderView, Snapshot } from '../../shared/syncApi.ts';
import { formatCount, formatDuration } from '../../shared/units.ts';

/** What was said and seen, kept over restarts, so that nothing is said twice. Times are ms since the epoch. */
export const NotificationMemory = z.object({
  /** Issues the user knows of. */
  issuesTold: z.number().default(0),
  issuesToldAt: z.number().nullable().default(null),
  /** Folders whose first complete upload was announced, or was there before we looked. */
  finishedFolders: z.array(z.number()).default([]),
  /** Folder id → when all of it was last known to be safe, or when it was first seen. */
  lastGoodAt: z.record(z.string(), z.number()).default({}),
  staleToldAt: z.number().nullable().default(null),
});
export type NotificationMemory = z.infer<typeof NotificationMemory>;

export interface Note {
  readonly kind: 'issues' | 'finished' | 'stale';
  readonly title: string;
  readonly body: string;
}

/** Issues that come in a stream are told together, this far apart. */
const issuesQuietMs = 10 * 60_000;
/** "No success for N days" (product.md, principle 1). */
const staleAfterMs = 3 * 86_400_000;
const staleAgainMs = 86_400_000;

/** What to tell the user now, and what to remember. Pure; `previous` is null at the first snapshot of this run. */
export function decideNotifications(
  memory: NotificationMemory,
  previous: Snapshot | null,
  next: Snapshot,
  now: number,
): { readonly notes: readonly Note[]; readonly memory: NotificationMemory } {
  const issues = decideIssues(memory, next, now);
  const finished = decideFinished(memory, previous, next);
  const stale = decideStale(memory, next, now);
  return {
    notes: [issues.note, finished.note, stale.note].filter((note) => note !== null),
    memory: { ...issues.memory, ...finished.memory, ...stale.memory },
  };
}

function decideIssues(memory: NotificationMemory, next: Snapshot, now: number) {
  const { issuesTold, issuesToldAt } = memory;
  const known = { issuesTold: Math.min(issuesTold, next.issueCount), issuesToldAt };
  const tooSoon = issuesToldAt !== null && now - issuesToldAt < issuesQuietMs;
  if (next.issueCount <= issuesTold || tooSoon) return { note: null, memory: known };
  const title = next.issueCount === 1 ? 'Something needs you' : `${formatCount(next.issueCount)} things need you`;
  const note: Note = { kind: 'issues', title, body: next.sentence.text };
  return { note, memory: { issuesTold: next.issueCount, issuesToldAt: now } };
}

const isDone = (folder: FolderView): boolean => folder.phase === 'safe' && !folder.totalsAtLeast;

function decideFinished(memory: NotificationMemory, previous: Snapshot | null, next: Snapshot) {
  const known = new Set(memory.finishedFolders);
  const wasOpen = new Set(previous?.folders.filter((folder) => !isDone(folder)).map((folder) => folder.id));
  const done = next.folders.filter((folder) => isDone(folder) && folder.filesTotal > 0 && !known.has(folder.id));
  const seen = done.filter((folder) => wasOpen.has(folder.id));
  const present = new Set(next.folders.map((folder) => folder.id as number));
  const finishedFolders = [
    ...memory.finishedFolders.filter((id) => present.has(id)),
    ...done.map((folder) => folder.id),
  ];
  const [first] = seen;
  if (!first) return { note: null, memory: { finishedFolders } };
  const files = seen.reduce((sum, folder) => sum + folder.filesTotal, 0);
  const count = files === 1 ? '1 file is' : `${formatCount(files)} files are`;
  const title =
    seen.length === 1 ? `${lastSegment(first.path)} is safely in S3` : `${seen.length} folders are safely in S3`;
  const note: Note = {
    kind: 'finished',
    title,
    body: `${count} uploaded and confirmed. Changes follow by themselves.`,
  };
  return { note, memory: { finishedFolders } };
}

function decideStale(memory: NotificationMemory, next: Snapshot, now: number) {
  const lastGoodAt: Record<string, number> = {};
  for (const folder of next.folders) {
    // an upload that succeeded is a success too: a folder written all day is never "all safe"
    const before = Math.max(memory.lastGoodAt[folder.id] ?? now, folder.lastUploadAt ?? 0);
    lastGoodAt[folder.id] = isDone(folder) ? now : Math.min(before, now);
  }
  const late = next.folders.filter((folder) => now - (lastGoodAt[folder.id] ?? now) >= staleAfterMs);
  const told = memory.staleToldAt !== null && now - memory.staleToldAt < staleAgainMs;
  const [first] = late;
  if (!first) return { note: null, memory: { lastGoodAt, staleToldAt: null } };
  if (told) return { note: null, memory: { lastGoodAt, staleToldAt: memory.staleToldAt } };
  const oldest = Math.max(...late.map((folder) => now - (lastGoodAt[folder.id] ?? now)));
  const title =
    late.length === 1
      ? `${lastSegment(first.path)}: nothing uploaded for ${formatDuration(oldest)}`
      : `${late.length} folders: nothing uploaded for up to ${formatDuration(oldest)}`;
  const note: Note = { kind: 'stale', title, body: first.phaseText || next.sentence.text };
  return { note, memory: { lastGoodAt, staleToldAt: now } };
}

const lastSegment = (path: string): string => path.split(/[\\/]/).findLast((segment) => segment !== '') ?? path;
