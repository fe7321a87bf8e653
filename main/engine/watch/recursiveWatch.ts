import { watch } from 'node:fs';
import { join } from 'node:path';
import { walkDirectories } from './directoryWalk.ts';
import type { StartWatcher } from './watcher.ts';

/** One watch for the whole tree, where the system has such a thing (FSEvents on macOS, ReadDirectoryChangesW on Windows). */
export const startRecursiveWatch: StartWatcher = (root, events) => {
  const watcher = watch(root, { recursive: true }, (_event, name) =>
    events.onNotification(name === null ? null : join(root, name)),
  );
  watcher.on('error', (error) => events.onError(error));
  // only to know the directories: one that goes takes with it what was below
  const endWalk = walkDirectories(
    root,
    events,
    () => true,
    () => events.onReady(),
  );
  return {
    add: () => undefined,
    forget: () => undefined,
    close: async () => {
      endWalk();
      watcher.close();
    },
  };
};
