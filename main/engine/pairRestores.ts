import { isAbsolute } from 'node:path';
import { type ErrorView, SluiceError } from '../../shared/errors.ts';
import type { FolderId } from '../../shared/ids.ts';
import type { ParamsOf, RestoreProgress, RestoreReport } from '../../shared/syncApi.ts';
import type { FolderRow } from './ledger/ledger.ts';
import type { Clock, Random } from './ports.ts';
import { type RestoreFigures, restoreFolder } from './restore/restoreFolder.ts';
import { createDataStore } from './store/createDataStore.ts';
import { meteredAs } from './store/meteredAs.ts';
import type { CredentialsProvider, Store, StoreOptions } from './store/store.ts';

/** Restores of kept folders, asked for from a screen. */
export interface PairRestores {
  /** Throws `conflict` while one of the folder runs, and what ends a restore. */
  start(folder: FolderRow, how: Omit<ParamsOf<'restoreFolder'>, 'folderId'>): Promise<RestoreReport>;
  progress(folderId: FolderId): RestoreProgress | null;
  cancel(folderId: FolderId): void;
  /** Ends all, and waits for them. */
  stop(): Promise<void>;
}

export interface PairRestoresOptions {
  readonly store: (folder: FolderRow) => Store;
  readonly credentials: (folder: FolderRow) => CredentialsProvider;
  readonly clock: Clock;
  readonly random: Random;
  readonly stallTimeoutMs: number;
  readonly onRequest: StoreOptions['onRequest'];
  readonly onMetered: (folder: FolderRow) => StoreOptions['onMetered'];
}

/** Uploads go on meanwhile: they get the larger share. */
const connections = 16;
const toldFailures = 200;

export function createPairRestores(options: PairRestoresOptions): PairRestores {
  const { clock, random, stallTimeoutMs, onRequest } = options;
  const running = new Map<FolderId, { readonly abort: AbortController; figures: Readonly<RestoreFigures> | null }>();
  const works = new Set<Promise<unknown>>();

  const restore = async (folder: FolderRow, how: Parameters<PairRestores['start']>[1]): Promise<RestoreReport> => {
    const { target, include, overwrite } = how;
    if (running.has(folder.id))
      throw new SluiceError('conflict', 'This folder is being restored already', {
        remedy: 'Wait until it is done, or stop it.',
        retryable: false,
      });
    if (!isAbsolute(target))
      throw new SluiceError('usage', `'${target}' is not a full path`, {
        remedy: 'Choose a folder, or type its whole path.',
      });
    const run: { readonly abort: AbortController; figures: Readonly<RestoreFigures> | null } = {
      abort: new AbortController(),
      figures: null,
    };
    running.set(folder.id, run);
    const startedAt = clock.now();
    const failures: { path: string; error: ErrorView }[] = [];
    const store = options.store(folder);
    const { prefix } = folder;
    const credentials = options.credentials(folder);
    const maxSockets = connections + 4;
    const data = createDataStore({
      target: store.target,
      credentials,
      maxSockets,
      stallTimeoutMs,
      onRequest,
      onMetered: options.onMetered(folder),
    });
    try {
      await store.headBucket();
      const figures = await restoreFolder({
        store: data,
        objects: store.listObjects(prefix),
        ...{ prefix, overwrite, connections, clock, random },
        folder: target,
        rules: { include, exclude: [] },
        dryRun: false,
        signal: run.abort.signal,
        onStarted: (growing) => {
          run.figures = growing;
        },
        onFile: ({ path, error }) => {
          if (error && failures.length < toldFailures) failures.push({ path, error });
        },
      });
      return { ...figures, failures, durationMs: clock.now() - startedAt };
    } finally {
      running.delete(folder.id);
      data.close();
    }
  };

  return {
    start: (folder, how) => {
      const work = meteredAs(folder.id, () => restore(folder, how));
      const ended = work.catch(() => undefined).finally(() => works.delete(ended));
      works.add(ended);
      return work;
    },
    progress: (folderId) => {
      const figures = running.get(folderId)?.figures;
      return figures ? { ...figures } : null;
    },
    cancel: (folderId) => running.get(folderId)?.abort.abort(new SluiceError('interrupted', 'The restore was stopped')),
    stop: async () => {
      for (const { abort } of running.values()) abort.abort(new SluiceError('interrupted', 'Stopped'));
      await Promise.all(works);
    },
  };
}
