import { emptySnapshot } from '../../shared/emptySnapshot.ts';
import type { Sentence } from '../../shared/sentence.ts';
import { applyUpdate, type Snapshot, type Update } from '../../shared/syncApi.ts';

/**
 * The main process' copy of the engine's snapshot, with a numbering of its own: an engine that was restarted counts from the beginning, and a
 * window must not take that for old news. It outlives the engine, so that there is always something true to show.
 */
export interface EngineMirror {
  current(): Snapshot | null;
  /** A whole new snapshot; listeners see a gap and ask for it. */
  load(snapshot: Snapshot): void;
  /** false: a delta was missed, load a new snapshot. */
  apply(update: Update): boolean;
  /** The engine is down: nothing moves, and `sentence` says so until the next load. */
  halt(sentence: Sentence, empty: Snapshot['about']): void;
  subscribe(listener: (update: Update) => void): () => void;
}

export function createEngineMirror(now: () => number = Date.now): EngineMirror {
  const listeners = new Set<(update: Update) => void>();
  let seq = 0;
  let engineSeq = 0;
  let current: Snapshot | null = null;

  const publish = (update: Update): void => {
    for (const listener of listeners) listener(update);
  };
  return {
    current: () => current,
    load: (snapshot) => {
      engineSeq = snapshot.seq;
      // two steps: whoever has the old snapshot misses one number and asks for this one
      seq += 2;
      current = { ...snapshot, seq };
      publish({ seq, at: snapshot.at });
    },
    apply: (update) => {
      if (!current) return false;
      const next = applyUpdate({ ...current, seq: engineSeq }, update);
      if (!next) return false;
      if (next.seq === engineSeq) return true;
      engineSeq = next.seq;
      seq++;
      current = { ...next, seq };
      publish({ ...update, seq });
      return true;
    },
    halt: (sentence, about) => {
      seq++;
      const at = now();
      const idle = { filesInFlight: 0, connections: 0, bytesPerSecond: 0, etaMs: null };
      current = current
        ? { ...current, seq, at, sentence, transfers: [], totals: { ...current.totals, ...idle } }
        : emptySnapshot({ seq, at, sentence, about });
      publish({ seq, at, sentence, transfers: [], totals: current.totals });
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
