import { afterAll } from 'vitest';
import { watchTree } from '../../../main/engine/watch/treeWatch.ts';
import type { FolderWatch, WatchOptions } from '../../../main/engine/watch/watch.ts';
import type { StartWatcher } from '../../../main/engine/watch/watcher.ts';
import { watchFolder } from '../../../main/engine/watch/watchFolder.ts';
import type { PathObservation, SourceProblem } from '../../../shared/source.ts';
import { scanned } from './scanned.ts';

export interface Watching {
  readonly watch: FolderWatch;
  /** What the observations say is on disk: path → identity. Rescans that are asked for are done, as the engine would. */
  readonly model: Map<string, string>;
  readonly observations: PathObservation[];
  readonly problems: SourceProblem[];
  readonly rescans: string[];
  /** Observations in each call of onChanges. */
  readonly batches: number[];
  readonly states: (readonly [string, string | null])[];
  rootGone: number;
  /** Resolves once nothing was said and asked for this long. */
  quiet(ms: number): Promise<void>;
}

const watches: FolderWatch[] = [];
afterAll(async () => void (await Promise.all(watches.map((watch) => watch.close()))), 60_000);

/** A watch with the engine's part played: a model kept from observations and rescans. In a worker unless a watcher is handed in. */
export async function watching(
  root: string,
  options: Partial<WatchOptions> & { startWatcher?: StartWatcher; thread?: 'this' } = {},
): Promise<Watching> {
  let lastAt = performance.now();
  let scanning: Promise<unknown> = Promise.resolve();
  const rescan = () => {
    scanning = scanning.then(async () => {
      const { files } = await scanned(root, options.rules).catch(() => ({ files: new Map() }));
      all.model.clear();
      for (const [path, file] of files) all.model.set(path, file.identity);
      lastAt = performance.now();
    });
  };
  const { startWatcher, thread, ...overrides } = options;
  const full: WatchOptions = {
    root,
    rules: { include: [], exclude: [] },
    keyPrefix: '',
    settleMs: 150,
    onChanges: async ({ observations, problems }) => {
      lastAt = performance.now();
      await scanning;
      for (const observation of observations) {
        if (observation.kind === 'file') all.model.set(observation.path, observation.file.identity);
        else if (observation.kind === 'gone') all.model.delete(observation.path);
        else for (const path of all.model.keys()) if (path.startsWith(`${observation.path}/`)) all.model.delete(path);
      }
      all.batches.push(observations.length);
      all.observations.push(...observations);
      all.problems.push(...problems);
      lastAt = performance.now();
    },
    onRescanNeeded: (reason) => {
      all.rescans.push(reason);
      lastAt = performance.now();
      rescan();
    },
    onState: (state, detail) => all.states.push([state, detail]),
    onRootGone: () => {
      all.rootGone++;
    },
    ...overrides,
  };
  const all: Watching = {
    watch: startWatcher !== undefined || thread === 'this' ? watchTree(full, startWatcher) : watchFolder(full),
    model: new Map(),
    observations: [],
    problems: [],
    rescans: [],
    batches: [],
    states: [],
    rootGone: 0,
    quiet: async (ms) => {
      lastAt = performance.now();
      while (performance.now() - lastAt < ms) await new Promise((resolve) => setTimeout(resolve, 20));
      await scanning;
    },
  };
  watches.push(all.watch);
  await all.watch.ready;
  rescan();
  await scanning;
  return all;
}

/** The disk as a fresh scan sees it. */
export async function onDisk(root: string): Promise<Map<string, string>> {
  const { files } = await scanned(root);
  return new Map([...files].map(([path, file]) => [path, file.identity]));
}
