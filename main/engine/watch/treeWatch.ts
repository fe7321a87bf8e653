import { realpathSync } from 'node:fs';
import { SluiceError } from '../../../shared/errors.ts';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { PathObservation, RootIdentity, SourceProblem } from '../../../shared/source.ts';
import { FolderIgnore, parentOf } from './folderIgnore.ts';
import { ignoreFileName } from './ignoreRules.ts';
import { keyProblem } from './keyProblem.ts';
import { listDirectory } from './listDirectory.ts';
import { type Look, lookAt } from './lookAt.ts';
import { networkDrive } from './networkDrive.ts';
import { notificationQueueLimit } from './notificationQueue.ts';
import { rootIdentitySync, sameRoot } from './rootIdentity.ts';
import { Settling } from './settling.ts';
import { createSleepCheck } from './sleepCheck.ts';
import { startWatcher as startSystemWatcher } from './startWatcher.ts';
import type { FolderWatch, WatchOptions, WatchTuning } from './watch.ts';
import type { StartWatcher, Watcher } from './watcher.ts';
import { networkTrouble, partlyUnwatched, watchTrouble } from './watchTrouble.ts';
import { defaultWatchTuning } from './watchTuning.ts';

/** Paths looked at and reported at a time. */
const batchPaths = 1_000;
/** Below this the second look could miss a write that the watcher lumped together with the one before. */
const leastSettleMs = 100;
/** Polls after which watching is tried again: a limit may have been raised. */
const pollsBeforeRetry = 10;
/** A first look waits this long, in ms: what happens at once is looked at at once. */
const gatherMs = 20;
/** … and this long when others are settling. */
const latestPassMs = 50;
/** Directories without a watch of their own, beyond which the whole folder is looked through. */
const mostUnwatched = 1_000;

/** The watch of one folder in this thread, which it blocks while looking: run it in a worker (watchFolder). */
export function watchTree(options: WatchOptions, startWatcher: StartWatcher = startSystemWatcher): FolderWatch {
  const watch = new TreeWatch(options, startWatcher);
  return { ready: watch.ready, close: () => watch.close() };
}

class TreeWatch {
  readonly ready: Promise<void>;
  readonly #options: WatchOptions;
  readonly #tuning: WatchTuning;
  readonly #startWatcher: StartWatcher;
  readonly #settleMs: number;
  /** Without a link at its end: what the watcher gets and what its paths begin with. */
  #root = '';
  #identity: RootIdentity | null = null;
  #ignore: FolderIgnore;
  #watcher: Watcher | null = null;
  /** Directories that the system had no watch left for: they, and what is below, are looked through now and then. */
  readonly #unwatched = new Set<RelativePath>();
  /** Of the watcher; what an earlier one still says about itself doesn't count. */
  #generation = 0;
  readonly #settling: Settling;
  /** Directories as last seen. A directory that is gone, or another one by now, takes all that was below it with it. */
  readonly #directories = new Map<RelativePath, string>();
  /** Pending paths that are to be taken for directories when they are gone. */
  readonly #wereDirectories = new Set<RelativePath>();
  /** Pending directories to be listed even if they are the same as ever. */
  readonly #toList = new Set<RelativePath>();
  /** When changed ignore files have been quiet long enough to be read; null: none changed. */
  #rulesDueAt: number | null = null;
  #state: 'starting' | 'watching' | 'polling' | 'over' = 'starting';
  #timer: NodeJS.Timeout | null = null;
  #rootTimer: NodeJS.Timeout | null = null;
  #pollTimer: NodeJS.Timeout | null = null;
  #polls = 0;
  #passing = false;
  /** Until the watcher is ready. */
  #walking = false;
  /** Notifications since the event loop last went round, and how many the system queues for us before it drops them. */
  #notifications = 0;
  readonly #queueLimit = notificationQueueLimit();
  readonly #setReady: () => void;

  constructor(options: WatchOptions, startWatcher: StartWatcher) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#setReady = resolve;
    this.#options = options;
    this.#tuning = { ...defaultWatchTuning, ...options.tuning };
    this.#startWatcher = startWatcher;
    this.#settleMs = Math.max(leastSettleMs, options.settleMs);
    this.#settling = new Settling(this.#settleMs);
    this.#ignore = new FolderIgnore(options.root, options.rules);
    try {
      this.#identity = rootIdentitySync(options.root);
      this.#root = realpathSync.native(options.root).replace(/[\\/]+$/, '');
      this.#ignore = new FolderIgnore(this.#root, options.rules);
    } catch {
      queueMicrotask(() => this.#rootGone());
      return;
    }
    const slept = createSleepCheck(this.#tuning.rootCheckMs);
    this.#rootTimer = setInterval(() => {
      const woke = slept(Date.now(), performance.now());
      if (this.#rootIsThere() && woke) this.#lost('The computer slept, or its clock was set.');
    }, this.#tuning.rootCheckMs);
    this.#start('Watching has begun.');
  }

  async close(): Promise<void> {
    this.#state = 'over';
    for (const timer of [this.#timer, this.#rootTimer, this.#pollTimer]) if (timer !== null) clearTimeout(timer);
    this.#forgetPending();
    this.#setReady();
    await this.#watcher?.close();
  }

  /** `reason`: of the rescan that is asked for once it watches, unless it is the first time: what happened before is not seen. */
  #start(reason: string): void {
    const first = this.#state === 'starting';
    const previous = this.#watcher;
    const generation = ++this.#generation;
    const isCurrent = () => generation === this.#generation && this.#state !== 'over';
    this.#watcher = null;
    this.#walking = true;
    this.#directories.clear();
    this.#unwatched.clear();
    const network = networkDrive(this.#root === '' ? '/' : this.#root);
    if (network !== null) {
      void previous?.close();
      return this.#poll(networkTrouble(network));
    }
    try {
      const watcher = this.#startWatcher(this.#root === '' ? '/' : this.#root, {
        ignored: (path, kind, identity) => this.#ignored(path, kind, identity),
        onPath: (path, wasDirectory) => this.#changed(path, wasDirectory),
        onNotification: (path) => this.#notified(path),
        onReady: () => {
          if (!isCurrent()) return;
          this.#stopPolling();
          this.#walking = false;
          if (this.#unwatched.size > 0) this.#pollUnwatched();
          else if (this.#state !== 'watching') this.#options.onState('watching', null, 'all');
          this.#state = 'watching';
          this.#setReady();
          if (!first) this.#options.onRescanNeeded(reason);
        },
        onError: (error) => {
          if (isCurrent()) this.#poll(watchTrouble(error));
        },
        onUnwatched: (directory, error) => {
          if (isCurrent()) this.#leftUnwatched(directory, error);
        },
      });
      if (isCurrent()) this.#watcher = watcher;
      else void watcher.close();
    } catch (error) {
      this.#poll(watchTrouble(error));
    }
    void previous?.close();
  }

  #leftUnwatched(absolute: string, error: unknown): void {
    const path = this.#relative(absolute);
    if (path === null) return;
    this.#unwatched.add(path);
    if (this.#unwatched.size > mostUnwatched) this.#poll(watchTrouble(error));
    else if (!this.#walking) this.#pollUnwatched();
  }

  /** The rest is watched: only what has no watch is looked through, and now and then tried again. */
  #pollUnwatched(): void {
    if (this.#pollTimer !== null) return;
    const { detail, kind } = partlyUnwatched(this.#unwatched.size);
    this.#options.onState('polling', detail, kind);
    this.#pollTimer = setInterval(() => {
      const within = [...this.#unwatched];
      if (within.length === 0) {
        this.#stopPolling();
        this.#options.onState('watching', null, 'all');
        return;
      }
      this.#options.onRescanNeeded('Some folders are not watched, but looked through now and then.', within);
      if (++this.#polls % pollsBeforeRetry === 0) this.#watchAgain(within);
    }, this.#tuning.pollMs);
  }

  /** A limit may have been raised: taken for new, they are watched, if they can be, and looked through. */
  #watchAgain(directories: readonly RelativePath[]): void {
    for (const directory of directories) {
      this.#unwatched.delete(directory);
      this.#directories.delete(directory);
      this.#touch(directory);
    }
  }

  #poll({ detail, kind }: ReturnType<typeof watchTrouble>): void {
    this.#generation++;
    void this.#watcher?.close();
    this.#watcher = null;
    this.#unwatched.clear();
    const already = this.#state === 'polling';
    this.#state = 'polling';
    if (!already) this.#options.onState('polling', detail, kind);
    this.#setReady();
    this.#options.onRescanNeeded(detail);
    this.#stopPolling();
    this.#pollTimer = setInterval(() => {
      this.#polls++;
      if (this.#polls % pollsBeforeRetry === 0) this.#start('Watching has begun again.');
      else
        this.#options.onRescanNeeded('The folder is not watched, but looked through now and then.', [
          asRelativePath(''),
        ]);
    }, this.#tuning.pollMs);
  }

  #stopPolling(): void {
    if (this.#pollTimer !== null) clearInterval(this.#pollTimer);
    this.#pollTimer = null;
    this.#polls = 0;
  }

  #ignored(absolute: string, kind: 'file' | 'directory' | 'unknown', identity: string | null): boolean {
    const path = this.#relative(absolute);
    if (path === null || path === '' || isIgnoreFile(path)) return false;
    if (kind === 'unknown' ? this.#excluded(path) : this.#ignore.excluded(path, kind)) return true;
    // the watcher's first walk; later ones are about directories that are new to us, too
    if (identity !== null && this.#walking) this.#directories.set(path, identity);
    return false;
  }

  /** Whatever it is. */
  #excluded(path: RelativePath): boolean {
    return this.#ignore.excluded(path, 'file') && this.#ignore.excluded(path, 'directory');
  }

  #changed(absolute: string, wasDirectory: boolean): void {
    if (this.#state === 'over') return;
    const path = this.#relative(absolute);
    if (path === null) return;
    if (path === '') return void this.#rootIsThere();
    if (isIgnoreFile(path)) {
      this.#ignore.forget();
      this.#rulesDueAt = performance.now() + this.#settleMs;
      this.#arm();
    }
    if (this.#excluded(path)) return;
    if (wasDirectory) this.#wereDirectories.add(path);
    this.#touch(path);
    if (!path.includes('\uFFFD')) return;
    // a name whose bytes are no UTF-8 can't be looked at: its directory's listing tells
    this.#toList.add(parentOf(path));
    this.#touch(parentOf(path));
  }

  #touch(path: RelativePath): void {
    this.#settling.touch(path, performance.now());
    if (this.#settling.size > this.#tuning.maxPending) this.#lost('Too many changes at once.');
    this.#arm();
  }

  /** The watcher leaves some out when much happens to one path at once, so every notification counts, not only what it makes of them. */
  #notified(absolute: string | null): void {
    if (this.#notifications === 0) setImmediate(() => (this.#notifications = 0));
    // a full queue was read in one go: the system has probably dropped what came after
    if (++this.#notifications === this.#queueLimit || absolute === null)
      this.#lost('The system reported more changes than it can queue.');
    if (absolute !== null) this.#changed(absolute, false);
  }

  #lost(reason: string): void {
    if (this.#state === 'over') return;
    this.#forgetPending();
    this.#options.onRescanNeeded(reason);
  }

  #forgetPending(): void {
    this.#settling.clear();
    this.#wereDirectories.clear();
    this.#toList.clear();
  }

  #arm(): void {
    if (this.#timer !== null || this.#passing || this.#state === 'over') return;
    const now = performance.now();
    const due = Math.min(this.#settling.nextDueAt(), this.#rulesDueAt ?? Number.POSITIVE_INFINITY);
    // a path that is touched meanwhile is due at once, and must not wait for those that settle
    const wait = Math.max(gatherMs, Math.min(due - now, latestPassMs));
    this.#timer = setTimeout(() => void this.#pass(), wait);
  }

  /** One at a time, so that the consumer's promise holds the next one back. */
  async #pass(): Promise<void> {
    this.#timer = null;
    this.#passing = true;
    try {
      if (this.#rulesDueAt !== null && performance.now() >= this.#rulesDueAt) {
        this.#rulesDueAt = null;
        this.#ignore.forget();
        // what is left out takes no watches, so that other rules need another watcher
        if (this.#state !== 'polling') this.#start('The rules changed.');
      }
      while (this.#state !== 'over' && (await this.#report()));
    } catch (error) {
      this.#lost(`Changes could not be recorded: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#passing = false;
    if (this.#settling.size > 0 || this.#rulesDueAt !== null) this.#arm();
  }

  /** Looks at what is due and reports what has settled. False: nothing was due. */
  async #report(): Promise<boolean> {
    const settled: Settled = { gone: new Set(), observations: [], problems: [] };
    const due = this.#settling.due(performance.now(), batchPaths);
    const realParents = new Map<string, boolean>();
    for (const path of due) {
      const look = lookAt(this.#root, path, realParents);
      if (this.#settling.looked(path, look.token, performance.now())) this.#settled(path, look, settled);
    }
    const observations: PathObservation[] = [];
    for (const path of settled.gone)
      if (!isBelow(path, settled.gone)) observations.push({ kind: 'directory-gone', path });
    for (const observation of settled.observations)
      if (observation.kind === 'file' || !isBelow(observation.path, settled.gone)) observations.push(observation);
    if (observations.some(({ kind }) => kind !== 'file') && !this.#rootIsThere()) {
      // unreadable for now: nobody can say what is gone
      if (this.#stillOpen()) this.#lost('The folder could not be read for a while.');
      return false;
    }
    if (observations.length + settled.problems.length > 0)
      await this.#options.onChanges({ observations, problems: settled.problems });
    return due.length > 0;
  }

  #settled(path: RelativePath, look: Look, settled: Settled): void {
    const wasDirectory = this.#wereDirectories.delete(path);
    const toList = this.#toList.delete(path);
    const known = this.#directories.get(path);
    if (look.kind === 'unreadable') {
      settled.problems.push({ path, code: 'unreadable', detail: `It can't be looked at (${look.code}).` });
      return;
    }
    // gone, or another directory, or something else by now
    if ((known !== undefined && known !== look.token) || (wasDirectory && look.kind !== 'directory')) {
      settled.gone.add(path);
      this.#forgetBelow(path);
    }
    const problem = keyProblem(this.#options.keyPrefix, path);
    if (look.kind === 'file' && !this.#ignore.excluded(path, 'file')) {
      if (problem !== null) settled.problems.push(problem);
      else settled.observations.push({ kind: 'file', path, file: look.file });
    } else if (look.kind === 'gone' && known === undefined && problem === null)
      settled.observations.push({ kind: 'gone', path });
    else if (look.kind === 'directory' && (known !== look.token || toList)) {
      if (path !== '') this.#directories.set(path, look.token);
      // a file may have made room for it
      if (known === undefined && path !== '' && problem === null) settled.observations.push({ kind: 'gone', path });
      this.#list(path, known !== look.token && path !== '', settled.problems);
    }
  }

  /** Files may have come into a new directory before the watch on it did. */
  #list(path: RelativePath, isNew: boolean, problems: SourceProblem[]): void {
    if (isNew) this.#ignore.forget();
    const inherited = this.#ignore.rulesAbove(path);
    if (inherited === null) return;
    if (isNew && this.#watcher !== null) this.#watcher.add(`${this.#root}/${path}`);
    const listing = listDirectory(this.#root, path, inherited, this.#options.keyPrefix);
    if (listing.kind === 'unreadable') problems.push(listing.problem);
    if (listing.kind !== 'listed') return;
    problems.push(...listing.problems);
    if (!isNew) return;
    const base = path === '' ? '' : `${path}/`;
    for (const { name } of listing.files) this.#touch(asRelativePath(base + name));
    for (const directory of listing.directories) this.#touch(directory);
  }

  #forgetBelow(path: RelativePath): void {
    this.#ignore.forget();
    this.#directories.delete(path);
    this.#watcher?.forget(`${this.#root}/${path}`);
    for (const directory of this.#unwatched)
      if (directory === path || directory.startsWith(`${path}/`)) this.#unwatched.delete(directory);
    for (const directory of this.#directories.keys())
      if (directory.startsWith(`${path}/`)) this.#directories.delete(directory);
  }

  /** close() may have come in between; read through a method, as the compiler takes the field for unchanged. */
  #stillOpen(): boolean {
    return this.#state !== 'over';
  }

  /** False: it is gone (which is then said, once) or can't be read now. */
  #rootIsThere(): boolean {
    if (this.#identity === null || this.#state === 'over') return false;
    try {
      if (sameRoot(rootIdentitySync(this.#options.root), this.#identity)) return true;
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'folder-unreadable') return false;
    }
    this.#rootGone();
    return false;
  }

  #rootGone(): void {
    if (this.#state === 'over') return;
    void this.close();
    this.#options.onRootGone();
  }

  #relative(absolute: string): RelativePath | null {
    if (absolute === this.#root) return asRelativePath('');
    if (!absolute.startsWith(this.#root) || !/[\\/]/.test(absolute.charAt(this.#root.length))) return null;
    const path = absolute.slice(this.#root.length + 1);
    return asRelativePath(process.platform === 'win32' ? path.replaceAll('\\', '/') : path);
  }
}

interface Settled {
  readonly gone: Set<RelativePath>;
  readonly observations: PathObservation[];
  readonly problems: SourceProblem[];
}

function isIgnoreFile(path: string): boolean {
  return path === ignoreFileName || path.endsWith(`/${ignoreFileName}`);
}

function isBelow(path: RelativePath, directories: ReadonlySet<RelativePath>): boolean {
  if (directories.size === 0) return false;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1))
    if (directories.has(asRelativePath(path.slice(0, slash)))) return true;
  return false;
}
