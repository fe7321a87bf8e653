import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Connection } from './connection.ts';
import { aborted, Exchange, type Place, type WireAnswer, type WireRequest } from './exchange.ts';
import { lookup } from './localhostLookup.ts';
import { markNeverLeft } from './meteredAs.ts';
import { createStallSweep } from './stallSweep.ts';

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

/**
 * Kept-alive HTTP/1.1 connections for the requests that carry files: one request at a time on each, written and read by ourselves, since node:http's objects cost more for a
 * small file than all else that is done for it (engine-facts). Bodies go to the socket unwrapped and uncopied; a refused upload stops being sent; a deadline on progress,
 * not on duration; answers are read whole. Rejects with Node's error, an AnswerError, an `AbortError`, or what the pump of the body threw.
 */
export interface SocketPool {
  send(request: WireRequest): Promise<WireAnswer>;
  close(): void;
}

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
