import type { Socket } from 'node:net';

/** One request under watch. */
export interface Watched {
  /** null while it waits for one. */
  socket: Socket | null;
  readonly stallTimeoutMs: number;
  /** performance.now() when it got its socket, and what that had sent by then; 0 while it waits for one. */
  socketAtMs: number;
  sentBefore: number;
  /** Whether DNS, TCP and TLS are done. */
  connected: boolean;
  /** Bytes moved at the last look, -1 before the first. */
  moved: number;
  idleMs: number;
  onTimeout: (error: Error) => void;
}

export interface StallSweep {
  watch(request: Watched): void;
  unwatch(request: Watched): void;
}

/** Send buffers, and those of a proxy or tunnel on this machine, swallow this much; what becomes of it is invisible from here. */
const hiddenBytes = 16 * 1024 * 1024;
/** Assumed until a pace is known: 64 KB/s. */
const slowestBytesPerMs = 64;

/**
 * Fails a request that can't connect, or on whose socket no byte moves either way for `stallTimeoutMs`: one look over all open requests a second, instead of timers and
 * listeners for each. What may sit in buffers gets the time it needs at the pace seen so far (at most 3 × stallTimeoutMs more): a slow link that moves is never cut. Time
 * in which this thread itself slept or was blocked counts as one look at most.
 */
export function createStallSweep(options: { connectTimeoutMs: number; stallTimeoutMs: number }): StallSweep {
  const everyMs = Math.min(1_000, Math.max(20, Math.min(options.stallTimeoutMs, options.connectTimeoutMs) / 8));
  const open = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  let lastAt = 0;

  const look = () => {
    const now = performance.now();
    const passedMs = Math.min(now - lastAt, 2 * everyMs);
    lastAt = now;
    for (const request of open) {
      const { socket } = request;
      // one that waits for a free connection has those before it to be watched
      if (request.socketAtMs === 0 || !socket) continue;
      request.idleMs += passedMs;
      if (!request.connected) {
        if (request.idleMs >= options.connectTimeoutMs) request.onTimeout(connectTimeout(options.connectTimeoutMs));
        continue;
      }
      const moved = movedBytes(socket);
      if (moved !== request.moved) {
        request.moved = moved;
        request.idleMs = 0;
        continue;
      }
      if (request.idleMs < request.stallTimeoutMs) continue;
      const sent = socket.bytesWritten - request.sentBefore;
      const extraMs = extraPatience(sent, now - request.socketAtMs, request.stallTimeoutMs);
      if (request.idleMs >= request.stallTimeoutMs + extraMs) request.onTimeout(stalled(request.stallTimeoutMs));
    }
    timer = open.size === 0 ? undefined : setTimeout(look, everyMs);
    timer?.unref();
  };

  return {
    watch(request) {
      open.add(request);
      if (timer !== undefined) return;
      lastAt = performance.now();
      timer = setTimeout(look, everyMs);
      timer.unref();
    },
    unwatch(request) {
      open.delete(request);
      // An outgrown table of the set may keep it for long: not all that its request needed.
      request.socket = null;
      request.onTimeout = nothing;
    },
  };
}

/** ms on top of the stall timeout, for what may still be on its way through buffers. */
export function extraPatience(sentBytes: number, elapsedMs: number, stallTimeoutMs: number): number {
  const hidden = Math.min(sentBytes, hiddenBytes);
  // the first buffer's worth leaves at memory speed and says nothing about the link
  const beyond = sentBytes - hidden;
  if (beyond === 0) return Math.min(hidden / slowestBytesPerMs, stallTimeoutMs);
  return Math.min(hidden / (beyond / Math.max(1, elapsedMs)), 3 * stallTimeoutMs);
}

/** `bytesWritten` counts a write when it is handed over; what the kernel hasn't taken of it yet is only in the handle (Node's own socket timer looks there too). */
function movedBytes(socket: Socket): number {
  const { writeQueueSize } = (socket as unknown as { _handle?: { writeQueueSize?: unknown } | null })._handle ?? {};
  return socket.bytesWritten + socket.bytesRead - (typeof writeQueueSize === 'number' ? writeQueueSize : 0);
}

const connectTimeout = (ms: number): Error =>
  Object.assign(new Error(`no connection within ${ms} ms`), { code: 'ETIMEDOUT', name: 'TimeoutError' });
const stalled = (ms: number): Error =>
  Object.assign(new Error(`no byte moved for ${ms} ms`), { code: 'STALLED', name: 'TimeoutError' });

const nothing = (): void => undefined;
