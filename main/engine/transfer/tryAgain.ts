import { errorView } from '../../../shared/errors.ts';
import { partTries } from '../plan/afterFailure.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import type { Clock, Random } from '../ports.ts';
import { sleep } from './requestRate.ts';

/** A request that changes nothing, made again with backoff as long as that may help. Rejects with its last error, or the signal's reason. */
export async function tryAgain<T>(
  how: { readonly clock: Clock; readonly random: Random; readonly signal: AbortSignal; readonly onRetry?: () => void },
  ask: () => Promise<T>,
): Promise<T> {
  const { clock, random, signal, onRetry } = how;
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const view = errorView(error);
      if (!view.retryable || tries >= partTries) throw error;
      onRetry?.();
      await sleep(clock, retryDelayMs(tries - 1, backoffs.part, random(), view.retryAfterMs), signal);
    }
  }
}
