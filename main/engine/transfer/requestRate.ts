import {
  type ThrottleState,
  throttleDelivered,
  throttleRate,
  throttleRejected,
  throttleTake,
  unthrottled,
} from '../plan/throttle.ts';
import type { Clock } from '../ports.ts';

/** What a throttling store lets through, per prefix of keys, or for the whole bucket once it throttles several prefixes. */
export interface RequestRate {
  /** Resolves when a request for this key may go. Rejects with the signal's reason. */
  admit(key: string, signal: AbortSignal): Promise<void>;
  succeeded(key: string): void;
  /** `sentAtMs`: when the rejected request went out. */
  rejected(key: string, sentAtMs: number, retryAfterMs: number): void;
  isThrottled(): boolean;
}

const slots = 10;
const slotMs = 100;
/** Two prefixes throttled within this are one bucket that is throttled. */
const sameCauseMs = 2_000;
/** Prefixes looked at one by one; a bucket with more is throttled as a whole. */
const mostPrefixes = 64;

/** S3 counts per prefix, and says nowhere of what length: the first two levels are near enough, and are given up as soon as they prove wrong. */
export const prefixOf = (key: string): string => {
  const first = key.indexOf('/');
  const second = first < 0 ? -1 : key.indexOf('/', first + 1);
  return second >= 0 ? key.slice(0, second + 1) : first >= 0 ? key.slice(0, first + 1) : '';
};

export function createRequestRate(clock: Clock): RequestRate {
  const all = newDelivered();
  let bucket: ThrottleState = unthrottled;
  const prefixes = new Map<string, { throttle: ThrottleState; readonly delivered: Delivered; rejectedAtMs: number }>();

  /** 0: a token was taken wherever one is needed. */
  const take = (key: string): number => {
    const now = clock.now();
    if (bucket.known !== null) {
      const { state, waitMs } = throttleTake(bucket, now);
      bucket = state;
      return waitMs;
    }
    if (prefixes.size === 0) return 0;
    const scope = prefixes.get(prefixOf(key));
    if (!scope) return 0;
    const { state, waitMs } = throttleTake(scope.throttle, now);
    scope.throttle = state;
    if (state.known === null) prefixes.delete(prefixOf(key));
    return waitMs;
  };

  return {
    admit: async (key, signal) => {
      for (let waitMs = take(key); waitMs > 0; waitMs = take(key)) await sleep(clock, waitMs, signal);
    },
    succeeded: (key) => {
      const now = clock.now();
      all.add(now);
      if (bucket.known !== null && now <= bucket.resumeAtMs)
        bucket = throttleDelivered(bucket, now, all.inLastSecond(now));
      const scope = prefixes.size > 0 ? prefixes.get(prefixOf(key)) : undefined;
      if (!scope) return;
      scope.delivered.add(now);
      if (now <= scope.throttle.resumeAtMs)
        scope.throttle = throttleDelivered(scope.throttle, now, scope.delivered.inLastSecond(now));
    },
    rejected: (key, sentAtMs, retryAfterMs) => {
      const nowMs = clock.now();
      const rejection = { nowMs, sentAtMs, retryAfterMs };
      if (bucket.known !== null) {
        bucket = throttleRejected(bucket, { ...rejection, delivered: all.inLastSecond(nowMs) });
        return;
      }
      const prefix = prefixOf(key);
      const others = [...prefixes].some(([name, one]) => name !== prefix && nowMs - one.rejectedAtMs < sameCauseMs);
      if (others || prefixes.size >= mostPrefixes) {
        prefixes.clear();
        bucket = throttleRejected(bucket, { ...rejection, delivered: all.inLastSecond(nowMs) });
        return;
      }
      let scope = prefixes.get(prefix);
      if (!scope) {
        // What was delivered before isn't known by prefix: of the whole bucket is the most that it can be.
        scope = { throttle: unthrottled, delivered: all.copy(), rejectedAtMs: nowMs };
        prefixes.set(prefix, scope);
      }
      scope.rejectedAtMs = nowMs;
      scope.throttle = throttleRejected(scope.throttle, {
        ...rejection,
        delivered: scope.delivered.inLastSecond(nowMs),
      });
    },
    isThrottled: () => {
      const now = clock.now();
      if (throttleRate(bucket, now) !== null) return true;
      return [...prefixes.values()].some(({ throttle }) => throttleRate(throttle, now) !== null);
    },
  };
}

/** Requests that went through in the last second, in tenths. */
interface Delivered {
  add(nowMs: number): void;
  inLastSecond(nowMs: number): number;
  copy(): Delivered;
}

function newDelivered(counts = new Array<number>(slots).fill(0), from = 0): Delivered {
  let newest = from;
  const turnTo = (nowMs: number): void => {
    const slot = Math.floor(nowMs / slotMs);
    for (let past = Math.max(newest + 1, slot - slots + 1); past <= slot; past++) counts[past % slots] = 0;
    newest = Math.max(newest, slot);
  };
  return {
    add: (nowMs) => {
      turnTo(nowMs);
      counts[newest % slots]!++;
    },
    inLastSecond: (nowMs) => {
      turnTo(nowMs);
      return counts.reduce((sum, count) => sum + count, 0);
    },
    copy: () => newDelivered([...counts], newest),
  };
}

/** Rejects with the signal's reason. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
