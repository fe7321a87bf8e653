import type { MeteredRequest } from '../store/meteredAs.ts';
import type { MeteredCount, StoreKey } from './sendProtocol.ts';

/** Requests added up by kind, so that ten thousand of them are one message and one row. */
export interface MeterTally {
  add(store: StoreKey, request: MeteredRequest): void;
  merge(counts: readonly MeteredCount[]): void;
  /** What came together since the last time. */
  take(): readonly MeteredCount[];
  isEmpty(): boolean;
}

export function createMeterTally(): MeterTally {
  const counts = new Map<string, { -readonly [K in keyof MeteredCount]: MeteredCount[K] }>();
  const put = (one: MeteredCount): void => {
    const key = `${one.outcome} ${one.operation} ${one.folderId} ${one.store}`;
    const known = counts.get(key);
    if (!known) return void counts.set(key, { ...one });
    known.count += one.count;
    known.bytes += one.bytes;
  };
  return {
    add: (store, { folderId, operation, status, bodyBytes }) => {
      const outcome = outcomeOf(status);
      const bytes = outcome === 'taken' || outcome === 'unanswered' ? bodyBytes : 0;
      put({ store, folderId, operation, outcome, count: 1, bytes });
    },
    merge: (more) => {
      for (const one of more) put(one);
    },
    take: () => {
      const taken = [...counts.values()];
      counts.clear();
      return taken;
    },
    isEmpty: () => counts.size === 0,
  };
}

/** S3 charges what it answers with 2xx, 3xx and 4xx, and nothing for a 5xx of its own. */
function outcomeOf(status: number | null): MeteredCount['outcome'] {
  if (status === null) return 'unanswered';
  if (status >= 500) return 'refused';
  return status < 300 ? 'taken' : 'answered';
}
