import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { SluiceError } from '../../../shared/errors.ts';
import { AnswerParser, type ParsedAnswer } from './answerParser.ts';
import { BodySink, type PumpedBody } from './bodySink.ts';
import { lookup } from './localhostLookup.ts';
import { markNeverLeft } from './meteredAs.ts';
import { createStallSweep, type StallSweep, type Watched } from './stallSweep.ts';
import type { SendTiming } from './store.ts';

export interface SocketPoolOptions {
  /** Connections at most; further requests wait, first come first served. */
  readonly maxSockets: number;
  readonly stallTimeoutMs: number;
  /** DNS, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** PEM; undefined: the authorities Node trusts. */
  readonly ca: readonly string[] | undefined;
  readonly verifyTls: boolean;
  /** TLS 1.2 unless given. */
  readonly minTls?: '1.2' | '1.3' | undefined;
}

export interface WireRequest {
  readonly tls: boolean;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly method: string;
  /** With its query, escaped: as it goes out. */
  readonly path: string;
  /** name, value, name, value…, complete and as they go out: Host is among them, and the body's length. */
  readonly headers: readonly string[];
  readonly body: Buffer | PumpedBody | null;
  /** A connection of its own, closed afterwards. */
  readonly fresh: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface WireAnswer extends Omit<ParsedAnswer, 'keepsAlive'> {
  readonly timing: SendTiming;
}

/**
 * Kept-alive HTTP/1.1 connections for the requests that carry files: one request at a time on each, written and read by ourselves, since node:http's objects cost more for a
 * small file than all else that is done for it (engine-facts). Bodies go to the socket unwrapped and uncopied; a refused upload stops being sent; a deadline on progress,
 * not on duration; answers are read whole. Rejects with Node's error, an AnswerError, an `AbortError`, or what the pump of the body threw.
 */
export interface SocketPool {
  send(request: WireRequest): Promise<WireAnswer>;
  close(): void;
}

/** S3 closes a connection idle for about 5 s: leave before it does, or the next request runs into the close. */
const idleMs = 4_000;
/** A dead peer is noticed by TCP keep-alive while we wait for a slow answer. */
const tcpKeepAliveMs = 15_000;
/** Up to here head and body leave as one piece: the copy is cheaper than a second buffer's way to the kernel. */
const copiedBytes = 16 * 1024;
/** One write of a whole MiB would block TLS and hide progress; 256 KiB was measured best. */
const sliceBytes = 256 * 1024;

export function createSocketPool(options: SocketPoolOptions): SocketPool {
  const sweep = createStallSweep(options);
  const idle = new Map<string, Connection[]>();
  const all = new Set<Connection>();
  const waiting: Exchange[] = [];
  let sessions = new Map<string, Buffer>();
  let idleTimer: NodeJS.Timeout | undefined;
  let closed = false;

  const open = (place: Place): Connection => {
    const connection = new Connection(place, dial(place), {
      onIdle: keep,
      onGone: (gone) => {
        all.delete(gone);
        const same = idle.get(gone.place.key);
        const at = same?.indexOf(gone) ?? -1;
        if (at >= 0) same?.splice(at, 1);
        const next = waiting.shift();
        if (next) give(next);
      },
    });
    all.add(connection);
    return connection;
  };

  const dial = ({ key, tls, hostname, port }: Place): Socket => {
    if (!tls) return connect({ host: hostname, port, lookup, noDelay: true });
    const known = sessions.get(key);
    const socket = connectTls({
      host: hostname,
      port,
      lookup,
      // the name is checked against the certificate all the same; an address may not be sent as one (RFC 6066)
      servername: isIP(hostname) ? '' : hostname,
      ALPNProtocols: ['http/1.1'],
      minVersion: options.minTls === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
      rejectUnauthorized: options.verifyTls,
      ...(options.ca && { ca: [...options.ca] }),
      ...(known && { session: known }),
    });
    socket.setNoDelay(true);
    socket.on('session', (session) => {
      if (sessions.size > 16) sessions = new Map();
      sessions.set(key, session);
    });
    return socket;
  };

  const keep = (connection: Connection): void => {
    if (closed || connection.isFresh) return connection.close();
    const next = waiting.findIndex(({ place, request }) => place.key === connection.place.key && !request.fresh);
    if (next >= 0) return connection.begin(waiting.splice(next, 1)[0]!);
    // Whoever waits can't use this one: its going makes room for a new one.
    if (waiting.length > 0) return connection.close();
    const same = idle.get(connection.place.key);
    if (same) same.push(connection);
    else idle.set(connection.place.key, [connection]);
    idleTimer ??= setTimeout(dropIdle, 1_000).unref();
  };

  const dropIdle = (): void => {
    idleTimer = undefined;
    const now = Date.now();
    let kept = 0;
    for (const connections of idle.values()) {
      // the longest idle come first, since the last to come is the first to go
      while (connections.length > 0 && connections[0]!.isStale(now)) connections.shift()?.close();
      kept += connections.length;
    }
    if (kept > 0) idleTimer = setTimeout(dropIdle, 1_000).unref();
  };

  const take = (key: string): Connection | undefined => {
    const now = Date.now();
    const same = idle.get(key);
    for (;;) {
      const connection = same?.pop();
      // After a sleep, or when the event loop was blocked, the timer comes too late: the server has long closed it.
      if (!connection?.isStale(now)) return connection;
      connection.close();
    }
  };

  const give = (exchange: Exchange): void => {
    const kept = exchange.request.fresh ? undefined : take(exchange.place.key);
    if (kept) return kept.begin(exchange);
    if (all.size >= options.maxSockets && !dropOneIdle()) return void waiting.push(exchange);
    const connection = open(exchange.place);
    connection.isFresh = exchange.request.fresh;
    connection.begin(exchange);
  };

  /** Room for another place's request. */
  const dropOneIdle = (): boolean => {
    for (const connections of idle.values()) {
      const one = connections.shift();
      if (!one) continue;
      all.delete(one);
      one.close();
      return true;
    }
    return false;
  };

  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (closed || request.signal?.aborted) {
          const error = aborted();
          markNeverLeft(error);
          return reject(error);
        }
        const exchange = new Exchange(request, sweep, options.stallTimeoutMs, resolve, reject, () => {
          const at = waiting.indexOf(exchange);
          if (at >= 0) waiting.splice(at, 1);
        });
        give(exchange);
      }),
    close() {
      closed = true;
      clearTimeout(idleTimer);
      for (const exchange of waiting.splice(0)) exchange.fail(aborted());
      for (const connection of [...all]) connection.close(aborted());
    },
  };
}

interface ConnectionHooks {
  readonly onIdle: (one: Connection) => void;
  /** Once. */
  readonly onGone: (one: Connection) => void;
}

interface Place {
  readonly key: string;
  readonly tls: boolean;
  readonly hostname: string;
  readonly port: number;
}

function placeOf({ tls, hostname, port = tls ? 443 : 80 }: WireRequest): Place {
  return { key: `${tls ? 's' : ''}:${hostname}:${port}`, tls, hostname, port };
}

/** One socket, and the request that it carries now. */
class Connection {
  readonly place: Place;
  isFresh = false;
  readonly #socket: Socket;
  readonly #hooks: ConnectionHooks;
  #exchange: Exchange | undefined;
  #ready = false;
  #gone = false;
  #freedAt = 0;
  #idleMs = idleMs;

  constructor(place: Place, socket: Socket, hooks: ConnectionHooks) {
    this.place = place;
    this.#socket = socket;
    this.#hooks = hooks;
    socket.once(place.tls ? 'secureConnect' : 'connect', () => {
      this.#ready = true;
      socket.setKeepAlive(true, tcpKeepAliveMs);
      this.#exchange?.connected();
    });
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('end', () => this.#ended());
    // stays attached: a socket that dies while it is idle must not throw
    socket.on('error', (error) => this.close(error));
    socket.on('close', () => this.close(hangUp()));
  }

  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.start(this.#socket, this.#ready, (error) => this.close(error));
  }

  isStale(nowMs: number): boolean {
    return nowMs - this.#freedAt > this.#idleMs || this.#socket.destroyed;
  }

  close(reason?: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (!this.#gone) {
      this.#gone = true;
      this.#socket.destroy();
      this.#hooks.onGone(this);
    }
    exchange?.fail(reason ?? hangUp());
  }

  #receive(bytes: Buffer): void {
    const exchange = this.#exchange;
    // nothing was asked: whatever this is, it must not pass for the next request's answer
    if (!exchange) return this.close();
    try {
      this.#took(exchange, exchange.parser.push(bytes));
    } catch (error) {
      this.close(error as Error);
    }
  }

  #ended(): void {
    const exchange = this.#exchange;
    if (!exchange) return this.close();
    try {
      const answer = exchange.parser.end();
      if (answer === null) return this.close(hangUp());
      this.#took(exchange, answer);
    } catch (error) {
      this.close(error as Error);
    }
  }

  #took(exchange: Exchange, answer: ParsedAnswer | null): void {
    if (answer === null) return exchange.answering();
    this.#exchange = undefined;
    const hint = /\btimeout=(\d+)/.exec(answer.headers['keep-alive'] ?? '')?.[1];
    if (hint !== undefined) this.#idleMs = Math.min(idleMs, Math.max(0, Number(hint) * 1000 - 1_000));
    // a body that isn't all out belongs to a request that was refused: the rest would only cost time
    if (exchange.answered(answer) && answer.keepsAlive && this.#idleMs > 0) {
      this.#freedAt = Date.now();
      this.#hooks.onIdle(this);
    } else this.close();
  }
}

/** One request and what becomes of it. */
class Exchange {
  readonly request: WireRequest;
  readonly place: Place;
  /** Made, and refused, before a connection is taken for it. */
  readonly #head: string;
  readonly parser: AnswerParser;
  readonly #sweep: StallSweep;
  readonly #resolve: (answer: WireAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #onSettled: () => void;
  readonly #watched: Watched;
  readonly #onAbort: (() => void) | undefined;
  #breakOff: ((error: Error) => void) | undefined;
  #sink: BodySink | undefined;
  #isPumped = false;
  #settled = false;
  #socketAt = 0;
  #readyAt = 0;
  #sentAt = 0;
  #answerAt = 0;

  constructor(
    request: WireRequest,
    sweep: StallSweep,
    stallTimeoutMs: number,
    resolve: (answer: WireAnswer) => void,
    reject: (error: Error) => void,
    onSettled: () => void,
  ) {
    this.request = request;
    // Before it waits for a connection: what throws there would hit whoever frees one.
    this.place = placeOf(request);
    this.#head = headOf(request);
    this.parser = new AnswerParser(request.method);
    this.#sweep = sweep;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onSettled = onSettled;
    this.#watched = {
      socket: null,
      stallTimeoutMs,
      socketAtMs: 0,
      sentBefore: 0,
      connected: false,
      moved: -1,
      idleMs: 0,
      onTimeout: (error) => this.#stop(error),
    };
    if (request.signal) {
      this.#onAbort = () => this.#stop(aborted());
      request.signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  start(socket: Socket, isReady: boolean, breakOff: (error: Error) => void): void {
    this.#breakOff = breakOff;
    this.#socketAt = performance.now();
    this.#watched.socket = socket;
    this.#watched.socketAtMs = this.#socketAt;
    this.#watched.sentBefore = socket.bytesWritten;
    this.#sweep.watch(this.#watched);
    if (isReady) {
      this.#readyAt = this.#socketAt;
      this.#watched.connected = true;
    }
    const { body } = this.request;
    if (body === null || Buffer.isBuffer(body)) return this.#sendBytes(socket, body ?? nothing);
    socket.write(this.#head, 'latin1');
    this.#pump(socket, body);
  }

  connected(): void {
    this.#readyAt = performance.now();
    this.#watched.connected = true;
    this.#watched.idleMs = 0;
  }

  answering(): void {
    if (this.#answerAt === 0) this.#answerAt = performance.now();
  }

  /** Whether all of the request has left, so that the connection may carry another. */
  answered({ status, reason, headers, body }: ParsedAnswer): boolean {
    this.answering();
    const isSent = this.#sentAt > 0;
    if (status < 300 && this.#sink && !this.#isPumped) {
      this.fail(tooEarly());
      return false;
    }
    if (!this.#settle()) return false;
    if (!isSent) this.#sink?.destroy();
    const bodyEnd = isSent && this.#sentAt <= this.#answerAt ? this.#sentAt : this.#answerAt;
    const timing = {
      connectMs: this.#readyAt - this.#socketAt,
      bodyMs: Math.max(0, bodyEnd - this.#readyAt),
      answerMs: this.#answerAt - bodyEnd,
    };
    this.#resolve({ status, reason, headers, body, timing });
    return isSent;
  }

  fail(error: Error): void {
    if (!this.#settle()) return;
    if (!this.#watched.connected) markNeverLeft(error);
    // whoever pumps may be in the middle of reading a file for it
    this.#sink?.destroy();
    this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#sweep.unwatch(this.#watched);
    if (this.#onAbort) this.request.signal?.removeEventListener('abort', this.#onAbort);
    this.#onSettled();
    return true;
  }

  /** The connection goes with it: what it carries is half a request. */
  #stop(error: Error): void {
    this.fail(error);
    this.#breakOff?.(error);
  }

  #sendBytes(socket: Socket, body: Buffer): void {
    const head = this.#head;
    if (body.length === 0) socket.write(head, 'latin1', this.#onSent);
    else if (body.length <= copiedBytes) {
      const whole = Buffer.allocUnsafe(head.length + body.length);
      whole.write(head, 'latin1');
      body.copy(whole, head.length);
      socket.write(whole, this.#onSent);
    } else {
      socket.cork();
      socket.write(head, 'latin1');
      let at = 0;
      for (; body.length - at > sliceBytes; at += sliceBytes) socket.write(body.subarray(at, at + sliceBytes));
      socket.write(body.subarray(at), this.#onSent);
      socket.uncork();
    }
  }

  readonly #onSent = (): void => {
    this.#sentAt = performance.now();
  };

  #pump(socket: Socket, body: PumpedBody): void {
    const sink = new BodySink(socket, body);
    this.#sink = sink;
    body
      .pump(sink)
      .then(() => {
        if (this.#settled) return;
        sink.finishBody(this.#onSent);
        this.#isPumped = true;
      })
      .catch((error: unknown) => {
        // a body's own error is the better word, but a broken connection's is about to be said by the socket itself
        if (error instanceof SluiceError || !socket.destroyed)
          this.#stop(error instanceof Error ? error : new Error(String(error)));
      });
  }
}

const nothing = Buffer.alloc(0);

function headOf({ method, path, headers, fresh }: WireRequest): string {
  let head = `${method} ${path} HTTP/1.1\r\n`;
  let isPlain = !forbidden.test(path);
  for (let i = 0; i < headers.length; i += 2) {
    head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    isPlain &&= !forbidden.test(headers[i + 1]!);
  }
  // whatever a key or a setting holds, it can't begin another line, or another request
  if (!isPlain) {
    const error = new SluiceError('internal', 'A header of the request has a forbidden character');
    markNeverLeft(error);
    throw error;
  }
  return `${head}connection: ${fresh ? 'close' : 'keep-alive'}\r\n\r\n`;
}

/** All but what RFC 9110 lets stand in a value. */
const forbidden = /[^\t\x20-\x7e\x80-\xff]/;

const aborted = (): Error => Object.assign(new Error('Request aborted'), { name: 'AbortError' });
const hangUp = (): Error => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const tooEarly = (): Error =>
  new SluiceError('store-server-error', 'The store took the body for complete before all of it was sent');
