import { type ErrorView, errorView, SluiceError } from '../../../shared/errors.ts';
import type { FileEvent } from '../../../shared/events.ts';
import type { FolderId } from '../../../shared/ids.ts';
import type { EngineSettings } from '../../../shared/settings.ts';
import type { EndpointBook } from '../endpointBook.ts';
import type { RunMetrics } from '../insight/runMetrics.ts';
import type { FolderRow, Lane, Ledger, QueuedFile } from '../ledger/ledger.ts';
import type { Patience } from '../plan/afterFailure.ts';
import { copyObjectLimitBytes } from '../plan/copySource.ts';
import { objectKey } from '../plan/objectKey.ts';
import type { BusyMs, Clock, Random } from '../ports.ts';
import { meteredAs } from '../store/meteredAs.ts';
import type { CredentialsProvider, Store } from '../store/store.ts';
import type { BucketAcceleration } from './acceleratedRoute.ts';
import { ActiveTransfer } from './activeTransfer.ts';
import { concludeUpload } from './concludeUpload.ts';
import { copyInstead } from './copyInstead.ts';
import { createDrains } from './drains.ts';
import { createEncryptionCheck } from './encryptionCheck.ts';
import { createFeed } from './feed.ts';
import { hasWork, type Member, newMember } from './member.ts';
import { multipartFile } from './multipartFile.ts';
import { originOf } from './originOf.ts';
import { createProofWriter } from './proofWriter.ts';
import { putFile } from './putFile.ts';
import type { SendPool } from './sendPool.ts';
import { type StoreKey, storeKeyOf } from './sendProtocol.ts';
import { createSettler, type Observe } from './settleFailure.ts';
import { createSlots, type Release } from './slots.ts';
import { createStoreFlow, type StoreFlow } from './storeFlow.ts';
import { createStoreHealth, type Reach } from './storeHealth.ts';
import type { Uploaded } from './uploadContext.ts';
import { createUploadPlans } from './uploadPlans.ts';

export interface TransferOptions {
  readonly ledger: Ledger;
  readonly pool: SendPool;
  /** What is known of each store. */
  readonly endpoints: EndpointBook;
  readonly metrics: RunMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly busyMs: BusyMs;
  readonly settings: () => EngineSettings;
  /** Connections of each lane and store, held (benchmark). */
  readonly pinnedConnections?: number | undefined;
  readonly patience: () => Patience;
  /** The accelerated endpoint of a folder's bucket; absent or null: none. */
  readonly acceleration?: (folder: FolderRow, store: Store) => BucketAcceleration | null;
  /** One look at a path on disk. */
  readonly observe: Observe;
  /** 5 GiB, unless a test has no such file. */
  readonly copyObjectLimitBytes?: number | undefined;
  readonly onFile: (event: FileEvent) => void;
  readonly onIssue: (folderId: FolderId, error: ErrorView) => void;
  /** A store can or can't be reached any more. */
  readonly onReach: () => void;
  /** An upload came to its end, whichever. */
  readonly onEnded: () => void;
  /** The ledger failed: nothing more may be sent, since nothing could be remembered. */
  readonly onFatal: (error: unknown) => void;
}

/** Takes queued files from the ledger to the bucket. Knows nothing of scans and watchers: whoever queues calls wake(). */
export interface Transfer {
  /** From now on this folder's queue is worked off. */
  join(folder: FolderRow, store: Store, credentials: CredentialsProvider): void;
  /** Stops its uploads and forgets it; resolves when none is left running. */
  leave(folder: FolderId): Promise<void>;
  wake(folder?: FolderId): void;
  /** Nothing new is sent; what is in flight gets `graceMs` to end. null: everything. */
  pause(folder: FolderId | null, graceMs: number): void;
  resume(folder: FolderId | null): void;
  /**
   * Resolves when the folder has nothing queued, in flight or waiting. Rejects with the store's error when it was out of reach for `blockedLimitMs`, and with
   * `folder-missing` when the folder itself went away.
   */
  drained(folder: FolderId, blockedLimitMs: number): Promise<void>;
  /** While there is a reason nothing new is sent, what is in flight gets `graceMs`, and whoever waits for the end is told it. null: on it goes. */
  hold(reason: SluiceError | null, graceMs: number): void;
  active(): readonly ActiveTransfer[];
  connections(): number;
  reach(folder: FolderId): Reach;
  tryNow(folder: FolderId): void;
  stop(graceMs: number): Promise<void>;
}

export function createTransfer(options: TransferOptions): Transfer {
  const { ledger, pool, metrics, clock, random, settings } = options;
  const members = new Map<FolderId, Member>();
  let pausedAll = false;
  let held: SluiceError | null = null;
  let stopping = false;
  let broken = false;
  let cancelDueTimer: () => void = () => undefined;

  const fatal = (error: unknown): void => {
    if (broken) return;
    broken = true;
    for (const member of members.values()) member.abort.abort(stopped());
    options.onFatal(error);
    drains.check();
  };
  /** The ledger's errors surface here, not in the middle of an upload. */
  const guarded = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      fatal(error);
      return undefined;
    }
  };

  const mayRun = (member: Member): boolean =>
    !stopping && !broken && !pausedAll && !held && !member.paused && health.mayUse(member.context.storeKey);
  const drains = createDrains(clock);
  const plans = createUploadPlans({ ledger, clock, random, settings });
  const flows = new Map<StoreKey, StoreFlow>();
  const flowOf = (folder: FolderRow, storeKey: StoreKey): StoreFlow => {
    let flow = flows.get(storeKey);
    if (!flow) {
      flow = createStoreFlow({
        clock,
        max: () => settings().maxConnections,
        busyMs: options.busyMs,
        pinned: options.pinnedConnections,
        start: (lane) => guarded(() => plans.startFor(folder, lane)) ?? null,
        isLimited: plans.isLimited,
        onChange: () => {
          slots.wake();
          feed.schedule();
        },
      });
      flows.set(storeKey, flow);
    }
    return flow;
  };
  const slots = createSlots({
    storeOf: (folder) => members.get(folder)?.context.storeKey ?? '',
    limit: (lane, storeKey) => (health.onTrial(storeKey) ? 1 : (flows.get(storeKey)?.limit(lane) ?? 1)),
    total: () => settings().maxConnections,
    busyStores: () => {
      if (flows.size < 2) return noStores;
      const busy = new Set<StoreKey>();
      for (const member of members.values()) {
        if ((member.active.size > 0 || hasWork(member, 'small') || hasWork(member, 'large')) && mayRun(member))
          busy.add(member.context.storeKey);
      }
      return busy;
    },
    mayUse: (folder) => {
      const member = members.get(folder);
      return member !== undefined && mayRun(member);
    },
    onFree: () => feed.schedule(),
  });
  const feed = createFeed({
    ledger,
    slots,
    members,
    mayRun,
    start: (member, lane, file, slot) => void run(member, lane, file, slot),
    guarded,
  });
  const health = createStoreHealth({
    clock,
    random,
    probe: async (storeKey) => {
      for (const { context } of members.values())
        if (context.storeKey === storeKey)
          return context.endpoint.recognised((await context.store.headBucket()).provider ?? null);
    },
    onChange: () => {
      options.onReach();
      slots.wake();
      feed.schedule();
      drains.check();
    },
  });
  const writer = createProofWriter(ledger, clock, fatal);
  const settler = createSettler({
    ...options,
    scheduleDue: () => scheduleDue(),
    onRootGone: (id) => {
      const member = members.get(id);
      if (member) member.rootGone = true;
      drains.check();
    },
  });

  const run = async (member: Member, lane: Lane, file: QueuedFile, slot?: Release): Promise<void> => {
    const active = new ActiveTransfer(file, lane, objectKey(member.context.folder.prefix, file.path), clock.now());
    member.active.set(file.id, active);
    const { signal } = member.abort;
    try {
      const uploaded = await meteredAs(file.folderId, () => upload(member, lane, active, signal, slot));
      if (uploaded.sourceChanged && !broken) {
        // Before it is concluded, so that nobody takes the folder for done in between.
        const error = new SluiceError('source-changed', 'The file changed while its upload was being completed');
        await settler.failed(member.context, active, error.view());
      }
      guarded(() => conclude(member, active, uploaded));
    } catch (error) {
      if (!broken) {
        const view = signal.aborted ? stopped().view() : errorView(error);
        // What was removed meanwhile needs nothing any more.
        await settler.failed(member.context, active, view).catch((failure: unknown) => {
          if (errorView(failure).code !== 'not-found') fatal(failure);
        });
      }
      member.active.delete(file.id);
      drains.check();
    } finally {
      slot?.();
      feed.schedule();
      if (!broken) options.onEnded();
    }
  };

  const upload = async (
    member: Member,
    lane: Lane,
    active: ActiveTransfer,
    signal: AbortSignal,
    slot?: Release,
  ): Promise<Uploaded> => {
    const copied = await copyInstead(member.context, lane, active, signal, slot);
    if (copied) return copied;
    const plan = plans.planFor(member.context, active.file.sizeBytes);
    if (plan.strategy === 'put') return putFile(member.context, lane, active, signal, slot);
    slot?.();
    return multipartFile(member.context, active, plan, signal);
  };

  const conclude = concludeUpload({ ...options, writer, settler, plans, guarded, onDone: drains.check });

  const scheduleDue = (): void => {
    cancelDueTimer();
    const dueAt = ledger.nextDueAt();
    if (dueAt === null || stopping) return;
    cancelDueTimer = clock.after(Math.max(0, dueAt - clock.now()), () => {
      guarded(() => {
        ledger.wakeDue(clock.now());
        wake();
        scheduleDue();
      });
    });
  };

  const wake = (id?: FolderId): void => {
    for (const member of members.values()) {
      if (id !== undefined && member.context.folder.id !== id) continue;
      member.maybe.small = true;
      member.maybe.large = true;
    }
    feed.schedule();
  };

  const pauseMember = (member: Member, graceMs: number): void => {
    feed.release(member);
    const { abort } = member;
    clock.after(graceMs, () => {
      if (stopping || !(pausedAll || held || member.paused) || member.abort !== abort) return;
      abort.abort(stopped());
      member.abort = new AbortController();
    });
  };

  const isDrained = (member: Member): boolean => {
    if (member.active.size > 0 || member.claimed.length > 0) return false;
    return ledger.counts(member.context.folder.id).filesQueued === 0;
  };

  const ended = async (which: readonly Member[], graceMs: number): Promise<void> => {
    const idle = (): boolean => broken || which.every((member) => member.active.size === 0);
    await drains.until(idle, graceMs);
    for (const member of which) member.abort.abort(stopped());
    await drains.until(idle, 10_000);
    if (!broken) writer.flush();
  };

  const reachOf = (id: FolderId): Reach => {
    const member = members.get(id);
    return member ? health.reach(member.context.storeKey) : { kind: 'reached' };
  };

  return {
    join: (folder, store, credentials) => {
      const storeKey = storeKeyOf(folder.connection, folder.bucket);
      pool.addStore(storeKey, store.target, credentials);
      const acceleration = options.acceleration?.(folder, store) ?? null;
      if (acceleration) pool.addStore(acceleration.storeKey, acceleration.target, credentials);
      const flow = flowOf(folder, storeKey);
      members.set(
        folder.id,
        newMember({
          ...{ folder, storeKey, store, ledger, pool, slots, flow, health, metrics, clock, random, settings },
          endpoint: options.endpoints.of(folder.connection),
          origin: originOf(folder.path),
          encryption: createEncryptionCheck(folder.objects),
          copying: { objectLimitBytes: options.copyObjectLimitBytes ?? copyObjectLimitBytes, refused: false },
          acceleration,
        }),
      );
      guarded(scheduleDue);
      feed.schedule();
    },
    leave: async (id) => {
      const member = members.get(id);
      if (!member) return;
      member.paused = true;
      feed.release(member);
      await ended([member], 0);
      members.delete(id);
    },
    wake,
    pause: (id, graceMs) => {
      if (id === null) pausedAll = true;
      for (const member of members.values()) {
        if (id !== null && member.context.folder.id !== id) continue;
        if (id !== null) member.paused = true;
        pauseMember(member, graceMs);
      }
    },
    resume: (id) => {
      if (id === null) pausedAll = false;
      else {
        const member = members.get(id);
        if (member) member.paused = false;
      }
      slots.wake();
      wake();
    },
    hold: (reason, graceMs) => {
      held = reason;
      if (reason) for (const member of members.values()) pauseMember(member, graceMs);
      else {
        slots.wake();
        wake();
      }
      drains.check();
    },
    drained: (id, blockedLimitMs) => {
      const asked = members.get(id);
      if (asked) asked.rootGone = false;
      return drains.drained({
        blockedLimitMs,
        hopeless: () => {
          const member = members.get(id);
          if (broken || stopping || !member) return stopped();
          if (member.rootGone) return rootGone(member.context.folder.path);
          // Nothing waits for the budget where nothing is left to send.
          return held && !guarded(() => isDrained(member)) ? held : null;
        },
        reach: () => reachOf(id),
        isDrained: () => {
          const member = members.get(id);
          writer.flush();
          return member !== undefined && guarded(() => isDrained(member)) === true;
        },
      });
    },
    active: () => [...members.values()].flatMap((member) => [...member.active.values()]),
    connections: () => slots.inUse(),
    reach: reachOf,
    tryNow: (id) => {
      const member = members.get(id);
      if (member) health.tryNow(member.context.storeKey);
    },
    stop: async (graceMs) => {
      if (stopping) return;
      stopping = true;
      cancelDueTimer();
      health.stop();
      for (const flow of flows.values()) flow.stop();
      guarded(plans.flush);
      for (const member of members.values()) feed.release(member);
      await ended([...members.values()], graceMs);
      // What still comes back has nobody left to tell: the ledger is about to be closed.
      broken = true;
      drains.check();
    },
  };
}

const noStores: ReadonlySet<StoreKey> = new Set();
const rootGone = (path: string): SluiceError =>
  new SluiceError('folder-missing', `The folder ${path} went away while it was being uploaded`, { path });
const stopped = (): SluiceError => new SluiceError('interrupted', 'Stopped before it was finished');
