import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { watch } from 'chokidar';

export interface WatcherEvents {
  /** Whether a path (absolute) needs no watch. `directory`: the identity of a directory that is being looked at. */
  readonly ignored: (path: string, kind: 'file' | 'directory' | 'unknown', directory: string | null) => boolean;
  /** Something happened to this path (absolute). What, is seen by looking; that it was a directory can't be seen any more when it is gone. */
  readonly onPath: (path: string, wasDirectory: boolean) => void;
  /** A notification of the system, before the watcher made anything of it: the path (absolute) that it names; null: it lost some. */
  readonly onNotification: (path: string | null) => void;
  readonly onReady: () => void;
  readonly onError: (error: Error) => void;
}

export type StartWatcher = (root: string, events: WatcherEvents) => { close(): Promise<void> };

export const startChokidar: StartWatcher = (root, events) => {
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    alwaysStat: false,
    // settling is ours; chokidar's also hides files that end in ~
    atomic: false,
    awaitWriteFinish: false,
    // a directory that can't be read is the scan's to report, and no reason to stop watching the others
    ignorePermissionErrors: true,
    ignored: (path, stats) => {
      if (stats === undefined) return events.ignored(path, 'unknown', null);
      return stats.isDirectory()
        ? events.ignored(path, 'directory', directoryIdentity(stats))
        : events.ignored(path, 'file', null);
    },
  });
  watcher.on('all', (event, path) => {
    if (event !== 'ready' && event !== 'raw' && event !== 'error') events.onPath(path, event === 'unlinkDir');
  });
  watcher.on('raw', (_event, name, details) => {
    const { watchedPath } = details as { readonly watchedPath: string };
    if (name === null) events.onNotification(process.platform === 'win32' ? null : watchedPath);
    else events.onNotification(join(watchedPath, name));
  });
  watcher.on('ready', events.onReady);
  watcher.on('error', (error) => events.onError(error instanceof Error ? error : new Error(String(error))));
  return { close: () => watcher.close() };
};

/** Tells a directory from another one that took its name: inode numbers are used again at once, times of birth aren't. */
export function directoryIdentity(stats: Pick<Stats, 'ino' | 'birthtimeMs'>): string {
  return `${stats.ino}.${stats.birthtimeMs}`;
}
