import type { Socket } from 'node:net';
import { Fifo } from './fifo.ts';

/** A connection pauses for `minMs` to `maxMs`, as after a lost segment, and its window halves. */
export interface Stalls {
  readonly perMiB?: number;
  readonly perSecond?: number;
  /** Default 200. */
  readonly minMs?: number;
  /** Default 1,000. */
  readonly maxMs?: number;
}

export interface LinkShape {
  readonly bytesPerMs: number;
  /** One way. */
  readonly delayMs: number;
  readonly queueMs: number;
  readonly initialWindowBytes: number;
  readonly maxWindowBytes: number;
  readonly stalls: Stalls | undefined;
}

export interface LaneOptions {
  /** `performance.now()` of the end of the handshake. */
  readonly opensAt: number;
  /** Reset after this many bytes. */
  readonly livesBytes: number;
  readonly onReset: () => void;
}

/** One connection's way through. */
export interface Lane {
  close(): void;
}

/**
 * One direction of the line: what sockets have to say waits at the sender (unread) until its window and the bottleneck's queue have room, passes the bottleneck at the line's
 * rate, travels for the delay, is written to the other end, and is acknowledged a delay later. One timer for everything.
 */
export class LinkDirection {
  delivered = 0;
  stalls = 0;
  queuedBytes = 0;
  #shape: LinkShape;
  readonly #random: () => number;
  readonly #onDelivered: ((bytes: number) => void) | undefined;
  /** Lanes with something to send, served in turns. */
  readonly #senders = new Set<SocketLane>();
  readonly #queue = new Fifo<Segment>();
  readonly #travelling = new Fifo<Segment>();
  readonly #acknowledging = new Fifo<Segment>();
  /** When the bottleneck has sent what it has taken. */
  #freeAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(shape: LinkShape, random: () => number, onDelivered?: (bytes: number) => void) {
    this.#shape = shape;
    this.#random = random;
    this.#onDelivered = onDelivered;
  }

  get shape(): LinkShape {
    return this.#shape;
  }

  set shape(shape: LinkShape) {
    this.#advance(performance.now());
    this.#shape = shape;
    this.#wake(0);
  }

  addLane(from: Socket, to: Socket, options: LaneOptions): Lane {
    const lane = new SocketLane(from, to, options, this.#shape.initialWindowBytes);
    from.on('data', (chunk) => {
      lane.pending.push(chunk as Buffer);
      lane.pendingBytes += chunk.length;
      if (lane.pendingBytes >= mostUnsent) from.pause();
      this.#offer(lane);
    });
    from.on('end', () => {
      lane.ended = true;
      this.#offer(lane);
    });
    return {
      close: () => {
        lane.closed = true;
        lane.pending.clear();
        lane.pendingBytes = 0;
        this.#senders.delete(lane);
      },
    };
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #offer(lane: SocketLane): void {
    this.#senders.add(lane);
    this.#wake(0);
  }

  #wake(inMs: number): void {
    if (this.#closed) return;
    // A timer can't be finer than this; late by one tick is the price.
    const at = performance.now() + Math.max(1, inMs);
    if (this.#timer !== null && this.#timerAt <= at + 0.5) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#tick();
      },
      Math.max(1, Math.floor(inMs)),
    );
  }

  #tick(): void {
    const now = performance.now();
    this.#advance(now);
    let next = Number.POSITIVE_INFINITY;
    if (this.#queue.length > 0) next = this.#freeAt + this.#queue.first!.bytes / this.#shape.bytesPerMs;
    next = Math.min(next, this.#travelling.first?.at ?? next, this.#acknowledging.first?.at ?? next);
    // Those that wait for a window are woken by its acknowledgement; those that wait for time, here.
    for (const lane of this.#senders) next = Math.min(next, lane.waitsUntil > now ? lane.waitsUntil : now + 2);
    if (next < Number.POSITIVE_INFINITY) this.#wake(next - now);
  }

  #advance(now: number): void {
    for (let ack = this.#acknowledging.first; ack !== undefined && ack.at <= now; ack = this.#acknowledging.first) {
      this.#acknowledging.shift();
      ack.lane.acknowledge(ack.bytes, this.#shape.maxWindowBytes);
      if (ack.lane.hasMore) this.#senders.add(ack.lane);
    }
    this.#admit(now);
    this.#send(now);
    for (let next = this.#travelling.first; next !== undefined && next.at <= now; next = this.#travelling.first) {
      this.#travelling.shift();
      this.#deliver(next);
    }
  }

  /** From the senders into the queue, in turns, while there is room. */
  #admit(now: number): void {
    const { bytesPerMs, queueMs } = this.#shape;
    const turn = Math.min(largestTurn, Math.max(smallestTurn, Math.floor(bytesPerMs * 2)));
    const room = Math.max(2 * turn, Math.min(bytesPerMs * queueMs, unlimitedQueue));
    let moved = true;
    while (moved && this.queuedBytes < room) {
      moved = false;
      for (const lane of this.#senders) {
        if (this.queuedBytes >= room) break;
        const segment = lane.take(turn, now);
        if (segment === 'waits') continue;
        // Behind the others for its next turn; or out until an acknowledgement or new bytes bring it back.
        this.#senders.delete(lane);
        if (segment === null) continue;
        if (lane.hasMore) this.#senders.add(lane);
        if (this.#queue.length === 0) this.#freeAt = Math.max(this.#freeAt, now);
        this.#queue.push(segment);
        this.queuedBytes += segment.bytes;
        this.#perhapsStall(lane, segment.bytes, now);
        moved = true;
        if (this.#senders.size === 0) break;
      }
    }
  }

  #perhapsStall(lane: SocketLane, bytes: number, now: number): void {
    const { stalls } = this.#shape;
    if (stalls === undefined) return;
    const seconds = Math.min(1, (now - lane.lastSentAt) / 1000);
    lane.lastSentAt = now;
    const probability = (stalls.perMiB ?? 0) * (bytes / 1_048_576) + (stalls.perSecond ?? 0) * seconds;
    if (this.#random() >= probability) return;
    this.stalls++;
    const { minMs = 200, maxMs = 1000 } = stalls;
    lane.waitsUntil = now + minMs + this.#random() * (maxMs - minMs);
    lane.window = Math.max(this.#shape.initialWindowBytes, lane.window / 2);
  }

  #send(now: number): void {
    const { bytesPerMs, delayMs } = this.#shape;
    for (let next = this.#queue.first; next !== undefined; next = this.#queue.first) {
      const sentAt = this.#freeAt + next.bytes / bytesPerMs;
      if (sentAt > now) return;
      this.#queue.shift();
      this.queuedBytes -= next.bytes;
      this.#freeAt = sentAt;
      next.at = sentAt + delayMs;
      this.#travelling.push(next);
    }
  }

  #deliver(segment: Segment): void {
    const { lane, chunk } = segment;
    if (lane.closed) return;
    if (chunk === 'end') {
      lane.to.end();
      return;
    }
    if (chunk === 'reset') {
      lane.options.onReset();
      return;
    }
    this.delivered += chunk.length;
    this.#onDelivered?.(chunk.length);
    lane.to.write(chunk);
    segment.at += this.#shape.delayMs;
    this.#acknowledging.push(segment);
  }
}

interface Segment {
  readonly lane: SocketLane;
  readonly chunk: Buffer | 'end' | 'reset';
  readonly bytes: number;
  /** When its next stage is over, `performance.now()`. */
  at: number;
}

class SocketLane {
  readonly from: Socket;
  readonly to: Socket;
  readonly options: LaneOptions;
  readonly pending = new Fifo<Buffer>();
  pendingBytes = 0;
  ended = false;
  closed = false;
  window: number;
  waitsUntil: number;
  lastSentAt: number;
  #inFlight = 0;
  #sent = 0;
  #over = false;

  constructor(from: Socket, to: Socket, options: LaneOptions, window: number) {
    this.from = from;
    this.to = to;
    this.options = options;
    this.window = window;
    this.waitsUntil = options.opensAt;
    this.lastSentAt = options.opensAt;
  }

  get hasMore(): boolean {
    return !this.closed && !this.#over && (this.pendingBytes > 0 || this.ended);
  }

  /** The next segment, at most `most` bytes; `waits`: for time to pass; null: for a window, or for more to say. */
  take(most: number, now: number): Segment | 'waits' | null {
    if (!this.hasMore) return null;
    if (now < this.waitsUntil) return 'waits';
    if (this.pendingBytes === 0) {
      this.#over = true;
      return { lane: this, chunk: 'end', bytes: 0, at: 0 };
    }
    if (this.#sent >= this.options.livesBytes) {
      this.#over = true;
      return { lane: this, chunk: 'reset', bytes: 0, at: 0 };
    }
    // What the other end hasn't read is in flight too, as with a closed receive window.
    const room = this.window - this.#inFlight;
    if (room <= 0) return null;
    if (this.to.writableLength > mostUnread) return 'waits';
    const first = this.pending.first!;
    const bytes = Math.min(first.length, Math.max(room, 1460), most, this.options.livesBytes - this.#sent);
    if (bytes === first.length) this.pending.shift();
    else this.pending.first = first.subarray(bytes);
    this.pendingBytes -= bytes;
    if (this.pendingBytes < mostUnsent && this.from.isPaused()) this.from.resume();
    this.#inFlight += bytes;
    this.#sent += bytes;
    return { lane: this, chunk: first.subarray(0, bytes), bytes, at: 0 };
  }

  acknowledge(bytes: number, maxWindow: number): void {
    this.#inFlight -= bytes;
    this.window = Math.min(maxWindow, this.window + bytes);
  }
}

/** Read from a socket but not yet on the line: little, so that the sender feels the line at once. */
const mostUnsent = 64 * 1024;
const mostUnread = 4 * 1024 * 1024;
const smallestTurn = 2920;
const largestTurn = 64 * 1024;
const unlimitedQueue = 64 * 1024 * 1024;
