import type { RelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import type { DirectoryListing, PathObservation, RootIdentity, SourceProblem } from '../../../shared/source.ts';

export interface ScanOptions {
  /** Absolute path of the folder. */
  readonly root: string;
  readonly rules: FolderRules;
  /** Prefix of the keys, to tell which names don't fit into 1,024 bytes. */
  readonly keyPrefix: string;
  /** Only these directories and what is below them; the whole folder unless given. */
  readonly within?: readonly RelativePath[];
  readonly signal: AbortSignal;
}

/** What a scan reports, batch by batch; in path order, but a large tree is read from two ends. The consumer's promise is awaited before more is read (back-pressure). */
export interface ScanBatch {
  /** Of what was read, the same in all batches of a scan. */
  readonly root: RootIdentity;
  readonly listings: readonly DirectoryListing[];
  /** Single files of directories that are in `unreadable` because some of their entries could not be looked at. */
  readonly observations: readonly PathObservation[];
  readonly problems: readonly SourceProblem[];
  /** Directories that could not be read, or not completely: what is in them and below, and is not reported, is unknown, not gone. */
  readonly unreadable: readonly RelativePath[];
  /** Files and directories left out by rules; symlinks and special files left out. */
  readonly excluded: number;
  readonly skippedLinks: number;
  readonly skippedSpecial: number;
}

/** Throws SluiceError `folder-missing`, `folder-unreadable`, `not-a-folder`, `interrupted`, `root-changed` (another disk took the folder's place meanwhile), `worker-died`. */
export type ScanFolder = (
  options: ScanOptions,
  onBatch: (batch: ScanBatch) => Promise<void> | void,
) => Promise<{ readonly root: RootIdentity }>;

/** A scan that is under way before anybody takes what it finds. */
export interface BegunScan {
  /** Once. Throws as ScanFolder does. */
  each(onBatch: (batch: ScanBatch) => Promise<void> | void): Promise<{ readonly root: RootIdentity }>;
  /** Needs nobody any more: each() rejects with `interrupted`. Nothing happens when it is over. */
  stop(): void;
}

export interface WatchOptions {
  readonly root: string;
  readonly rules: FolderRules;
  readonly keyPrefix: string;
  /** A path is reported once its identity was the same this long. */
  readonly settleMs: number;
  /** Settled changes, coalesced: a path at most once a batch. Awaited before the next batch. */
  readonly onChanges: (changes: {
    readonly observations: readonly PathObservation[];
    readonly problems: readonly SourceProblem[];
  }) => Promise<void> | void;
  /** Changes may have been missed (overflow, changed rules, a computer that slept, no watches): scan again. `within`: only these directories (`''`: all) and what is below, which are asked for again and again while they are not watched. */
  readonly onRescanNeeded: (reason: string, within?: readonly RelativePath[]) => void;
  /** `polling`: all of the folder, or some of it, is only looked through now and then; `cause` says why. */
  readonly onState: (
    state: 'watching' | 'polling',
    detail: string | null,
    cause: 'all' | 'limit' | 'network-drive' | 'failure',
  ) => void;
  /** The root is missing or another one. Said once, then the watch is silent: close it, and watch anew when the folder is back. */
  readonly onRootGone: () => void;
  readonly tuning?: Partial<WatchTuning>;
}

export interface WatchTuning {
  /** Without a working watcher a rescan is asked for this often. */
  readonly pollMs: number;
  /** How often the root itself is looked at: an unmount sends no event. */
  readonly rootCheckMs: number;
  /** Paths kept in memory until they settle; beyond it they are dropped and a rescan is asked for. */
  readonly maxPending: number;
}

export interface FolderWatch {
  /** Resolves when the first pass over the tree is done and changes are seen. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export type WatchFolder = (options: WatchOptions) => FolderWatch;
