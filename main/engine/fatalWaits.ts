import { type ErrorView, SluiceError } from '../../shared/errors.ts';

export interface FatalWaits {
  /** The work's outcome, unless the engine's end comes first: then its error. */
  orFatal<T>(work: Promise<T>): Promise<T>;
  /** Ends all that is being waited for. */
  end(error: unknown): void;
}

/** Whatever ends the engine ends the work that waits for it. */
export function createFatalWaits(failure: () => ErrorView | null): FatalWaits {
  const waiters = new Set<(error: unknown) => void>();
  return {
    orFatal: async (work) => {
      const { promise, reject } = Promise.withResolvers<never>();
      waiters.add(reject);
      const failed = failure();
      if (failed) reject(SluiceError.fromView(failed));
      try {
        return await Promise.race([work, promise]);
      } finally {
        waiters.delete(reject);
      }
    },
    end: (error) => {
      for (const reject of waiters) reject(error);
    },
  };
}
