/** How many requests with data may be open at once: memory and sockets are bounded by it. First come, first served. */
export interface RequestSlots {
  /** Resolves with what gives the slot back. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createRequestSlots(most: number): RequestSlots {
  let free = most;
  const waiting = new Set<() => void>();
  const give = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      free++;
      return;
    }
    waiting.delete(next);
    next();
  };
  const once = (): (() => void) => {
    let given = false;
    return () => {
      if (!given) give();
      given = true;
    };
  };
  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        if (free > 0) {
          free--;
          return resolve(once());
        }
        const leave = (): void => {
          waiting.delete(enter);
          reject(signal.reason as Error);
        };
        const enter = (): void => {
          signal.removeEventListener('abort', leave);
          resolve(once());
        };
        waiting.add(enter);
        signal.addEventListener('abort', leave, { once: true });
      }),
  };
}
