import type { ErrorView } from '../../../shared/errors.ts';
import type { AccelerationSettings } from '../../../shared/settings.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type AccelerationDecision, accelerationPremium } from '../plan/accelerate.ts';
import { blamesRoute, createRouteBreaker } from '../plan/accelerationBreaker.ts';
import type { Clock } from '../ports.ts';
import type { StoreTarget } from '../store/store.ts';
import type { StoreKey } from './sendProtocol.ts';

/** The accelerated endpoint of one bucket. */
export interface BucketAcceleration {
  readonly storeKey: StoreKey;
  readonly target: StoreTarget;
  /** Chosen once for each file. Waits, a few seconds at most, for what must be known of bucket and machine. Never rejects but for `signal`. */
  routeFor(sizeBytes: number, signal: AbortSignal): Promise<FileRoute | null>;
}

/** Which endpoint one file takes. */
export interface FileRoute {
  /** For one try of `bytes`, their premium reserved; null: over the regional endpoint. Each must be ended with `succeeded` or `failed`. */
  passage(bytes: number): Passage | null;
  wasAccelerated(): boolean;
  current(): 'regional' | 'accelerated';
}

export interface Passage {
  readonly store: StoreKey;
  sent(bytes: number): void;
  succeeded(): void;
  /** null: cut off. true: the endpoint may be to blame, so the file goes on over the regional one. After `succeeded` it does nothing. */
  failed(error: ErrorView | null): boolean;
}

export interface AccelerationOptions {
  readonly ledger: Pick<Ledger, 'reserveAcceleration' | 'releaseAcceleration'>;
  readonly clock: Clock;
  readonly settings: () => AccelerationSettings;
  readonly storeKey: StoreKey;
  readonly target: StoreTarget;
  readonly decide: (sizeBytes: number, signal: AbortSignal) => Promise<AccelerationDecision>;
}

export function createBucketAcceleration(options: AccelerationOptions): BucketAcceleration {
  const { ledger, clock, settings, storeKey, target } = options;
  const breaker = createRouteBreaker(() => clock.now());

  const fileRoute = (): FileRoute => {
    let barred = false;
    let accelerated = false;
    let lastWas: 'regional' | 'accelerated' = 'accelerated';
    const passage = (bytes: number): Passage | null => {
      lastWas = 'regional';
      if (barred || settings().mode === 'off' || !breaker.mayUse()) return null;
      const { monthlyCapUsd: capUsd } = settings();
      const month = new Date(clock.now()).toISOString().slice(0, 7);
      const price = settings();
      if (!ledger.reserveAcceleration({ month, bytes, usd: accelerationPremium(bytes, price), capUsd })) return null;
      lastWas = 'accelerated';
      let sentBytes = 0;
      let open = true;
      /** What wasn't sent isn't billed. */
      const settle = (billedBytes: number): void => {
        open = false;
        const unsent = Math.max(0, bytes - billedBytes);
        if (unsent > 0) ledger.releaseAcceleration({ month, bytes: unsent, usd: accelerationPremium(unsent, price) });
      };
      return {
        store: storeKey,
        sent: (count) => {
          sentBytes += count;
        },
        succeeded: () => {
          if (!open) return;
          settle(sentBytes);
          if (sentBytes > 0) accelerated = true;
          breaker.succeeded();
        },
        failed: (error) => {
          if (!open) return false;
          // Of one that was cut off, more may have left than was told.
          settle(error === null || error.code === 'interrupted' ? bytes : sentBytes);
          if (error !== null && !blamesRoute(error)) return false;
          barred = true;
          lastWas = 'regional';
          breaker.failed();
          return error !== null;
        },
      };
    };
    return { passage, wasAccelerated: () => accelerated, current: () => lastWas };
  };

  return {
    storeKey,
    target,
    routeFor: async (sizeBytes, signal) => {
      if (!breaker.mayUse()) return null;
      const { endpoint } = await options.decide(sizeBytes, signal);
      return endpoint === 'accelerated' ? fileRoute() : null;
    },
  };
}
