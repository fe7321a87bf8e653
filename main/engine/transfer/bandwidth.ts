import { setTimeout as sleep } from 'node:timers/promises';

/**
 * One bandwidth limit for all threads: a virtual clock in shared memory (the generic cell rate algorithm, ITU-T I.371). Whoever wants to send
 * moves the clock on by what its bytes take at the limit, and waits until its own time has come. hrtime is the same in all threads.
 */
export interface Bandwidth {
  /** Bytes per second; null: no limit. Takes effect at once, for those who wait already too. */
  setLimit(bytesPerSecond: number | null): void;
  isLimited(): boolean;
  /** Bytes to write at once, so that a slow limit stays smooth: a twentieth of a second's worth, 4 KiB…`most`. */
  chunkBytes(most: number): number;
  /** Resolves when `bytes` may be sent. Rejects when aborted; what was set aside for them is free again. */
  admit(bytes: number, signal: AbortSignal): Promise<void>;
}

const slots = { limit: 0, clockNs: 1, change: 2 } as const;
/** Whoever waits looks this often whether the limit changed. */
const lookEveryMs = 50;
/** How far the clock may lag behind: what an idle link may send at once. */
const burstNs = 50_000_000n;

export const newBandwidthMemory = (): SharedArrayBuffer => new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT);

export function bandwidthOver(memory: SharedArrayBuffer): Bandwidth {
  const cells = new BigInt64Array(memory);
  return {
    setLimit: (bytesPerSecond) => {
      Atomics.store(cells, slots.limit, BigInt(Math.round(bytesPerSecond ?? 0)));
      // What was set aside at the old limit counts no more: everybody asks anew.
      Atomics.store(cells, slots.clockNs, process.hrtime.bigint());
      Atomics.add(cells, slots.change, 1n);
    },
    isLimited: () => Atomics.load(cells, slots.limit) !== 0n,
    chunkBytes: (most) => {
      const limit = Number(Atomics.load(cells, slots.limit));
      return limit === 0 ? most : Math.max(4096, Math.min(most, Math.round(limit / 20)));
    },
    admit: async (bytes, signal) => {
      for (;;) {
        const change = Atomics.load(cells, slots.change);
        const limit = Atomics.load(cells, slots.limit);
        if (limit === 0n) return;
        const durationNs = (BigInt(bytes) * 1_000_000_000n) / limit;
        const startNs = reserve(cells, durationNs);
        const isUnchanged = (): boolean => Atomics.load(cells, slots.change) === change;
        try {
          if (await itsTime(startNs, isUnchanged, signal)) return;
        } catch (error) {
          if (isUnchanged()) Atomics.sub(cells, slots.clockNs, durationNs);
          throw error;
        }
      }
    },
  };
}

/** False: the limit changed meanwhile. */
async function itsTime(startNs: bigint, isUnchanged: () => boolean, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const waitMs = Number(startNs - process.hrtime.bigint()) / 1e6;
    if (waitMs <= 0) return true;
    await sleep(Math.min(waitMs, lookEveryMs), undefined, { signal });
    if (!isUnchanged()) return false;
  }
}

/** Moves the clock on by `durationNs` and returns when that time begins. */
function reserve(cells: BigInt64Array, durationNs: bigint): bigint {
  for (;;) {
    const clock = Atomics.load(cells, slots.clockNs);
    const earliest = process.hrtime.bigint() - burstNs;
    const start = clock > earliest ? clock : earliest;
    if (Atomics.compareExchange(cells, slots.clockNs, clock, start + durationNs) === clock) return start;
  }
}
