import { join } from 'node:path';
import { watch } from 'chokidar';
import { directoryIdentity, type StartWatcher } from './watcher.ts';

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
  // it finds new directories itself
  return { add: () => undefined, forget: () => undefined, close: () => watcher.close() };
};
