import type { Ledger } from './ledger/ledger.ts';
import type { Clock } from './ports.ts';
import type { SweepResult } from './transfer/sweepUploads.ts';

/** Sweeps strays now and then, and soon after something may have left one, so that what was given up isn't paid for until tomorrow. */
export interface Sweeper {
  /** Until then soon() does nothing: a single pass sweeps by itself. */
  start(): void;
  soon(): void;
  stop(): void;
}

const soonMs = 2_000;
const retryMs = 60_000;
const everyMs = 24 * 3_600_000;

export function createSweeper(options: {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly sweep: () => Promise<SweepResult>;
  readonly onFatal: (error: unknown) => void;
}): Sweeper {
  const { ledger, clock, sweep, onFatal } = options;
  /** `set`: under way, or its time is fixed. */
  let state: 'off' | 'set' | 'may-come-sooner' = 'off';
  let cancelTimer: () => void = () => undefined;

  const run = async (): Promise<void> => {
    state = 'set';
    const { left } = await sweep();
    if (stopped) return;
    cancelTimer = clock.after(left > 0 ? retryMs : everyMs, start);
    // A store that can't be asked isn't asked more often for it.
    if (left > 0) return;
    state = 'may-come-sooner';
    if (ledger.uploads('aborting').length > 0) soon();
  };
  let stopped = false;

  const start = (): void => {
    run().catch((error: unknown) => {
      if (!stopped) onFatal(error);
    });
  };
  const soon = (): void => {
    if (state !== 'may-come-sooner' || stopped) return;
    state = 'set';
    cancelTimer();
    cancelTimer = clock.after(soonMs, start);
  };

  return {
    start,
    soon,
    stop: () => {
      stopped = true;
      cancelTimer();
    },
  };
}
