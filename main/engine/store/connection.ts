import type { Socket } from 'node:net';
import type { ParsedAnswer } from './answerParser.ts';
import type { Exchange, Place } from './exchange.ts';

/** One socket, and the request that it carries now. */
export class Connection {
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

interface ConnectionHooks {
  readonly onIdle: (one: Connection) => void;
  /** Once. */
  readonly onGone: (one: Connection) => void;
}

/** S3 closes a connection idle for about 5 s: leave before it does, or the next request runs into the close. */
const idleMs = 4_000;
/** A dead peer is noticed by TCP keep-alive while we wait for a slow answer. */
const tcpKeepAliveMs = 15_000;

const hangUp = (): Error => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
