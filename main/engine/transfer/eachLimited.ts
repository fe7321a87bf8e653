/**
 * Runs tasks, at most `limit` at a time, in order of start; `onDone` sees each result as it comes. The first failure stops the others (their signal
 * aborts), and is thrown once all have ended: nothing runs on behind the caller's back.
 */
export async function eachLimited<T>(
  limit: number,
  tasks: readonly ((signal: AbortSignal) => Promise<T>)[],
  signal: AbortSignal,
  onDone: (result: T) => void,
): Promise<void> {
  const stop = new AbortController();
  const within = AbortSignal.any([signal, stop.signal]);
  let next = 0;
  let failure: { readonly error: unknown } | undefined;

  const runner = async (): Promise<void> => {
    while (!failure && next < tasks.length) {
      const task = tasks[next++]!;
      try {
        within.throwIfAborted();
        onDone(await task(within));
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, tasks.length) }, runner));
  if (failure) throw failure.error;
}
