import { Notification } from 'electron';
import type { Snapshot } from '../../shared/syncApi.ts';
import type { DesktopStateFile } from './desktopState.ts';
import { decideNotifications, type Note } from './notifications.ts';
import type { Screen } from './trayMenu.ts';

export interface NotifierOptions {
  readonly state: DesktopStateFile;
  readonly show: (screen: Screen) => void;
}

/** Shows what notifications.ts decides, and remembers it. */
export function createNotifier({ state, show }: NotifierOptions): (next: Snapshot, previous: Snapshot | null) => void {
  /** A notification without a reference is collected, and its click lost. */
  const shown = new Set<Notification>();
  const tell = (note: Note): void => {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title: note.title, body: note.body, silent: note.kind === 'finished' });
    shown.add(notification);
    notification.on('click', () => show(note.kind === 'issues' ? 'issues' : 'overview'));
    notification.on('close', () => shown.delete(notification));
    notification.show();
  };
  return (next, previous) => {
    // while the engine is down the last known folders say nothing new
    if (next.sentence.state === 'error') return;
    const before = state.read().notifications;
    const { notes, memory } = decideNotifications(before, previous, next, Date.now());
    for (const note of notes) tell(note);
    if (worthSaving(before, memory) || notes.length > 0) state.change({ notifications: memory });
  };
}

type Memory = ReturnType<DesktopStateFile['read']>['notifications'];
const saveGoodEveryMs = 3_600_000;

/** The times of the last success change with every snapshot; an hour's precision is enough for days. */
function worthSaving(before: Memory, after: Memory): boolean {
  const { lastGoodAt: goodBefore, ...restBefore } = before;
  const { lastGoodAt: goodAfter, ...restAfter } = after;
  if (JSON.stringify(restBefore) !== JSON.stringify(restAfter)) return true;
  const ids = new Set([...Object.keys(goodBefore), ...Object.keys(goodAfter)]);
  return [...ids].some((id) => Math.abs((goodAfter[id] ?? 0) - (goodBefore[id] ?? 0)) >= saveGoodEveryMs);
}
