import type { FolderId } from '../../../shared/ids.ts';
import type { Lane, Ledger, QueuedFile } from '../ledger/ledger.ts';
import { fairest } from '../plan/fairShare.ts';
import { multipartThresholdBytes } from '../plan/partPlan.ts';
import { hasWork, type Member } from './member.ts';
import type { Release, Slots } from './slots.ts';

/** Claims queued files from the ledger while there is room for them, and starts them, fairly between folders. */
export interface Feed {
  /** Soon, once for many calls. */
  schedule(): void;
  /** Gives back what was claimed and not started. */
  release(member: Member): void;
}

export interface FeedOptions {
  readonly ledger: Ledger;
  readonly slots: Slots;
  readonly members: ReadonlyMap<FolderId, Member>;
  readonly mayRun: (member: Member) => boolean;
  readonly start: (member: Member, lane: Lane, file: QueuedFile, slot?: Release) => void;
  /** The ledger's errors surface here. */
  readonly guarded: <T>(work: () => T) => T | undefined;
}

/** Large files open in parts at a time; their parts share the large lane's slots. */
const multipartsAtOnce = 6;
const claimBatch = 64;

export function createFeed({ ledger, slots, members, mayRun, start, guarded }: FeedOptions): Feed {
  let scheduled = false;
  let turn = 0;

  const pump = (): void => {
    for (;;) {
      const member = next('small', (one) => slots.free('small', one.context.folder.id) > 0);
      if (!member) break;
      const file = member.claimed.shift() ?? claim(member);
      if (!file) continue;
      const slot = slots.take('small', member.context.folder.id);
      if (!slot) {
        member.claimed.unshift(file);
        break;
      }
      start(member, 'small', file, slot);
    }
    for (;;) {
      const member = next('large', hasRoomForLarge);
      if (!member) break;
      const [file] = ledger.claimNext(member.context.folder.id, 'large', 1);
      if (file) start(member, 'large', file);
      else member.maybe.large = false;
    }
  };

  const next = (lane: Lane, hasRoom: (member: Member) => boolean): Member | undefined => {
    const asking: Member[] = [];
    for (const member of members.values()) {
      if (hasWork(member, lane) && mayRun(member) && hasRoom(member)) asking.push(member);
    }
    const chosen = asking.length < 2 ? asking[0] : fairestOf(lane, asking);
    if (chosen) chosen.lastGivenAt = ++turn;
    return chosen;
  };

  const fairestOf = (lane: Lane, asking: readonly Member[]): Member | undefined => {
    const id = fairest(
      asking.map(({ context, active, lastGivenAt }) => ({
        id: context.folder.id,
        holding: lane === 'small' ? slots.holding('small', context.folder.id) : active.size,
        lastGivenAt,
      })),
    );
    return id === null ? undefined : members.get(id);
  };

  const claim = (member: Member): QueuedFile | undefined => {
    member.claimed.push(...ledger.claimNext(member.context.folder.id, 'small', claimBatch));
    if (member.claimed.length === 0) member.maybe.small = false;
    return member.claimed.shift();
  };

  /**
   * By store: those of one that is away only wait, and must not keep another's files from starting. Files of one PutObject take a slot each, so there may be as many as
   * slots; what is sent in parts takes many.
   */
  const hasRoomForLarge = ({ context }: Member): boolean => {
    const { storeKey } = context;
    let puts = 0;
    let multiparts = 0;
    for (const member of members.values()) {
      if (member.context.storeKey !== storeKey || !mayRun(member)) continue;
      for (const { lane, file } of member.active.values()) {
        if (lane !== 'large') continue;
        if (file.sizeBytes < multipartThresholdBytes) puts++;
        else multiparts++;
      }
    }
    if (multiparts >= multipartsAtOnce) return false;
    return puts < Math.max(multipartsAtOnce, context.flow.limit('large') + 1) && multiparts + puts < mostLargeAtOnce;
  };

  return {
    schedule: () => {
      if (scheduled) return;
      scheduled = true;
      queueMicrotask(() => {
        scheduled = false;
        guarded(pump);
      });
    },
    release: (member) => {
      for (const file of member.claimed.splice(0)) guarded(() => ledger.releaseClaim(file.id));
    },
  };
}

const mostLargeAtOnce = 250;
