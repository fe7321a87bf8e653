import { type ErrorView, errorView, SluiceError } from '../../../shared/errors.ts';
import { asRelativePath, type RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { RestoreProgress } from '../../../shared/syncApi.ts';
import { afterFailure } from '../plan/afterFailure.ts';
import { restoreTarget } from '../plan/restoreTarget.ts';
import type { Clock, Random } from '../ports.ts';
import type { DataStore, ListedObject } from '../store/store.ts';
import { tryAgain } from '../transfer/tryAgain.ts';
import { PatternSet } from '../watch/patternSet.ts';
import type { Proved } from './downloadObject.ts';
import { type FoldName, foldOf } from './nameTwins.ts';
import { createRequestSlots } from './requestSlots.ts';
import { lockTarget } from './restoreLock.ts';
import { type RestoreContext, restoreObject } from './restoreObject.ts';
import { isDiskFull, targetError } from './targetError.ts';
import { openTargetFolder } from './targetFolder.ts';

export interface RestoreOptions {
  readonly store: DataStore;
  /** Everything below `prefix`, in any order. */
  readonly objects: AsyncIterable<ListedObject>;
  readonly prefix: string;
  /** Absolute; made unless it is there. */
  readonly folder: string;
  readonly rules: FolderRules;
  readonly overwrite: boolean;
  /** Says what would be done; makes and fetches nothing (what is there is read, to be compared). */
  readonly dryRun: boolean;
  /** Requests with data at a time, 1…250. */
  readonly connections: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly onFile: (file: RestoredFile) => void;
  /** Seen from now on, as it grows. */
  readonly onStarted?: (figures: Readonly<RestoreFigures>) => void;
  /** Of this platform and file system, unless a test says otherwise. */
  readonly names?: { readonly platform: string; readonly fold: FoldName };
}

/** One object that was looked at, whatever came of it. */
export interface RestoredFile {
  readonly path: string;
  readonly key: string;
  readonly action: 'restore' | 'skip' | 'failed';
  readonly bytes: number;
  readonly durationMs: number;
  readonly verified: Proved;
  readonly etag: string | null;
  readonly checksum: string | null;
  readonly error?: ErrorView;
}

export type RestoreFigures = RestoreProgress;

const filesAtOnce = 32;

/**
 * Brings objects back as files. Memory doesn't grow with their number or size. What can't be restored is told by `onFile`, and the rest goes on; throws what ends a run:
 * `interrupted`, `target-busy`, a full or read-only disk, a store that refuses us or can't be reached.
 */
export async function restoreFolder(options: RestoreOptions): Promise<RestoreFigures> {
  const { folder, dryRun, clock, random, overwrite } = options;
  const figures: RestoreFigures = {
    filesListed: 0,
    filesExcluded: 0,
    filesRestored: 0,
    filesSkipped: 0,
    filesFailed: 0,
    filesNotVerified: 0,
    bytesRestored: 0,
    bytesReceived: 0,
    bytesResumed: 0,
    retries: 0,
  };
  options.onStarted?.(figures);
  const target = await openTargetFolder(folder, !dryRun);
  const unlock = dryRun ? null : await lockTarget(folder);
  try {
    const fold = options.names ? options.names.fold : dryRun ? null : await foldOf(folder).catch(asTargetError(folder));
    const slots = createRequestSlots(options.connections);
    const context: RestoreContext = {
      store: patient(options, figures),
      slots,
      clock,
      random,
      counts: figures,
      target,
      overwrite,
      dryRun,
    };
    await eachObject(options, figures, context, fold);
  } finally {
    await target.close();
    await unlock?.();
  }
  return figures;
}

async function eachObject(
  options: RestoreOptions,
  figures: RestoreFigures,
  context: RestoreContext,
  fold: FoldName,
): Promise<void> {
  const { clock } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const isWanted = wantedBy(options.rules);
  const platform = options.names?.platform ?? process.platform;
  const taken = new Set<string>();
  const listing = options.objects[Symbol.asyncIterator]();
  let fatal: { readonly error: unknown } | null = null;

  const one = async (listed: ListedObject): Promise<void> => {
    const startedAt = clock.now();
    const where = restoreTarget(options.prefix, listed.key, platform);
    const path = where.kind === 'refused' ? asRelativePath(listed.key.slice(options.prefix.length)) : where.path;
    if (path === '' || !isWanted(path, where.kind)) {
      if (path !== '') figures.filesExcluded++;
      return;
    }
    const ended = { path, key: listed.key, durationMs: 0, bytes: listed.sizeBytes };
    try {
      signal.throwIfAborted();
      if (where.kind === 'refused') throw refused(path, where.reason);
      if (where.kind === 'folder') return await makeFolder(context, path, listed);
      figures.filesListed++;
      claimName(taken, fold, path);
      const { action, proved, resumedBytes, etag, checksum } = await restoreObject(context, listed, path, signal);
      if (action === 'skip') figures.filesSkipped++;
      else {
        figures.filesRestored++;
        figures.bytesRestored += listed.sizeBytes;
        figures.bytesResumed += resumedBytes;
        if (proved === 'none' && !options.dryRun) figures.filesNotVerified++;
      }
      options.onFile({ ...ended, action, verified: proved, etag, checksum, durationMs: clock.now() - startedAt });
    } catch (error) {
      if (endsRun(error, signal)) throw error;
      figures.filesFailed++;
      const durationMs = clock.now() - startedAt;
      options.onFile({
        ...ended,
        action: 'failed',
        verified: 'none',
        etag: null,
        checksum: null,
        durationMs,
        error: errorView(error),
      });
    }
  };
  const worker = async (): Promise<void> => {
    while (fatal === null) {
      try {
        signal.throwIfAborted();
        const next = await listing.next();
        if (next.done) return;
        await one(next.value);
      } catch (error) {
        fatal ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: filesAtOnce }, worker));
  const ended = fatal as { readonly error: unknown } | null;
  if (ended) throw options.signal.aborted ? options.signal.reason : ended.error;
}

/** The store with what it is asked about objects tried again; a GET has its own place to begin anew from. */
function patient({ store, clock, random, signal }: RestoreOptions, figures: RestoreFigures): DataStore {
  const how = { clock, random, signal, onRetry: () => figures.retries++ };
  return {
    ...store,
    headObject: (key) => tryAgain(how, () => store.headObject(key)),
    partLayout: (input) => tryAgain(how, () => store.partLayout(input)),
  };
}

/** gitignore syntax on the path below the prefix; the last pattern that matches decides. */
function wantedBy(rules: FolderRules): (path: RelativePath, kind: 'file' | 'folder' | 'refused') => boolean {
  const set = (patterns: readonly string[]): PatternSet =>
    PatternSet.empty.plus(patterns.map((pattern) => ({ pattern, mark: pattern })));
  const include = set(rules.include);
  const exclude = set(rules.exclude);
  return (path, kind) => {
    // A key that can't be a path can't be matched as one: it is told, not left out in silence.
    if (kind === 'refused') return true;
    const asked = kind === 'folder' ? `${path}/` : path;
    return exclude.match(asked) === null && (rules.include.length === 0 || include.match(asked) !== null);
  };
}

/** Two keys that this file system takes for one name: the first is restored, the second must not replace it. */
function claimName(taken: Set<string>, fold: FoldName, path: RelativePath): void {
  if (fold === null) return;
  const name = fold(path);
  if (taken.has(name))
    throw new SluiceError('target-unsafe', `${path} and another object have the same name on this file system`, {
      path,
      remedy: 'Restore one of the two into another folder, with --include or --exclude.',
    });
  taken.add(name);
}

async function makeFolder(context: RestoreContext, path: RelativePath, listed: ListedObject): Promise<void> {
  if (listed.sizeBytes > 0) throw refused(path, 'its key ends with a slash, but it holds bytes: it can be no folder');
  if (context.dryRun) return;
  const made = await context.target.directory(path, true);
  made?.release();
}

/** What every other object would meet as well. */
function endsRun(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted || !(error instanceof SluiceError)) return signal.aborted;
  if (isDiskFull(error)) return true;
  // One object may be forbidden where others are not.
  return error.code !== 'access-denied' && afterFailure(error.view(), 0, 'forever').kind === 'store';
}

const refused = (path: RelativePath, reason: string): SluiceError =>
  new SluiceError('target-unsafe', `It can't be restored: ${reason}`, {
    path,
    remedy: 'Fetch this one object by other means, under a name of your choice.',
  });

const asTargetError =
  (path: string) =>
  (error: unknown): never => {
    throw targetError(error, path);
  };
