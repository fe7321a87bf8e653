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

/** Small files finish by the thousand a second: their proofs are committed together, at most 25 ms or 256 files late. */
export interface ProofWriter {
  add(proven: ProvenFile): void;
  flush(): void;
}

const flushAfterMs = 25;
const flushAtFiles = 256;

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
