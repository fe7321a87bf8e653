import type { Stats } from 'node:fs';

export interface WatcherEvents {
  /** Whether a path (absolute) needs no watch. `directory`: the identity of a directory that is being looked at. */
  readonly ignored: (path: string, kind: 'file' | 'directory' | 'unknown', directory: string | null) => boolean;
  /** Something happened to this path (absolute). What, is seen by looking; that it was a directory can't be seen any more when it is gone. */
  readonly onPath: (path: string, wasDirectory: boolean) => void;
  /** A notification of the system, before the watcher made anything of it: the path (absolute) that it names; null: it lost some. */
  readonly onNotification: (path: string | null) => void;
  readonly onReady: () => void;
  /** Nothing is watched. */
  readonly onError: (error: unknown) => void;
  /** This directory (absolute) and what is below it is not watched; the rest is. */
  readonly onUnwatched: (directory: string, error: unknown) => void;
}

export interface Watcher {
  /** A directory that is new, or to be tried again: what is below it is the caller's to look at once it returned. */
  add(directory: string): void;
  /** It and all below are gone. */
  forget(directory: string): void;
  close(): Promise<void>;
}

export type StartWatcher = (root: string, events: WatcherEvents) => Watcher;

/** Tells a directory from another one that took its name: inode numbers are used again at once, times of birth aren't. */
export function directoryIdentity(stats: Pick<Stats, 'ino' | 'birthtimeMs'>): string {
  return `${stats.ino}.${stats.birthtimeMs}`;
}
