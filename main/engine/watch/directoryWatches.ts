import { type FSWatcher, watch } from 'node:fs';
import { isDenied, walkDirectories } from './directoryWalk.ts';
import { isMissing } from './errno.ts';
import type { StartWatcher, Watcher, WatcherEvents } from './watcher.ts';

/**
 * One watch per directory (Linux: inotify), set while the tree's names are walked; of files nothing is held. A directory that the system has no watch left for is said, and the others are watched. What came
 * into a directory before its watch did, or while it was walked, is seen by the scan that follows `onReady`.
 */
export const startDirectoryWatches: StartWatcher = (root, events) => new DirectoryWatches(root, events, watch);

/** `setWatch`: Node's, or what a test puts in its place. */
export class DirectoryWatches implements Watcher {
  readonly #root: string;
  readonly #events: WatcherEvents;
  readonly #setWatch: typeof watch;
  readonly #watches = new Map<string, FSWatcher>();
  readonly #endWalk: () => void;

  constructor(root: string, events: WatcherEvents, setWatch: typeof watch) {
    this.#root = root;
    this.#events = events;
    this.#setWatch = setWatch;
    this.#endWalk = walkDirectories(
      root,
      events,
      (directory) => this.#watch(directory),
      () => events.onReady(),
    );
  }

  add(directory: string): void {
    this.#watches.get(directory)?.close();
    this.#watches.delete(directory);
    this.#watch(directory);
  }

  forget(directory: string): void {
    for (const [watched, watcher] of this.#watches) {
      if (watched !== directory && !watched.startsWith(`${directory}/`)) continue;
      watcher.close();
      this.#watches.delete(watched);
    }
  }

  async close(): Promise<void> {
    this.#endWalk();
    for (const watcher of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  /** False: it could not be. */
  #watch(directory: string): boolean {
    const base = directory.endsWith('/') ? directory : `${directory}/`;
    try {
      const watcher = this.#setWatch(directory, (_event, name) =>
        this.#events.onNotification(name === null ? directory : base + name),
      );
      // a directory that goes is heard of from its parent's watch
      watcher.on('error', () => this.#watches.delete(directory));
      this.#watches.set(directory, watcher);
      return true;
    } catch (error) {
      if (isMissing(error) || isDenied(error)) return true;
      if (directory === this.#root) {
        this.#endWalk?.();
        this.#events.onError(error);
      } else this.#events.onUnwatched(directory, error);
      return false;
    }
  }
}
