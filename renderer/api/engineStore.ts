import { applyUpdate, type Snapshot, type SyncApi, type Update } from '../../shared/syncApi.ts';
import { createSyncApiClient } from '../../shared/wire.ts';
import type { EngineLink, EngineRoute } from './engineLink.ts';

export interface EngineState {
  /** `connecting`: not yet reached; `lost`: it was there; `refused`: it wants a new sign-in. */
  readonly link: 'connecting' | 'connected' | 'lost' | 'refused';
  /** The last one known, also while the link is lost; null: never had one. */
  readonly snapshot: Snapshot | null;
}

export interface EngineStore {
  getState(): EngineState;
  subscribe(listener: () => void): () => void;
  /** The engine now reached; its calls reject while the link is down. */
  readonly api: SyncApi;
  /** Forgets the back-off. */
  reconnectNow(): void;
}

/** ms; the engine restarts in about a second, so the first tries come quickly. */
const backOff = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000] as const;
/** ms a first snapshot may take before the link counts as dead. */
const snapshotPatience = 20_000;

/**
 * Keeps a snapshot current: reconnects with back-off, asks for a new snapshot after each gap, and stops listening while
 * the page is hidden.
 */
export function createEngineStore(route: EngineRoute, page: Document): EngineStore {
  let state: EngineState = { link: 'connecting', snapshot: null };
  const listeners = new Set<() => void>();
  let client: SyncApi | undefined;
  let link: EngineLink | undefined;
  let unsubscribe: (() => void) | undefined;
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  /** Updates that came while a snapshot was on its way; null: none is. */
  let early: Update[] | null = null;

  const set = (change: Partial<EngineState>) => {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  };

  const onUpdate = (update: Update) => {
    if (early) {
      early.push(update);
      return;
    }
    if (!state.snapshot) return;
    const next = applyUpdate(state.snapshot, update);
    if (next) set({ snapshot: next });
    else void resync();
  };

  const resync = async () => {
    const mine = link;
    const held: Update[] = [];
    early = held;
    try {
      let snapshot = await withPatience(client!.snapshot({}));
      if (mine !== link || early !== held) return;
      early = null;
      for (const update of held) {
        const next = applyUpdate(snapshot, update);
        if (!next) {
          set({ link: 'connected', snapshot });
          void resync();
          return;
        }
        snapshot = next;
      }
      failures = 0;
      set({ link: 'connected', snapshot });
    } catch {
      if (mine === link) mine?.close();
    }
  };

  const listen = () => {
    if (unsubscribe || !client) return;
    unsubscribe = client.subscribe(onUpdate);
    void resync();
  };
  const stopListening = () => {
    unsubscribe?.();
    unsubscribe = undefined;
    early = null;
  };

  const connect = () => {
    clearTimeout(retry);
    retry = undefined;
    const opened = route.open();
    link = opened;
    client = createSyncApiClient(opened);
    opened.onClose(() => {
      if (link !== opened) return;
      link = undefined;
      client = undefined;
      unsubscribe = undefined;
      early = null;
      if (state.link === 'connected' || failures >= 2) set({ link: 'lost' });
      const wait = backOff[Math.min(failures++, backOff.length - 1)]!;
      retry = setTimeout(connect, wait);
      if (failures > 1) {
        void route.refused().then((refused) => {
          if (refused && link === undefined) set({ link: 'refused' });
        });
      }
    });
    if (!page.hidden) listen();
  };

  const reconnectNow = () => {
    if (retry === undefined) return;
    failures = 0;
    connect();
  };

  page.addEventListener('visibilitychange', () => {
    if (page.hidden) return stopListening();
    if (retry !== undefined) reconnectNow();
    else listen();
  });
  route.onReachable(reconnectNow);
  connect();

  const api = new Proxy({} as SyncApi, {
    get: (_target, name) => (params: unknown) => {
      if (!client) return Promise.reject(new Error('The connection to the engine is lost'));
      return (client as unknown as Record<PropertyKey, (params: unknown) => unknown>)[name]!(params);
    },
  });

  return {
    getState: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    api,
    reconnectNow,
  };
}

function withPatience<Value>(promise: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), snapshotPatience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
