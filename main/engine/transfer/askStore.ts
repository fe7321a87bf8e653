import { type ErrorView, errorView } from '../../../shared/errors.ts';
import { afterFailure } from '../plan/afterFailure.ts';
import type { UploadContext } from './uploadContext.ts';

type HealthContext = Pick<UploadContext, 'health' | 'storeKey'>;

/** A request of the control thread, which the SDK has tried three times when it fails: the breaker hears of it, so that an outage costs a file one try. */
export async function askStore<T>(context: HealthContext, ask: () => Promise<T>): Promise<T> {
  try {
    const answer = await ask();
    context.health.succeeded(context.storeKey);
    return answer;
  } catch (error) {
    const view = errorView(error);
    if (view.code === 'store-throttled' && view.retryAfterMs !== undefined)
      context.health.throttled(context.storeKey, view.retryAfterMs);
    noteFailure(context, view, view.retryable);
    throw error;
  }
}

/** Tells the breaker what a failure says about the whole store, if anything. `certain`: it needn't happen several times in a row. */
export function noteFailure({ health, storeKey }: HealthContext, view: ErrorView, certain = false): void {
  // Too many requests at once is the request rate's business (plan/throttle.ts): the store is well.
  if (view.code === 'store-throttled') return;
  const next = afterFailure(view, 0, 'forever');
  if (next.kind === 'store') health.failed(storeKey, view, next.immediate || certain);
  else if (view.code === 'store-server-error') health.failed(storeKey, view, false);
}
