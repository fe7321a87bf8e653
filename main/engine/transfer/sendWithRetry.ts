import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { Lane } from '../ledger/ledger.ts';
import { partMayRetry } from '../plan/afterFailure.ts';
import { backoffs, retryDelayMs } from '../plan/retryDelay.ts';
import type { FileRoute, Passage } from './acceleratedRoute.ts';
import { noteFailure } from './askStore.ts';
import { sleep } from './requestRate.ts';
import { type BodyJob, type Sent, sendOnce, stoodStill } from './sendOnce.ts';
import type { Release } from './slots.ts';
import type { UploadContext } from './uploadContext.ts';

export interface SendHooks {
  started(): void;
  sent(bytes: number): void;
  failed(): void;
  /** Over which endpoint; null: the regional one. */
  route: FileRoute | null;
  /** A failure that is the caller's own doing: thrown at once, and not held against the store. */
  isExperiment?: ((error: ErrorView) => boolean) | undefined;
}

/** A store that asks for less has a file wait, not fail: its tries are counted apart. */
const throttledTries = 40;
/** Cut off so often, a request is left to the transport's own time-out. */
const mostCutOffs = 3;

/**
 * Sends one put or part until it is through or hopeless: each try takes a slot (the first may bring its own) and goes when the store's request rate allows, waits its backoff
 * and its turn in the retry budget without one, and while the store is out of reach simply waits: an outage costs no tries. Throws the last error.
 */
export async function sendWithRetry<J extends BodyJob>(
  context: UploadContext,
  lane: Lane,
  job: J,
  hooks: SendHooks,
  signal: AbortSignal,
  firstSlot?: Release,
): Promise<Sent<J>> {
  const { folder, slots, flow, health, metrics, clock, random, storeKey } = context;
  let slot = firstSlot;
  let next = job;
  let throttled = 0;
  let cutOffs = 0;
  for (let tries = 0; ; ) {
    const release = slot ?? (await slots.wait(lane, folder.id, signal));
    slot = undefined;
    let error: unknown;
    let view: ErrorView | null = null;
    let passage: Passage | null = null;
    try {
      await flow.admit(job.key, signal);
      signal.throwIfAborted();
      passage = hooks.route?.passage(job.source.length) ?? null;
      hooks.started();
      const sent = await sendOnce(
        context,
        lane,
        next,
        { onSent: hooks.sent, mayCutOff: cutOffs < mostCutOffs, passage },
        signal,
      );
      if (sent !== stoodStill) {
        if (passage) passage.succeeded();
        else health.succeeded(storeKey);
        if (sent.kind === 'stored') metrics.partLatency(sent.sentMs);
        return sent;
      }
    } catch (thrown) {
      error = thrown;
      view = errorView(thrown);
    } finally {
      release();
    }
    const routeFailed = passage?.failed(signal.aborted ? null : view) ?? false;
    signal.throwIfAborted();
    hooks.failed();
    metrics.counts.retries++;
    // The regional endpoint is there at once, and the accelerated one's trouble is no try of it.
    if (routeFailed) continue;
    if (view === null) {
      cutOffs++;
      // Whatever the old connection suffers from, the next doesn't share it.
      if (next.kind === 'part') next = { ...next, freshConnection: true };
      await flow.retry(signal);
      continue;
    }
    if (hooks.isExperiment?.(view)) {
      metrics.counts.retries--;
      throw error;
    }
    noteFailure(context, view);
    if (view.code === 'store-throttled') {
      metrics.counts.throttled++;
      throttled++;
    } else if (health.reach(storeKey).kind === 'reached') tries++;
    if (!partMayRetry(view, tries) || throttled > throttledTries) {
      metrics.counts.retries--;
      throw error;
    }
    if (view.code === 'store-throttled') continue;
    await sleep(clock, retryDelayMs(tries, backoffs.part, random(), view.retryAfterMs), signal);
    await flow.retry(signal);
  }
}
