import type { FolderId } from '../../../shared/ids.ts';
import type { Lane } from '../ledger/ledger.ts';
import { fairest, type Sharer } from '../plan/fairShare.ts';

export type Release = () => void;

/** Connections as slots: two lanes, so that small files never wait behind large ones, shared fairly between folders. */
export interface Slots {
  free(lane: Lane): number;
  inUse(): number;
  /** null: none free, or the folder may not send now. */
  take(lane: Lane, folder: FolderId): Release | null;
  /** Resolves when it is this folder's turn. Rejects with the signal's reason. */
  wait(lane: Lane, folder: FolderId, signal: AbortSignal): Promise<Release>;
  holding(lane: Lane, folder: FolderId): number;
  /** The world changed (a limit, a folder resumed, a store reached again): look who may go. */
  wake(): void;
}

export interface SlotRules {
  limit(lane: Lane): number;
  mayUse(folder: FolderId): boolean;
  onFree(): void;
}

interface Waiter {
  readonly grant: (release: Release) => void;
}

interface Share {
  holding: number;
  lastGivenAt: number;
  readonly waiting: Waiter[];
}

export function createSlots(rules: SlotRules): Slots {
  const lanes: Record<Lane, Map<FolderId, Share>> = { small: new Map(), large: new Map() };
  const used: Record<Lane, number> = { small: 0, large: 0 };
  let turn = 0;

  const share = (lane: Lane, folder: FolderId): Share => {
    let found = lanes[lane].get(folder);
    if (!found) {
      found = { holding: 0, lastGivenAt: 0, waiting: [] };
      lanes[lane].set(folder, found);
    }
    return found;
  };

  const give = (lane: Lane, to: Share): Release => {
    to.holding++;
    to.lastGivenAt = ++turn;
    used[lane]++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      to.holding--;
      used[lane]--;
      serve(lane);
      rules.onFree();
    };
  };

  const serve = (lane: Lane): void => {
    while (used[lane] < rules.limit(lane)) {
      const next = fairest(askers(lane));
      if (next === null) return;
      const to = share(lane, next);
      to.waiting.shift()?.grant(give(lane, to));
    }
  };

  function* askers(lane: Lane): Generator<Sharer<FolderId>> {
    for (const [id, { waiting, holding, lastGivenAt }] of lanes[lane]) {
      if (waiting.length > 0 && rules.mayUse(id)) yield { id, holding, lastGivenAt };
    }
  }

  return {
    free: (lane) => Math.max(0, rules.limit(lane) - used[lane]),
    inUse: () => used.small + used.large,
    take: (lane, folder) => {
      if (used[lane] >= rules.limit(lane) || !rules.mayUse(folder)) return null;
      return give(lane, share(lane, folder));
    },
    wait: (lane, folder, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const to = share(lane, folder);
        const stop = () => {
          const at = to.waiting.indexOf(waiter);
          if (at >= 0) to.waiting.splice(at, 1);
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
        serve(lane);
      }),
    holding: (lane, folder) => lanes[lane].get(folder)?.holding ?? 0,
    wake: () => {
      serve('small');
      serve('large');
    },
  };
}
