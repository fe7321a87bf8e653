import type { FolderId } from '../../../shared/ids.ts';
import type { Lane } from '../ledger/ledger.ts';
import { fairest, type Sharer } from '../plan/fairShare.ts';
import type { StoreKey } from './sendProtocol.ts';

export type Release = () => void;

/**
 * Connections as slots: each store has as many per lane as its controller allows, all together no more than the settings say. Two lanes, so that small files never wait
 * behind large ones; shared fairly between folders; a store that is slow can't hold those that others need.
 */
export interface Slots {
  /** Slots that this folder could take now, 0…; an estimate for whoever claims work. */
  free(lane: Lane, folder: FolderId): number;
  inUse(): number;
  used(lane: Lane, store: StoreKey): number;
  /** null: none free, or the folder may not send now. */
  take(lane: Lane, folder: FolderId): Release | null;
  /** Resolves when it is this folder's turn. Rejects with the signal's reason. */
  wait(lane: Lane, folder: FolderId, signal: AbortSignal): Promise<Release>;
  holding(lane: Lane, folder: FolderId): number;
  /** The world changed (a limit, a folder resumed, a store reached again): look who may go. */
  wake(): void;
}

export interface SlotRules {
  storeOf(folder: FolderId): StoreKey;
  /** What this store's controller allows, ≥ 1. */
  limit(lane: Lane, store: StoreKey): number;
  /** Over all stores, ≥ 1. */
  total(): number;
  /** Stores that have something to send now, besides those that wait here. */
  busyStores(): ReadonlySet<StoreKey>;
  mayUse(folder: FolderId): boolean;
  onFree(): void;
}

interface Waiter {
  readonly grant: (release: Release) => void;
}

interface Share {
  readonly store: StoreKey;
  holding: number;
  lastGivenAt: number;
  readonly waiting: Waiter[];
}

/** Of all connections: what the large lane leaves for small files that may come, and what small files leave for parts that wait. */
const keptForSmall = 0.1;
const keptForLarge = 0.3;
/** Of its even share: what a store always finds free. */
const keptForStore = 0.25;

export function createSlots(rules: SlotRules): Slots {
  const lanes: Record<Lane, Map<FolderId, Share>> = { small: new Map(), large: new Map() };
  const used: Record<Lane, Map<StoreKey, number>> = { small: new Map(), large: new Map() };
  const usedOf: Record<Lane, number> = { small: 0, large: 0 };
  const waiting: Record<Lane, number> = { small: 0, large: 0 };
  let turn = 0;

  const share = (lane: Lane, folder: FolderId): Share => {
    let found = lanes[lane].get(folder);
    const store = rules.storeOf(folder);
    if (!found || (found.store !== store && found.holding === 0 && found.waiting.length === 0)) {
      found = { store, holding: 0, lastGivenAt: 0, waiting: [] };
      lanes[lane].set(folder, found);
    }
    return found;
  };

  const usedBy = (lane: Lane, store: StoreKey): number => used[lane].get(store) ?? 0;

  /** Slots that a store could be given in a lane. */
  const room = (lane: Lane, store: StoreKey): number => {
    const total = rules.total();
    const byStore = rules.limit(lane, store) - usedBy(lane, store);
    if (byStore <= 0) return 0;
    const byLane = total - usedOf[lane] - keptForOtherLane(lane, total);
    return Math.max(0, Math.min(byStore, byLane, total - usedOf.small - usedOf.large - keptForOthers(store, total)));
  };

  const keptForOtherLane = (lane: Lane, total: number): number => {
    if (total < 2) return 0;
    if (lane === 'large') return Math.max(1, Math.round(total * keptForSmall));
    return waiting.large === 0 && usedOf.large === 0 ? 0 : Math.max(1, Math.round(total * keptForLarge));
  };

  const keptForOthers = (store: StoreKey, total: number): number => {
    const busy = rules.busyStores();
    const stores = busy.size + (busy.has(store) ? 0 : 1);
    if (stores < 2 || total < stores) return 0;
    const each = Math.max(1, Math.floor((total / stores) * keptForStore));
    let kept = 0;
    for (const other of busy) {
      if (other !== store) kept += Math.max(0, each - usedBy('small', other) - usedBy('large', other));
    }
    return kept;
  };

  const count = (lane: Lane, store: StoreKey, by: 1 | -1): void => {
    used[lane].set(store, usedBy(lane, store) + by);
    usedOf[lane] += by;
  };

  const give = (lane: Lane, to: Share): Release => {
    to.holding++;
    to.lastGivenAt = ++turn;
    count(lane, to.store, 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      to.holding--;
      count(lane, to.store, -1);
      serve('small');
      serve('large');
      rules.onFree();
    };
  };

  const serve = (lane: Lane): void => {
    while (waiting[lane] > 0) {
      const next = fairest(askers(lane));
      if (next === null) return;
      const to = share(lane, next);
      const waiter = to.waiting.shift();
      waiting[lane]--;
      waiter?.grant(give(lane, to));
    }
  };

  function* askers(lane: Lane): Generator<Sharer<FolderId>> {
    for (const [id, { store, waiting, holding, lastGivenAt }] of lanes[lane]) {
      if (waiting.length > 0 && rules.mayUse(id) && room(lane, store) > 0) yield { id, holding, lastGivenAt };
    }
  }

  return {
    free: (lane, folder) => (rules.mayUse(folder) ? room(lane, rules.storeOf(folder)) : 0),
    inUse: () => usedOf.small + usedOf.large,
    used: usedBy,
    take: (lane, folder) => {
      const to = share(lane, folder);
      return rules.mayUse(folder) && room(lane, to.store) > 0 ? give(lane, to) : null;
    },
    wait: (lane, folder, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const to = share(lane, folder);
        const stop = () => {
          const at = to.waiting.indexOf(waiter);
          if (at >= 0) {
            to.waiting.splice(at, 1);
            waiting[lane]--;
          }
          reject(signal.reason);
        };
        const waiter: Waiter = {
          grant: (release) => {
            signal.removeEventListener('abort', stop);
            resolve(release);
          },
        };
        signal.addEventListener('abort', stop, { once: true });
        to.waiting.push(waiter);
        waiting[lane]++;
        serve(lane);
      }),
    holding: (lane, folder) => lanes[lane].get(folder)?.holding ?? 0,
    wake: () => {
      serve('small');
      serve('large');
    },
  };
}
