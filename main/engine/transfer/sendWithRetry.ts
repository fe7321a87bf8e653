import { setTimeout as sleep } from 'node:timers/promises';
import { errorView } from '../../../shared/errors.ts';
import type { Lane } from '../ledger/ledger.ts';
import { partMayRetry } from '../plan/afterFailure.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import { noteFailure } from './askStore.ts';
import type { ResultFor } from './sendPool.ts';
import type { SendJob } from './sendProtocol.ts';
import type { Release } from './slots.ts';
import type { UploadContext } from './uploadContext.ts';

export interface SendHooks {
  started(): void;
  sent(bytes: number): void;
  failed(): void;
}

/**
 * Sends one put or part until it is through or hopeless: each try takes a slot (the first may bring its own), waits its backoff without one, and while
 * the store is out of reach simply waits: an outage costs no tries. Throws the last error.
 */
export async function sendWithRetry<J extends SendJob & { kind: 'put' | 'part' }>(
  context: UploadContext,
  lane: Lane,
  job: J,
  hooks: SendHooks,
  signal: AbortSignal,
  firstSlot?: Release,
): Promise<ResultFor<J> & { sentMs: number }> {
  const { folder, slots, pool, health, metrics, random, storeKey } = context;
  let slot = firstSlot;
  for (let tries = 0; ; ) {
    const release = slot ?? (await slots.wait(lane, folder.id, signal));
    slot = undefined;
    let error: unknown;
    try {
      signal.throwIfAborted();
      hooks.started();
      const handle = pool.send(job, (bytes) => {
        metrics.sent(bytes);
        hooks.sent(bytes);
      });
      signal.addEventListener('abort', handle.cancel, { once: true });
      try {
        const result = await handle.result;
        health.succeeded(storeKey);
        if (result.kind === 'stored') metrics.partLatency(result.sentMs);
        return result;
      } finally {
        signal.removeEventListener('abort', handle.cancel);
      }
    } catch (thrown) {
      error = thrown;
    } finally {
      release();
    }
    signal.throwIfAborted();
    const view = errorView(error);
    hooks.failed();
    noteFailure(context, view);
    if (health.reach(storeKey).kind === 'reached') tries++;
    if (!partMayRetry(view, tries)) throw error;
    metrics.counts.retries++;
    await sleep(retryDelayMs(tries, backoffs.part, random(), view.retryAfterMs), undefined, { signal });
  }
}
