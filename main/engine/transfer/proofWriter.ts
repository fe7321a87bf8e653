import type { FileId } from '../../../shared/ids.ts';
import type { Ledger, NewActivity, Proof } from '../ledger/ledger.ts';
import type { Clock } from '../ports.ts';

export interface ProvenFile {
  readonly fileId: FileId;
  readonly proof: Proof;
  /** null: nothing was sent (unchanged). */
  readonly activity: NewActivity | null;
  /** Called once the ledger has it. */
  readonly written: () => void;
}

/** Small files finish by the thousand a second: their proofs are committed together, at most 10 ms or 128 files late. */
export interface ProofWriter {
  add(proven: ProvenFile): void;
  flush(): void;
}

/** A commit of a hundred blocks the thread for 3 ms, one of 256 for 7. */
const flushAfterMs = 10;
const flushAtFiles = 128;

export function createProofWriter(ledger: Ledger, clock: Clock, onFatal: (error: unknown) => void): ProofWriter {
  let waiting: ProvenFile[] = [];
  let cancelTimer: (() => void) | undefined;

  const flush = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    try {
      ledger.recordProofs(batch.map(({ fileId, proof }) => ({ fileId, proof })));
      ledger.recordActivity(batch.flatMap(({ activity }) => (activity ? [activity] : [])));
    } catch (error) {
      return onFatal(error);
    }
    for (const { written } of batch) written();
  };

  return {
    flush,
    add: (proven) => {
      waiting.push(proven);
      if (waiting.length >= flushAtFiles) flush();
      else cancelTimer ??= clock.after(flushAfterMs, flush);
    },
  };
}
