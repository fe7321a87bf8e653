/**
 * A link and a store in simulated time (steps of `stepMs`): capacity shared by the connections, round trip and queue, slow start, a cap per connection (its window), a
 * socket buffer that hides what really arrived, answers after the store's own time, a limit of requests, and stalls. Seeded.
 */
export interface LinkOptions {
  readonly seed: number;
  readonly bytesPerSecond: number;
  readonly roundTripMs: number;
  /** Of one connection; default: no cap. */
  readonly connectionBytesPerSecond?: number;
  /** The store's own time for an answer, ms. */
  readonly answerMs?: number;
  /** Requests per second the store works off (its CPU); default: no limit. */
  readonly requestsPerSecond?: number;
  /** Bytes a connection takes before they are on the wire. */
  readonly sendBufferBytes?: number;
  /** Share of requests whose connection stands still from some byte on. */
  readonly stallShare?: number;
  readonly stepMs?: number;
  /** How many connections it takes to use the capacity, as on a loopback where it is CPU: n / (n + this). */
  readonly halfUse?: number;
}

export interface SimulatedRequest {
  readonly sizeBytes: number;
  readonly startedAtMs: number;
  /** As the sender sees it: in the socket's buffer. */
  sentBytes: number;
  /** As the store sees it. */
  arrivedBytes: number;
  bodyDoneAtMs: number | null;
  answerAtMs: number | null;
  done: boolean;
  cancelled: boolean;
  stallsAtByte: number | null;
  readonly connection: SimulatedConnection;
}
interface SimulatedConnection {
  windowBytes: number;
  readyAtMs: number;
}

export class SimulatedLink {
  nowMs = 0;
  bytesPerSecond: number;
  arrivedBytes = 0;
  readonly inFlight = new Set<SimulatedRequest>();
  readonly #options: LinkOptions;
  readonly #idle: SimulatedConnection[] = [];
  readonly #random: () => number;
  #queueBytes = 0;
  #storeFreeAtMs = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.bytesPerSecond = options.bytesPerSecond;
    this.#random = seeded(options.seed);
  }

  start(sizeBytes: number, fresh = false): SimulatedRequest {
    const { roundTripMs, stallShare = 0 } = this.#options;
    const kept = fresh ? undefined : this.#idle.pop();
    const connection = kept ?? { windowBytes: 14_600, readyAtMs: this.nowMs + roundTripMs };
    const request: SimulatedRequest = {
      sizeBytes,
      startedAtMs: this.nowMs,
      sentBytes: 0,
      arrivedBytes: 0,
      bodyDoneAtMs: null,
      answerAtMs: null,
      done: false,
      cancelled: false,
      stallsAtByte: this.#random() < stallShare ? this.#random() * sizeBytes : null,
      connection,
    };
    this.inFlight.add(request);
    return request;
  }

  cancel(request: SimulatedRequest): void {
    request.cancelled = true;
    this.inFlight.delete(request);
  }

  /** One step of time; returns what was answered in it. */
  step(): SimulatedRequest[] {
    const { roundTripMs, stepMs = 5, connectionBytesPerSecond, sendBufferBytes = 256 * 1024, halfUse } = this.#options;
    this.nowMs += stepMs;
    const busy = [...this.inFlight];
    const use = halfUse === undefined ? 1 : busy.length / (busy.length + halfUse);
    const room = (this.bytesPerSecond * use * stepMs * (0.97 + this.#random() * 0.06)) / 1000;
    const rttMs = roundTripMs + (this.#queueBytes / this.bytesPerSecond) * 1000;
    const wants = busy.map((request) => {
      if (request.bodyDoneAtMs !== null || request.connection.readyAtMs > this.nowMs) return 0;
      if (request.stallsAtByte !== null && request.arrivedBytes >= request.stallsAtByte) return 0;
      const byWindow = (request.connection.windowBytes * stepMs) / Math.max(rttMs, stepMs);
      const byCap = ((connectionBytesPerSecond ?? Number.POSITIVE_INFINITY) * stepMs) / 1000;
      return Math.min(request.sizeBytes - request.arrivedBytes, byWindow, byCap);
    });
    const wanted = wants.reduce((sum, want) => sum + want, 0);
    const share = wanted > room ? room / wanted : 1;
    // What the windows hold beyond what the link itself does stands in its queue, which takes as much again.
    const inPipe = busy.reduce(
      (sum, request, index) =>
        sum + (wants[index] ? Math.min(request.connection.windowBytes, request.sizeBytes - request.arrivedBytes) : 0),
      0,
    );
    const pipeBytes = Math.max(64 * 1024, (this.bytesPerSecond * Math.max(roundTripMs, 5)) / 1000);
    this.#queueBytes = Math.max(0, Math.min(pipeBytes, inPipe - pipeBytes));
    const full = this.#queueBytes >= pipeBytes;
    for (const [index, request] of busy.entries()) {
      const { connection } = request;
      const got = (wants[index] ?? 0) * share;
      request.arrivedBytes += got;
      this.arrivedBytes += got;
      // Slow start, then halved by a loss now and then when the queue is full.
      // A window that isn't what holds the connection up doesn't grow.
      const windowed = got >= 0.99 * ((connection.windowBytes * stepMs) / Math.max(rttMs, stepMs)) * share;
      if (got > 0 && !full && windowed) connection.windowBytes += got;
      if (full && got > 0 && this.#random() < (0.3 * stepMs) / Math.max(rttMs, stepMs))
        connection.windowBytes = Math.max(14_600, connection.windowBytes / 2);
      if (connection.readyAtMs <= this.nowMs)
        request.sentBytes = Math.min(
          request.sizeBytes,
          Math.max(request.sentBytes, request.arrivedBytes + sendBufferBytes),
        );
      if (request.bodyDoneAtMs === null && request.arrivedBytes >= request.sizeBytes - 1e-6)
        this.#bodyDone(request, rttMs);
    }
    const answered = busy.filter((request) => request.answerAtMs !== null && request.answerAtMs <= this.nowMs);
    for (const request of answered) {
      request.done = true;
      this.inFlight.delete(request);
      this.#idle.push(request.connection);
    }
    return answered;
  }

  #bodyDone(request: SimulatedRequest, rttMs: number): void {
    const { answerMs = 5, requestsPerSecond } = this.#options;
    request.bodyDoneAtMs = this.nowMs;
    let ready = this.nowMs + answerMs * (0.7 + 0.6 * this.#random());
    if (requestsPerSecond !== undefined) {
      this.#storeFreeAtMs =
        Math.max(this.#storeFreeAtMs, this.nowMs) + (1000 / requestsPerSecond) * (0.8 + 0.4 * this.#random());
      ready = Math.max(ready, this.#storeFreeAtMs);
    }
    request.answerAtMs = ready + rttMs;
  }
}

/** mulberry32 */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
