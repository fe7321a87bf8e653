import { type FSWatcher, watch } from 'node:fs';
import { isMissing } from './errno.ts';

interface Listeners {
  readonly onNotification: (path: string | null) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Watches of our own on directories that came while the folder was watched (Linux, where a watch is for one directory): when one is removed and made again at once,
 * chokidar can go on watching the one that is gone. A second watch on a directory that it does watch costs the system nothing.
 */
export class NewDirectoryWatches {
  readonly #listeners: Listeners;
  readonly #watches = new Map<string, FSWatcher>();

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  watch(directory: string): void {
    if (process.platform !== 'linux') return;
    this.#watches.get(directory)?.close();
    this.#watches.delete(directory);
    try {
      const watcher = watch(directory, (_event, name) =>
        this.#listeners.onNotification(name === null ? directory : `${directory}/${name}`),
      );
      // a directory that goes is heard of from its parent's watch
      watcher.on('error', () => this.#watches.delete(directory));
      this.#watches.set(directory, watcher);
    } catch (error) {
      if (!isMissing(error) && !isDenied(error)) this.#listeners.onError(error);
    }
  }

  /** It and all below are gone. */
  forget(directory: string): void {
    for (const [watched, watcher] of this.#watches) {
      if (watched !== directory && !watched.startsWith(`${directory}/`)) continue;
      watcher.close();
      this.#watches.delete(watched);
    }
  }

  close(): void {
    for (const watcher of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }
}

/** A directory that can't be read is the scan's to report. */
function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
