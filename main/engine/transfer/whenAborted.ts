/**
 * Calls `task` when the signal aborts, unless the returned function was called before; not at all where it has aborted already. For signals that live long and are listened to by
 * thousands: a listener of the signal's own leaves its place in a chain whose old links keep what came after them alive until the next full collection (5 MB a thousand files).
 * A set's outgrown tables do the same with what was in them: what is left there is empty.
 */
export function whenAborted(signal: AbortSignal, task: () => void): () => void {
  let entries = bySignal.get(signal);
  if (!entries) {
    const all = new Set<Entry>();
    const onAbort = () => {
      for (const entry of all) entry.task?.();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    bySignal.set(signal, all);
    entries = all;
  }
  const entry: Entry = { task };
  const found = entries;
  found.add(entry);
  return () => {
    entry.task = null;
    found.delete(entry);
  };
}

interface Entry {
  task: (() => void) | null;
}

const bySignal = new WeakMap<AbortSignal, Set<Entry>>();
