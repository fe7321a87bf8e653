import type { ErrorView } from '../../../shared/errors.ts';

/** Failures in a row that close the accelerated endpoint, for a minute at first, doubling up to an hour while it goes on failing; one success forgets all. */
export interface RouteBreaker {
  mayUse(): boolean;
  succeeded(): void;
  failed(): void;
}

const failuresToOpen = 3;
const firstRestMs = 60_000;
const longestRestMs = 3_600_000;

/** `now`: ms, of any clock. */
export function createRouteBreaker(now: () => number): RouteBreaker {
  let failures = 0;
  let restMs = firstRestMs;
  let closedUntil = 0;
  return {
    mayUse: () => now() >= closedUntil,
    succeeded: () => {
      failures = 0;
      restMs = firstRestMs;
    },
    failed: () => {
      // What was under way when it closed says nothing new.
      if (now() < closedUntil) return;
      failures++;
      if (failures < failuresToOpen) return;
      closedUntil = now() + restMs;
      restMs = Math.min(longestRestMs, restMs * 2);
      // After the rest one failure is enough.
      failures = failuresToOpen - 1;
    },
  };
}

/** Whether a failure over the accelerated endpoint may be its own: the same request may well get through over the regional one. Wrong keys and regions the client itself sets right. */
export const blamesRoute = ({ code }: Pick<ErrorView, 'code'>): boolean => routeCodes.has(code);

const routeCodes: ReadonlySet<ErrorView['code']> = new Set<ErrorView['code']>([
  'store-dns',
  'store-unreachable',
  'store-tls',
  'store-timeout',
  'store-throttled',
  'store-server-error',
  'store-refused',
  'access-denied',
  'no-such-bucket',
]);
