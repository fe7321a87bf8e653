import { lstatSync, readdirSync } from 'node:fs';
import { isMissing } from './errno.ts';
import { directoryIdentity, type WatcherEvents } from './watcher.ts';

/** How long the walk keeps the thread before notifications get their turn: the system queues only so many. */
const sliceMs = 20;

/**
 * Walks the directories of a tree by names alone and shows each to `enter`, before it is read: false, and nothing below it is walked. Links are not followed; what can't be read is the scan's to report.
 * The returned function ends it early, without `done`.
 */
export function walkDirectories(
  root: string,
  events: Pick<WatcherEvents, 'ignored'>,
  enter: (directory: string) => boolean,
  done: () => void,
): () => void {
  const pending = [root];
  let timer: NodeJS.Immediate | null = null;
  const slice = (): void => {
    const until = performance.now() + sliceMs;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const below of subdirectories(next, events, enter)) pending.push(below);
      if (performance.now() < until || pending.length === 0) continue;
      timer = setImmediate(slice);
      return;
    }
    done();
  };
  timer = setImmediate(slice);
  return () => {
    if (timer !== null) clearImmediate(timer);
    pending.length = 0;
  };
}

function subdirectories(
  directory: string,
  events: Pick<WatcherEvents, 'ignored'>,
  enter: (directory: string) => boolean,
): string[] {
  try {
    const stats = lstatSync(directory, { throwIfNoEntry: false });
    if (!stats?.isDirectory() || events.ignored(directory, 'directory', directoryIdentity(stats))) return [];
    if (!enter(directory)) return [];
    const base = directory.endsWith('/') ? directory : `${directory}/`;
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => base + name);
  } catch (error) {
    if (isMissing(error) || isDenied(error)) return [];
    throw error;
  }
}

export function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
