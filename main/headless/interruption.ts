import type { CommandHost } from './host.ts';

/** Terminal, shell and npx may each deliver the same Ctrl-C: what follows this soon is not a second one. */
const sameKeystrokeMs = 300;

export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Settles as the promise does, or rejects with the signal's reason when interrupted first. */
  race<T>(promise: Promise<T>): Promise<T>;
  dispose(): void;
}

/** The first signal asks for a graceful end (`reason` is thrown to whoever waits), the second ends at once with 130. */
export function interruption(host: CommandHost, reason: () => Error, onFirst: () => void = () => {}): Interruption {
  const controller = new AbortController();
  let firstAt: number | null = null;
  const dispose = host.onSignal(() => {
    if (firstAt === null) {
      firstAt = host.now();
      onFirst();
      controller.abort(reason());
    } else if (host.now() - firstAt >= sameKeystrokeMs) host.exit(130);
  });
  return {
    signal: controller.signal,
    dispose,
    race: (promise) => {
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = () => reject(controller.signal.reason as Error);
      if (controller.signal.aborted) onAbort();
      else controller.signal.addEventListener('abort', onAbort, { once: true });
      return Promise.race([promise, aborted]).finally(() => controller.signal.removeEventListener('abort', onAbort));
    },
  };
}
