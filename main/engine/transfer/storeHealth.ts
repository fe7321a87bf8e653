import { type ErrorView, errorView } from '../../../shared/errors.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import type { Clock, Random } from '../ports.ts';
import type { StoreKey } from './sendProtocol.ts';

export type Reach =
  | { readonly kind: 'reached' }
  /** Nothing is sent; a probe goes out at `nextTryAt`. */
  | {
      readonly kind: 'blocked';
      readonly error: ErrorView;
      readonly since: number;
      readonly tries: number;
      readonly nextTryAt: number;
    };

/** One breaker per store: a store that can't be reached or refuses us must not cost the others anything, nor a retry per file. */
export interface StoreHealth {
  reach(store: StoreKey): Reach;
  mayUse(store: StoreKey): boolean;
  /** Only its probe got through as yet: send a few, and see. */
  onTrial(store: StoreKey): boolean;
  succeeded(store: StoreKey): void;
  /** `immediate`: one answer is enough (wrong keys); else several in a row without a success between. */
  failed(store: StoreKey, error: ErrorView, immediate: boolean): void;
  /** The store asked for less: nothing new for this long. */
  throttled(store: StoreKey, retryAfterMs: number): void;
  /** Probe now (the user asked, the network came back). */
  tryNow(store: StoreKey): void;
  stop(): void;
}

export interface StoreHealthOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Rejects while the store is out of reach. */
  readonly probe: (store: StoreKey) => Promise<void>;
  readonly onChange: (store: StoreKey) => void;
}

/** Failures in a row that open the breaker: a reset connection now and then is no outage. */
const failuresToBlock = 5;
/** A 500 may be about one key: it takes a dozen in a row, and nothing else between, to be about the store. */
const serverErrorWeight = failuresToBlock / 12;
/** After a probe got through, the next requests are the trial: so much less is needed to open again. */
const trialCredit = 3.5;

interface State {
  /** In a row, weighed. */
  failures: number;
  /** A probe got through, no request yet: if it opens again it is the same outage. */
  trial: { readonly since: number; readonly tries: number } | null;
  coolUntil: number;
  reach: Reach;
  cancelTimer: () => void;
}

export function createStoreHealth({ clock, random, probe, onChange }: StoreHealthOptions): StoreHealth {
  const states = new Map<StoreKey, State>();
  const coolings = new Set<() => void>();
  let stopped = false;

  const state = (store: StoreKey): State => {
    let found = states.get(store);
    if (!found) {
      found = { failures: 0, trial: null, coolUntil: 0, reach: { kind: 'reached' }, cancelTimer: () => undefined };
      states.set(store, found);
    }
    return found;
  };

  const block = (store: StoreKey, error: ErrorView): void => {
    const current = state(store);
    const before = current.reach;
    const earlier = before.kind === 'blocked' ? before : current.trial;
    current.trial = null;
    const tries = earlier ? earlier.tries + 1 : 0;
    const waitMs = Math.max(
      backoffs.probe.baseMs / 2,
      retryDelayMs(tries, backoffs.probe, random(), error.retryAfterMs),
    );
    current.reach = {
      kind: 'blocked',
      error,
      since: earlier?.since ?? clock.now(),
      tries,
      nextTryAt: clock.now() + waitMs,
    };
    current.cancelTimer();
    if (!stopped) current.cancelTimer = clock.after(waitMs, () => void knock(store));
    onChange(store);
  };

  const heal = (store: StoreKey): void => {
    const current = state(store);
    if (current.reach.kind === 'reached') return;
    current.failures = trialCredit;
    current.trial = { since: current.reach.since, tries: current.reach.tries };
    current.cancelTimer();
    current.reach = { kind: 'reached' };
    onChange(store);
  };

  const knock = async (store: StoreKey): Promise<void> => {
    if (stopped || state(store).reach.kind === 'reached') return;
    const error = await probe(store).then(() => null, errorView);
    // What fails because everything is being closed says nothing about the store.
    if (stopped) return;
    if (error) block(store, error);
    else heal(store);
  };

  return {
    reach: (store) => state(store).reach,
    mayUse: (store) => {
      const { reach, coolUntil } = state(store);
      return reach.kind === 'reached' && coolUntil <= clock.now();
    },
    // An answer to something sent before the breaker opened doesn't close it: the probe does.
    succeeded: (store) => {
      const current = state(store);
      const wasOnTrial = current.trial !== null;
      current.failures = 0;
      current.trial = null;
      if (wasOnTrial && current.reach.kind === 'reached') onChange(store);
    },
    onTrial: (store) => state(store).trial !== null,
    failed: (store, error, immediate) => {
      if (stopped) return;
      const current = state(store);
      current.failures += error.code === 'store-server-error' ? serverErrorWeight : 1;
      if (current.reach.kind === 'reached' && (immediate || current.failures >= failuresToBlock)) block(store, error);
    },
    throttled: (store, retryAfterMs) => {
      if (stopped) return;
      const current = state(store);
      const until = clock.now() + retryAfterMs;
      if (until <= current.coolUntil) return;
      current.coolUntil = until;
      const cancel = clock.after(retryAfterMs, () => {
        coolings.delete(cancel);
        onChange(store);
      });
      coolings.add(cancel);
    },
    tryNow: (store) => {
      state(store).cancelTimer();
      void knock(store);
    },
    stop: () => {
      stopped = true;
      for (const { cancelTimer } of states.values()) cancelTimer();
      for (const cancel of coolings) cancel();
    },
  };
}
