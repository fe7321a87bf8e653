import { applyUpdate, type Snapshot, type SyncApi } from '../../shared/syncApi.ts';

/** Calls `listener` with each state in turn, the whole snapshot every time; a missed delta is made good by asking anew. */
export function followSnapshots(
  api: Pick<SyncApi, 'snapshot' | 'subscribe'>,
  listener: (next: Snapshot, previous: Snapshot | null) => void,
): () => void {
  let current: Snapshot | null = null;
  let asking = false;
  let over = false;

  const take = (next: Snapshot): void => {
    const previous = current;
    current = next;
    listener(next, previous);
  };
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      const next = await api.snapshot({});
      if (!over) take(next);
    } finally {
      asking = false;
    }
  };
  const unsubscribe = api.subscribe((update) => {
    const next = current && applyUpdate(current, update);
    if (!next) void ask();
    else if (next !== current) take(next);
  });
  void ask();
  return () => {
    over = true;
    unsubscribe();
  };
}
