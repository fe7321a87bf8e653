import { SluiceError } from '../../../shared/errors.ts';
import { KiB } from '../../../shared/units.ts';
import { largestBufferBytes, type MemoryBudget } from './memoryBudget.ts';

/**
 * The buffers of one thread, which are its memory tickets: what can't be had within the thread's share of the budget is waited for, first come first served. Sizes are
 * powers of two, 4 KiB…1 MiB; a buffer may be longer than what was asked for.
 */
export interface BufferPool {
  /** null: none now. Never overtakes those who wait. */
  tryTake(bytes: number): Buffer | null;
  /** Rejects with the signal's reason. `bytes` ≤ 1 MiB. */
  take(bytes: number, signal: AbortSignal): Promise<Buffer>;
  /** Nobody reads or writes it any more. */
  give(buffer: Buffer): void;
  /** It may still be on its way into a socket: it is not used again. */
  lose(buffer: Buffer): void;
}

const smallestBytes = 4 * KiB;
/** Kept for the next body this long. */
const keepIdleMs = 2_000;

export function createBufferPool(budget: MemoryBudget, thread: number): BufferPool {
  const idle = new Map<number, Buffer[]>();
  const waiting = new Set<{ readonly bytes: number; readonly resolve: (buffer: Buffer) => void }>();
  let held = 0;
  let usedAt = 0;
  let isTrimming = false;

  const hold = (bytes: number) => {
    held += bytes;
    budget.hold(thread, bytes);
  };

  /** Makes room by forgetting idle buffers of other sizes, the largest first. */
  const dropIdle = (untilHeld: number) => {
    for (const size of [...idle.keys()].sort((a, b) => b - a)) {
      const buffers = idle.get(size) ?? [];
      while (held > untilHeld && buffers.length > 0) {
        buffers.pop();
        hold(-size);
      }
    }
  };

  const find = (size: number): Buffer | null => {
    const kept = idle.get(size)?.pop();
    if (kept) return kept;
    const share = budget.shareBytes();
    if (held + size > share) dropIdle(share - size);
    if (held + size > share) return null;
    hold(size);
    return Buffer.allocUnsafeSlow(size);
  };

  const serve = () => {
    for (const waiter of waiting) {
      const buffer = find(waiter.bytes);
      if (!buffer) return;
      waiting.delete(waiter);
      waiter.resolve(buffer);
    }
  };

  const trim = () => {
    isTrimming = false;
    if (performance.now() - usedAt < keepIdleMs) scheduleTrim();
    else dropIdle(0);
  };
  const scheduleTrim = () => {
    if (isTrimming) return;
    isTrimming = true;
    setTimeout(trim, keepIdleMs).unref();
  };

  const pool: BufferPool = {
    tryTake: (bytes) => (waiting.size > 0 ? null : find(sizeFor(bytes))),
    take: (bytes, signal) => {
      const now = pool.tryTake(bytes);
      if (now) return Promise.resolve(now);
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(waiter);
          reject(signal.reason as Error);
        };
        if (signal.aborted) return reject(signal.reason as Error);
        const waiter = {
          bytes: sizeFor(bytes),
          resolve: (buffer: Buffer) => {
            signal.removeEventListener('abort', leave);
            resolve(buffer);
          },
        };
        waiting.add(waiter);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
    give: (buffer) => {
      usedAt = performance.now();
      // Over the limit since it was lowered: gone.
      if (held > budget.shareBytes()) hold(-buffer.length);
      else {
        const same = idle.get(buffer.length);
        if (same) same.push(buffer);
        else idle.set(buffer.length, [buffer]);
      }
      if (waiting.size > 0) serve();
      scheduleTrim();
    },
    lose: (buffer) => {
      hold(-buffer.length);
      if (waiting.size > 0) serve();
    },
  };
  return pool;
}

function sizeFor(bytes: number): number {
  if (bytes > largestBufferBytes) throw new SluiceError('internal', `No buffer is as large as ${bytes} bytes`);
  let size = smallestBytes;
  while (size < bytes) size *= 2;
  return size;
}
