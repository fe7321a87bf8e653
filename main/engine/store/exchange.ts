import type { Socket } from 'node:net';
import { SluiceError } from '../../../shared/errors.ts';
import { AnswerParser, type ParsedAnswer } from './answerParser.ts';
import { BodySink, type PumpedBody } from './bodySink.ts';
import { markNeverLeft } from './meteredAs.ts';
import type { StallSweep, Watched } from './stallSweep.ts';
import type { SendTiming } from './store.ts';

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

/** Connections to one place are alike. */
export interface Place {
  readonly key: string;
  readonly tls: boolean;
  readonly hostname: string;
  readonly port: number;
}

function placeOf({ tls, hostname, port = tls ? 443 : 80 }: WireRequest): Place {
  return { key: `${tls ? 's' : ''}:${hostname}:${port}`, tls, hostname, port };
}

/** One request and what becomes of it. */
export class Exchange {
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

const tooEarly = (): Error =>
  new SluiceError('store-server-error', 'The store took the body for complete before all of it was sent');

export const aborted = (): Error => Object.assign(new Error('Request aborted'), { name: 'AbortError' });

/** Up to here head and body leave as one piece: the copy is cheaper than a second buffer's way to the kernel. */
const copiedBytes = 16 * 1024;
/** One write of a whole MiB would block TLS and hide progress; 256 KiB was measured best. */
const sliceBytes = 256 * 1024;
