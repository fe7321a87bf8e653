import { type ErrorView, errorView, SluiceError } from '../../../shared/errors.ts';
import type { FileEvent } from '../../../shared/events.ts';
import type { FileId, FolderId } from '../../../shared/ids.ts';
import type { EngineSettings } from '../../../shared/settings.ts';
import type { RunMetrics } from '../insight/runMetrics.ts';
import type { FolderRow, Lane, Ledger, QueuedFile } from '../ledger/ledger.ts';
import type { Patience } from '../plan/afterFailure.ts';
import { fairest } from '../plan/fairShare.ts';
import { objectKey } from '../plan/objectKey.ts';
import { planUpload } from '../plan/partPlan.ts';
import type { Clock, Random } from '../ports.ts';
import type { CredentialsProvider, Store } from '../store/store.ts';
import { ActiveTransfer } from './activeTransfer.ts';
import { activityOf } from './activityOf.ts';
import { multipartFile } from './multipartFile.ts';
import { createProofWriter } from './proofWriter.ts';
import { putFile } from './putFile.ts';
import type { SendPool } from './sendPool.ts';
import { storeKeyOf } from './sendProtocol.ts';
import { createSettler, type Observe } from './settleFailure.ts';
import { createSlots, type Release } from './slots.ts';
import { createStoreHealth, type Reach } from './storeHealth.ts';
import type { UploadContext, Uploaded } from './uploadContext.ts';

export interface TransferOptions {
  readonly ledger: Ledger;
  readonly pool: SendPool;
  readonly metrics: RunMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: () => EngineSettings;
  readonly patience: () => Patience;
  /** One look at a path on disk. */
  readonly observe: Observe;
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
  active(): readonly ActiveTransfer[];
  connections(): number;
  reach(folder: FolderId): Reach;
  tryNow(folder: FolderId): void;
  stop(graceMs: number): Promise<void>;
}

interface Member {
  readonly context: UploadContext;
  abort: AbortController;
  paused: boolean;
  rootGone: boolean;
  readonly active: Map<FileId, ActiveTransfer>;
  /** Small files are claimed by the batch. */
  readonly claimed: QueuedFile[];
  /** false: the ledger had none left when last asked. */
  readonly maybe: Record<Lane, boolean>;
  lastGivenAt: number;
  toldUnconfirmed: boolean;
}

/** Large files open at a time; their parts share the large lane's slots. */
const largeFilesAtOnce = 6;
const claimBatch = 64;
/** Of all connections; the rest is for small files, of which more than about 64 at once gained nothing where it was measured. */
const largeLaneShare = 0.3;

export function createTransfer(options: TransferOptions): Transfer {
  const { ledger, pool, metrics, clock, random, settings } = options;
  const members = new Map<FolderId, Member>();
  const drains = new Set<() => void>();
  let pausedAll = false;
  let stopping = false;
  let broken = false;
  let pumping = false;
  let cancelDueTimer: () => void = () => undefined;
  let turn = 0;

  const fatal = (error: unknown): void => {
    if (broken) return;
    broken = true;
    for (const member of members.values()) member.abort.abort(stopped());
    options.onFatal(error);
    for (const check of drains) check();
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
    !stopping && !broken && !pausedAll && !member.paused && health.mayUse(member.context.storeKey);
  const slots = createSlots({
    limit: (lane) => {
      const { maxConnections } = settings();
      const large = Math.max(1, Math.round(maxConnections * largeLaneShare));
      return lane === 'large' ? large : Math.max(1, maxConnections - large);
    },
    mayUse: (folder) => {
      const member = members.get(folder);
      return member !== undefined && mayRun(member);
    },
    onFree: () => schedulePump(),
  });
  const health = createStoreHealth({
    clock,
    random,
    probe: async (storeKey) => {
      for (const { context } of members.values())
        if (context.storeKey === storeKey) return void (await context.store.headBucket());
    },
    onChange: () => {
      options.onReach();
      slots.wake();
      schedulePump();
      for (const check of drains) check();
    },
  });
  const writer = createProofWriter(ledger, clock, fatal);
  const settler = createSettler({
    ...options,
    scheduleDue: () => scheduleDue(),
    onRootGone: (id) => {
      const member = members.get(id);
      if (member) member.rootGone = true;
      for (const check of drains) check();
    },
  });

  const schedulePump = (): void => {
    if (pumping) return;
    pumping = true;
    queueMicrotask(() => {
      pumping = false;
      guarded(pump);
    });
  };

  const pump = (): void => {
    while (slots.free('small') > 0) {
      const member = nextMember('small', ({ context }) => slots.holding('small', context.folder.id));
      if (!member) break;
      const file = member.claimed.shift() ?? claim(member);
      if (!file) continue;
      const slot = slots.take('small', member.context.folder.id);
      if (!slot) {
        member.claimed.unshift(file);
        break;
      }
      void run(member, 'small', file, slot);
    }
    while (largeActive() < largeFilesAtOnce) {
      const member = nextMember('large', (candidate) => candidate.active.size);
      if (!member) break;
      const [file] = ledger.claimNext(member.context.folder.id, 'large', 1);
      if (file) void run(member, 'large', file);
      else member.maybe.large = false;
    }
  };

  const nextMember = (lane: Lane, holding: (member: Member) => number): Member | undefined => {
    const asking = [...members.values()].filter(
      (member) => (member.maybe[lane] || (lane === 'small' && member.claimed.length > 0)) && mayRun(member),
    );
    const id = fairest(
      asking.map((member) => ({
        id: member.context.folder.id,
        holding: holding(member),
        lastGivenAt: member.lastGivenAt,
      })),
    );
    const chosen = id === null ? undefined : members.get(id);
    if (chosen) chosen.lastGivenAt = ++turn;
    return chosen;
  };

  const claim = (member: Member): QueuedFile | undefined => {
    member.claimed.push(...ledger.claimNext(member.context.folder.id, 'small', claimBatch));
    if (member.claimed.length === 0) member.maybe.small = false;
    return member.claimed.shift();
  };

  /** Those of a store that is away only wait: they must not keep another store's files from starting. */
  const largeActive = (): number => {
    let count = 0;
    for (const member of members.values()) {
      if (!mayRun(member)) continue;
      for (const { lane } of member.active.values()) if (lane === 'large') count++;
    }
    return count;
  };

  const run = async (member: Member, lane: Lane, file: QueuedFile, slot?: Release): Promise<void> => {
    const active = new ActiveTransfer(file, lane, objectKey(member.context.folder.prefix, file.path), clock.now());
    member.active.set(file.id, active);
    const { signal } = member.abort;
    try {
      const uploaded = await upload(member, lane, active, signal, slot);
      guarded(() => succeeded(member, active, uploaded));
    } catch (error) {
      if (!broken) {
        const view = signal.aborted ? stopped().view() : errorView(error);
        // What was removed meanwhile needs nothing any more.
        await settler.failed(member.context, active, view).catch((failure: unknown) => {
          if (errorView(failure).code !== 'not-found') fatal(failure);
        });
      }
      member.active.delete(file.id);
      for (const check of drains) check();
    } finally {
      slot?.();
      schedulePump();
      if (!broken) options.onEnded();
    }
  };

  const upload = (
    member: Member,
    lane: Lane,
    active: ActiveTransfer,
    signal: AbortSignal,
    slot?: Release,
  ): Promise<Uploaded> => {
    const { memoryBytes, maxConnections, partSizeBytes, maxBandwidthBytesPerSecond } = settings();
    const plan = planUpload({
      sizeBytes: active.file.sizeBytes,
      bandwidthBytesPerSecond: maxBandwidthBytesPerSecond,
      limitBytesPerSecond: maxBandwidthBytesPerSecond,
      memoryBytes,
      maxConnections,
      partSizeBytes,
    });
    if (plan.strategy === 'put') return putFile(member.context, lane, active, signal, slot);
    slot?.();
    return multipartFile(member.context, active, plan, signal);
  };

  /** Once for each folder: it is about the store, not about the file. */
  const tellUnconfirmed = (member: Member): void => {
    if (member.toldUnconfirmed) return;
    member.toldUnconfirmed = true;
    const { id, bucket } = member.context.folder;
    const error = new SluiceError('proof-missing', `The store of ${bucket} confirmed only sizes, no checksums`).view();
    ledger.raiseIssue({ folderId: id, path: null, error, atMs: clock.now() });
    options.onIssue(id, error);
  };

  const succeeded = (member: Member, active: ActiveTransfer, { proof, action, parts, recorded }: Uploaded): void => {
    const { file, key } = active;
    const sent = action !== 'skip';
    const event: FileEvent = {
      type: 'file',
      folderId: file.folderId,
      path: file.path,
      key,
      action,
      bytes: sent ? file.sizeBytes : 0,
      parts,
      durationMs: clock.now() - active.startedAt,
      retries: active.retries,
      etag: proof.etag,
      checksum: proof.checksum,
      accelerated: false,
    };
    const activity = sent ? activityOf(event, clock.now()) : null;
    if (proof.checksum === null) tellUnconfirmed(member);
    const written = (): void => {
      if (sent) {
        metrics.counts.filesUploaded++;
        metrics.counts.bytesUploaded += file.sizeBytes;
      } else metrics.counts.filesUnchanged++;
      settler.succeeded(file);
      member.active.delete(file.id);
      options.onFile(event);
      for (const check of drains) check();
    };
    if (!recorded) return writer.add({ fileId: file.id, proof, activity, written: () => guarded(written) });
    if (activity) ledger.recordActivity([activity]);
    written();
  };

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
    schedulePump();
  };

  const releaseClaimed = (member: Member): void => {
    for (const file of member.claimed.splice(0)) guarded(() => ledger.releaseClaim(file.id));
  };

  const pauseMember = (member: Member, graceMs: number): void => {
    releaseClaimed(member);
    const { abort } = member;
    clock.after(graceMs, () => {
      if (stopping || !(pausedAll || member.paused) || member.abort !== abort) return;
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
    await until(idle, graceMs);
    for (const member of which) member.abort.abort(stopped());
    await until(idle, 10_000);
    if (!broken) writer.flush();
  };

  const until = (done: () => boolean, withinMs: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!done() && clock.now() < limit) return;
        drains.delete(check);
        cancel();
        resolve();
      };
      const limit = clock.now() + withinMs;
      const cancel = clock.after(withinMs, () => {
        drains.delete(check);
        resolve();
      });
      drains.add(check);
      check();
    });

  return {
    join: (folder, store, credentials) => {
      const storeKey = storeKeyOf(folder.connection, folder.bucket);
      pool.addStore(storeKey, store.target, credentials);
      const context = { folder, storeKey, store, ledger, pool, slots, health, metrics, clock, random, settings };
      members.set(folder.id, {
        context,
        abort: new AbortController(),
        paused: folder.paused,
        rootGone: false,
        active: new Map(),
        claimed: [],
        maybe: { small: true, large: true },
        lastGivenAt: 0,
        toldUnconfirmed: false,
      });
      guarded(scheduleDue);
      schedulePump();
    },
    leave: async (id) => {
      const member = members.get(id);
      if (!member) return;
      member.paused = true;
      releaseClaimed(member);
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
    drained: (id, blockedLimitMs) =>
      new Promise((resolve, reject) => {
        let cancelTimer: () => void = () => undefined;
        const check = (): void => {
          const member = members.get(id);
          const end = (finish: () => void): void => {
            drains.delete(check);
            cancelTimer();
            finish();
          };
          cancelTimer();
          if (broken || stopping || !member) return end(() => reject(stopped()));
          if (member.rootGone) return end(() => reject(rootGone(member.context.folder.path)));
          const reach = health.reach(member.context.storeKey);
          if (reach.kind === 'blocked') {
            const leftMs = reach.error.retryable ? reach.since + blockedLimitMs - clock.now() : 0;
            if (leftMs <= 0) return end(() => reject(SluiceError.fromView(reach.error)));
            cancelTimer = clock.after(leftMs, check);
          }
          writer.flush();
          if (guarded(() => isDrained(member))) end(resolve);
        };
        const asked = members.get(id);
        if (asked) asked.rootGone = false;
        drains.add(check);
        check();
      }),
    active: () => [...members.values()].flatMap((member) => [...member.active.values()]),
    connections: () => slots.inUse(),
    reach: (id) => {
      const member = members.get(id);
      return member ? health.reach(member.context.storeKey) : { kind: 'reached' };
    },
    tryNow: (id) => {
      const member = members.get(id);
      if (member) health.tryNow(member.context.storeKey);
    },
    stop: async (graceMs) => {
      if (stopping) return;
      stopping = true;
      cancelDueTimer();
      health.stop();
      for (const member of members.values()) releaseClaimed(member);
      await ended([...members.values()], graceMs);
      // What still comes back has nobody left to tell: the ledger is about to be closed.
      broken = true;
      for (const check of drains) check();
    },
  };
}

const rootGone = (path: string): SluiceError =>
  new SluiceError('folder-missing', `The folder ${path} went away while it was being uploaded`, { path });
const stopped = (): SluiceError => new SluiceError('interrupted', 'Stopped before it was finished');
