import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

export interface ProgressOptions {
  readonly tls: boolean;
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly onTimeout: (error: Error) => void;
}

/** Send buffers, and those of a proxy or tunnel on this machine, swallow this much; what becomes of it is invisible from here. */
const hiddenBytes = 16 * 1024 * 1024;
/** Assumed until a pace is known: 64 KB/s. */
const slowestBytesPerMs = 64;

/**
 * Fails a request that can't connect, or on whose socket no byte moves either way for `stallTimeoutMs`. Node's socket timer knows about
 * partial writes. What may sit in buffers gets the time it needs at the pace seen so far (at most 3 × stallTimeoutMs
 * more): a slow link that moves is never cut. Returns the function that ends the watch.
 */
export function watchProgress(req: ClientRequest, options: ProgressOptions): () => void {
  let stop = () => {};
  let stopped = false;
  req.once('socket', (socket) => {
    if (stopped) return;
    if (req.reusedSocket) {
      stop = watchSocket(socket, options);
      return;
    }
    const connected = options.tls ? 'secureConnect' : 'connect';
    const timer = setTimeout(
      () => options.onTimeout(connectTimeout(options.connectTimeoutMs)),
      options.connectTimeoutMs,
    );
    const onConnect = () => {
      clearTimeout(timer);
      stop = watchSocket(socket, options);
    };
    socket.once(connected, onConnect);
    stop = () => {
      clearTimeout(timer);
      socket.removeListener(connected, onConnect);
    };
  });
  return () => {
    stopped = true;
    stop();
  };
}

function watchSocket(socket: Socket, { stallTimeoutMs, onTimeout }: ProgressOptions): () => void {
  const startedAt = performance.now();
  const writtenBefore = socket.bytesWritten;
  let seen = -1;
  let idleMs = 0;
  let armedMs = stallTimeoutMs;
  const onIdle = () => {
    const moved = socket.bytesWritten + socket.bytesRead;
    idleMs = moved === seen ? idleMs + armedMs : armedMs;
    seen = moved;
    const extraMs = extraPatience(socket.bytesWritten - writtenBefore, performance.now() - startedAt, stallTimeoutMs);
    const leftMs = Math.ceil(stallTimeoutMs + extraMs - idleMs);
    if (leftMs < 1) return onTimeout(stalled(stallTimeoutMs));
    armedMs = leftMs;
    socket.setTimeout(leftMs);
  };
  socket.setTimeout(stallTimeoutMs);
  socket.on('timeout', onIdle);
  return () => void socket.removeListener('timeout', onIdle);
}

/** ms on top of the stall timeout, for what may still be on its way through buffers. */
export function extraPatience(sentBytes: number, elapsedMs: number, stallTimeoutMs: number): number {
  const hidden = Math.min(sentBytes, hiddenBytes);
  // the first buffer's worth leaves at memory speed and says nothing about the link
  const beyond = sentBytes - hidden;
  if (beyond === 0) return Math.min(hidden / slowestBytesPerMs, stallTimeoutMs);
  return Math.min(hidden / (beyond / Math.max(1, elapsedMs)), 3 * stallTimeoutMs);
}

const connectTimeout = (ms: number): Error =>
  Object.assign(new Error(`no connection within ${ms} ms`), { code: 'ETIMEDOUT', name: 'TimeoutError' });
const stalled = (ms: number): Error =>
  Object.assign(new Error(`no byte moved for ${ms} ms`), { code: 'STALLED', name: 'TimeoutError' });
