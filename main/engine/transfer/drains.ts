import { SluiceError } from '../../../shared/errors.ts';
import type { Clock } from '../ports.ts';
import type { Reach } from './storeHealth.ts';

/** Those who wait for an end: of a folder's queue, of what is in flight. */
export interface Drains {
  /** Something ended or changed: is anybody's wait over? */
  check(): void;
  /** Resolves when `done` or when the time is over. */
  until(done: () => boolean, withinMs: number): Promise<void>;
  drained(facts: DrainFacts): Promise<void>;
}

export interface DrainFacts {
  /** null: still at it; an error: it never will be. */
  readonly hopeless: () => SluiceError | null;
  readonly reach: () => Reach;
  readonly isDrained: () => boolean;
  readonly blockedLimitMs: number;
}

export function createDrains(clock: Clock): Drains {
  const waiting = new Set<() => void>();
  return {
    check: () => {
      for (const check of waiting) check();
    },
    until: (done, withinMs) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!done() && clock.now() < limit) return;
          waiting.delete(check);
          cancel();
          resolve();
        };
        const limit = clock.now() + withinMs;
        const cancel = clock.after(withinMs, () => {
          waiting.delete(check);
          resolve();
        });
        waiting.add(check);
        check();
      }),
    drained: ({ hopeless, reach, isDrained, blockedLimitMs }) =>
      new Promise((resolve, reject) => {
        let cancelTimer: () => void = () => undefined;
        const end = (finish: () => void): void => {
          waiting.delete(check);
          cancelTimer();
          finish();
        };
        const check = (): void => {
          cancelTimer();
          const error = hopeless();
          if (error) return end(() => reject(error));
          const now = reach();
          if (now.kind === 'blocked') {
            const leftMs = now.error.retryable ? now.since + blockedLimitMs - clock.now() : 0;
            if (leftMs <= 0) return end(() => reject(SluiceError.fromView(now.error)));
            cancelTimer = clock.after(leftMs, check);
          }
          if (isDrained()) end(resolve);
        };
        waiting.add(check);
        check();
      }),
  };
}
