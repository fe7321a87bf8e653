import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { lookup } from './localhostLookup.ts';
import { markNeverLeft } from './meteredAs.ts';
import { createStallSweep, type Watched } from './stallSweep.ts';

export interface HttpPoolOptions {
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

export interface HttpRequest {
  readonly tls: boolean;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | null;
  /** How many times the pool's stall timeout may pass without a byte. */
  readonly patience: number;
  readonly signal: AbortSignal | undefined;
  /** Takes the body of a successful answer as it comes; without it an answer is read whole. */
  readonly sink?: AnswerSink | undefined;
}

/** Object data on its way in. What either throws or rejects with fails the request. */
export interface AnswerSink {
  begin(headers: IncomingHttpHeaders, status: number): void;
  /** The connection is read no further until a returned promise has settled. */
  write(chunk: Buffer): Promise<void> | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Kept-alive connections for the SDK's requests and for what is read back; those that carry files have socketPool.ts. A deadline on progress, not on duration; answers but for
 * object data with a sink are read whole, so that a connection lost in the middle of one is an error of this request. Rejects with Node's error or an `AbortError`.
 */
export interface HttpPool {
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

/** S3 closes a connection idle for about 5 s: leave before it does, or the next request runs into the close. */
const idleSocketMs = 4_000;
/** A dead peer is noticed by TCP keep-alive while we wait for a slow answer. */
const tcpKeepAliveMs = 15_000;
const maxAnswerBytes = 64 * 1024 * 1024;
/** One write of a whole part would block TLS for 100 ms and hide progress; 256 KiB was measured best. */
const sliceBytes = 256 * 1024;

export function createHttpPool(options: HttpPoolOptions): HttpPool {
  const tlsOptions = {
    minVersion: options.minTls === '1.3' ? ('TLSv1.3' as const) : ('TLSv1.2' as const),
    rejectUnauthorized: options.verifyTls,
    ...(options.ca && { ca: [...options.ca] }),
  };
  const kept = {
    keepAlive: true,
    keepAliveMsecs: tcpKeepAliveMs,
    maxSockets: options.maxSockets,
    timeout: idleSocketMs,
    lookup,
  };
  const agents = {
    http: new HttpAgent(kept),
    https: new HttpsAgent({ ...kept, ...tlsOptions }),
  };
  const sweep = createStallSweep(options);
  const open = new Set<ClientRequest>();
  let closed = false;

  const freedAt = new WeakMap<object, number>();
  for (const agent of [agents.http, agents.https]) {
    agent.on('free', (socket: object) => freedAt.set(socket, Date.now()));
  }
  let lastRequestAt = Date.now();
  /** After a sleep, or when the event loop was blocked, the timer of an idle socket comes too late: the server has long closed it. */
  const dropStaleSockets = (now: number) => {
    const gap = now - lastRequestAt;
    lastRequestAt = now;
    if (gap < 1_000) return;
    for (const sockets of [agents.http, agents.https].flatMap((agent) => Object.values(agent.freeSockets))) {
      for (const socket of sockets ?? []) if (now - (freedAt.get(socket) ?? 0) > idleSocketMs) socket.destroy();
    }
  };

  const send: HttpPool['send'] = (request) =>
    new Promise((resolve, reject) => {
      const { tls, signal } = request;
      if (closed || signal?.aborted) {
        const error = aborted();
        markNeverLeft(error);
        return reject(error);
      }
      dropStaleSockets(Date.now());
      const req = (tls ? httpsRequest : httpRequest)({
        method: request.method,
        host: request.hostname,
        port: request.port,
        path: request.path,
        headers: request.headers,
        agent: tls ? agents.https : agents.http,
      });
      open.add(req);
      let settled = false;
      const settle = () => {
        settled = true;
        open.delete(req);
        sweep.unwatch(watched);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: Error) => {
        if (settled) return;
        settle();
        if (!watched.connected) markNeverLeft(error);
        req.destroy();
        reject(error);
      };
      const onAbort = () => fail(aborted());
      const watched: Watched = {
        socket: null,
        stallTimeoutMs: options.stallTimeoutMs * request.patience,
        socketAtMs: 0,
        sentBefore: 0,
        connected: false,
        moved: -1,
        idleMs: 0,
        onTimeout: fail,
      };
      sweep.watch(watched);
      signal?.addEventListener('abort', onAbort);
      req.once('socket', (socket: Socket) => {
        watched.socket = socket;
        watched.socketAtMs = performance.now();
        watched.sentBefore = socket.bytesWritten;
        const ready = () => {
          watched.connected = true;
          watched.idleMs = 0;
        };
        // One that a waiting request is handed straight from another isn't called reused, and connects no more.
        const isConnecting = socket.connecting || (socket as { secureConnecting?: boolean }).secureConnecting === true;
        if (req.reusedSocket || !isConnecting) {
          watched.connected = true;
          return;
        }
        // request and answer are small next to the wait for a delayed acknowledgement
        socket.setNoDelay(true);
        socket.setKeepAlive(true, tcpKeepAliveMs);
        socket.once(tls ? 'secureConnect' : 'connect', ready);
      });
      // stays attached after the answer: a socket that dies later must not throw
      req.on('error', (error) => fail(closed ? aborted() : error));
      req.once('response', (res) => {
        const isData = request.sink !== undefined && (res.statusCode ?? 0) >= 200 && (res.statusCode ?? 0) < 300;
        const take = isData ? drainInto(request.sink!) : collect;
        take(res, (error, bytes) => {
          if (settled) return;
          if (error !== null) return fail(error);
          const status = res.statusCode ?? 0;
          settle();
          if (status >= 300 && !req.writableFinished) {
            // refused before the whole body was sent: the rest would only cost time
            req.destroy();
          }
          resolve({ status, reason: res.statusMessage ?? '', headers: res.headers, body: bytes });
        });
      });
      sendBytes(req, request.body);
    });

  return {
    send,
    close() {
      closed = true;
      for (const req of open) req.destroy(aborted());
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function sendBytes(req: ClientRequest, body: Uint8Array | string | null): void {
  if (body === null || body.length === 0) return void req.end();
  if (typeof body === 'string' || body.byteLength <= sliceBytes) return void req.end(body);
  let offset = 0;
  const next = () => {
    while (!req.destroyed) {
      const slice = body.subarray(offset, offset + sliceBytes);
      offset += slice.byteLength;
      if (offset >= body.byteLength) return void req.end(slice);
      if (!req.write(slice)) return void req.once('drain', next);
    }
  };
  next();
}

function collect(res: IncomingMessage, done: (error: Error | null, bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  res.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) done(new Error('the answer is too large to be one of S3'), empty);
    else chunks.push(chunk);
  });
  res.on('end', () => done(null, bytes === 0 ? empty : Buffer.concat(chunks, bytes)));
  res.on('error', (error) => done(error, empty));
  res.on('close', () => {
    if (!res.complete) done(brokenInside(), empty);
  });
}

const drainInto =
  (sink: AnswerSink): typeof collect =>
  (res, done) => {
    const fail = (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), empty);
    let written: Promise<void> | undefined;
    const guarded = (work: () => void) => {
      try {
        work();
      } catch (error) {
        fail(error);
      }
    };
    guarded(() => sink.begin(res.headers, res.statusCode ?? 0));
    res.on('data', (chunk: Buffer) =>
      guarded(() => {
        const waiting = sink.write(chunk);
        if (!waiting) return;
        res.pause();
        written = waiting.then(() => void res.resume());
        written.catch(fail);
      }),
    );
    // the last write may still be under way: its failure has been said by then
    res.on('end', () => void Promise.resolve(written).then(() => done(null, empty), fail));
    res.on('error', fail);
    res.on('close', () => {
      if (!res.complete) fail(brokenInside());
    });
  };

const empty = Buffer.alloc(0);
const brokenInside = (): Error =>
  Object.assign(new Error('the connection broke inside the answer'), { code: 'ECONNRESET' });
const aborted = (): Error => Object.assign(new Error('Request aborted'), { name: 'AbortError' });
