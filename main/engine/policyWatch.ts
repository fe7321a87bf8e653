import { type PolicyInForce, type PolicyPlaces, readPolicy } from './policyFile.ts';
import type { Clock } from './ports.ts';

/** A look costs one small read; a notification could be lost, and with it the rule. */
const lookEveryMs = 5_000;

/** Takes up a policy that was changed, added or removed. One that can't be read any more ends the engine (`onFatal`): fail closed. Returns how to stop. */
export function watchPolicy(options: {
  readonly places: PolicyPlaces;
  readonly clock: Clock;
  readonly inForce: () => PolicyInForce;
  readonly apply: (next: PolicyInForce) => Promise<void>;
  readonly onFatal: (error: unknown) => void;
}): () => void {
  const { places, clock, inForce, apply, onFatal } = options;
  let cancel: () => void = () => undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    const next = readPolicy(places);
    const now = inForce();
    if (next.source !== now.source || next.text !== now.text) await apply(next);
  };
  const wait = (): void => {
    cancel = clock.after(lookEveryMs, () => {
      look().then(
        () => (stopped ? undefined : wait()),
        (error: unknown) => (stopped ? undefined : onFatal(error)),
      );
    });
  };
  wait();
  return () => {
    stopped = true;
    cancel();
  };
}
