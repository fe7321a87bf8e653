import { type ErrorView, errorView } from '../../../shared/errors.ts';
import { afterFailure } from '../plan/afterFailure.ts';
import type { UploadContext } from './uploadContext.ts';

type HealthContext = Pick<UploadContext, 'health' | 'storeKey' | 'random'>;

/** A request of the control thread, which the SDK has tried three times when it fails: the breaker hears of it, so that an outage costs a file one try. */
export async function askStore<T>(context: HealthContext, ask: () => Promise<T>): Promise<T> {
  try {
    const answer = await ask();
    context.health.succeeded(context.storeKey);
    return answer;
  } catch (error) {
    const view = errorView(error);
    noteFailure(context, view, view.retryable);
    throw error;
  }
}

/** Tells the breaker what a failure says about the whole store, if anything. `certain`: it needn't happen several times in a row. */
export function noteFailure({ health, storeKey, random }: HealthContext, view: ErrorView, certain = false): void {
  if (view.code === 'store-throttled')
    return health.throttled(storeKey, view.retryAfterMs ?? 100 + Math.round(random() * 400));
  const next = afterFailure(view, 0, 'forever');
  if (next.kind === 'store') health.failed(storeKey, view, next.immediate || certain);
}
