import { availableParallelism } from 'node:os';

/** What the engine takes from the world; handed in, so that the control plane can run in a simulation. */
export interface Clock {
  /** ms since the epoch */
  now(): number;
  /** Runs `task` once after `ms`; the returned function cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** 0 ≤ value < 1 */
export type Random = () => number;

/** Processor time that this process has used so far, ms, divided by the machine's cores: grows by one a ms while all are busy with it. */
export type BusyMs = () => number;

export const systemBusyMs: BusyMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 / cores;
};

const cores = availableParallelism();

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, task) => {
    const dueAt = Date.now() + ms;
    let timer: NodeJS.Timeout;
    // A longer one than the system takes would go off at once.
    const arm = (leftMs: number): void => {
      timer = setTimeout(
        () => (leftMs > longestTimerMs ? arm(dueAt - Date.now()) : task()),
        Math.min(leftMs, longestTimerMs),
      );
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

const longestTimerMs = 2 ** 31 - 1;
