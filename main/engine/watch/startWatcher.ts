import { startChokidar } from './chokidarWatcher.ts';
import { startDirectoryWatches } from './directoryWatches.ts';
import { startRecursiveWatch } from './recursiveWatch.ts';
import type { StartWatcher } from './watcher.ts';

/** What is good at large trees on this system: docs/adr/0001-watching-a-million-files.md. */
export const startWatcher: StartWatcher = (root, events) => {
  if (process.platform === 'linux') return startDirectoryWatches(root, events);
  if (process.platform === 'darwin' || process.platform === 'win32') return startRecursiveWatch(root, events);
  return startChokidar(root, events);
};
