import { KiB, MiB } from '../../../shared/units.ts';

/**
 * How much the sending threads may hold in buffers together, in memory they share. Each thread has a fixed share of its own, so that none waits for another and none
 * can starve another; what is counted here is what they hold, used or kept for the next body.
 */
export interface MemoryBudget {
  /** Takes effect with the next buffer that is asked for. */
  setLimit(bytes: number): void;
  /** This thread's share, ≥ one largest buffer, whatever the limit says. */
  shareBytes(): number;
  /** `bytes` may be negative: given back. `thread` is 0…threads-1. */
  hold(thread: number, bytes: number): void;
  /** A thread died, and what it held with it. */
  forget(thread: number): void;
  heldBytes(): number;
  /** The most that was held at once, since the start. */
  mostHeldBytes(): number;
}

/** One thread can't do with less: a body moves with one buffer, and this is the largest there is. */
export const largestBufferBytes = 1 * MiB;

/** From `perThreadKiB` on, one for each thread. */
const cell = { limitKiB: 0, threads: 1, heldKiB: 2, mostKiB: 3, perThreadKiB: 4 } as const;

/** `threads` ≥ 1 share `limitBytes`. */
export function newBudgetMemory(limitBytes: number, threads: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((cell.perThreadKiB + threads) * Int32Array.BYTES_PER_ELEMENT);
  Atomics.store(new Int32Array(memory), cell.threads, threads);
  memoryBudgetOver(memory).setLimit(limitBytes);
  return memory;
}

export function memoryBudgetOver(memory: SharedArrayBuffer): MemoryBudget {
  const cells = new Int32Array(memory);
  const threads = Atomics.load(cells, cell.threads);
  return {
    setLimit: (bytes) => void Atomics.store(cells, cell.limitKiB, Math.floor(bytes / KiB)),
    shareBytes: () => Math.max(largestBufferBytes, Math.floor(Atomics.load(cells, cell.limitKiB) / threads) * KiB),
    hold: (thread, bytes) => {
      Atomics.add(cells, cell.perThreadKiB + thread, bytes / KiB);
      const held = Atomics.add(cells, cell.heldKiB, bytes / KiB) + bytes / KiB;
      for (let most = Atomics.load(cells, cell.mostKiB); held > most; )
        most = Atomics.compareExchange(cells, cell.mostKiB, most, held);
    },
    forget: (thread) => void Atomics.sub(cells, cell.heldKiB, Atomics.exchange(cells, cell.perThreadKiB + thread, 0)),
    heldBytes: () => Atomics.load(cells, cell.heldKiB) * KiB,
    mostHeldBytes: () => Atomics.load(cells, cell.mostKiB) * KiB,
  };
}
