import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { SluiceError } from '../../../shared/errors.ts';
import { BodySink, type PumpedBody } from './bodySink.ts';
import { lookup } from './localhostLookup.ts';
import { createStallSweep, type Watched } from './stallSweep.ts';
import type { SendTiming } from './store.ts';

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
  /** name, value, name, value…, complete and as they go out (cheap); or by name, where node:http adds Host. */
  readonly headers: string[] | Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | PumpedBody | null;
  /** How many times the pool's stall timeout may pass without a byte. */
  readonly patience: number;
  /** A connection of its own, closed afterwards. */
  readonly fresh: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly timing: SendTiming;
}

/**
 * One pool of kept-alive connections; bodies go to the socket unwrapped and uncopied; a refused upload stops being sent; a deadline on progress, not on duration; answers
 * (never object data) are read whole, so that a connection lost in the middle of one is an error of this request. Rejects with Node's error, an `AbortError`, or what the
 * pump of the body threw.
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
    freshHttp: new HttpAgent({ lookup }),
    freshHttps: new HttpsAgent({ lookup, ...tlsOptions }),
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
      const { tls, signal, body, fresh } = request;
      if (closed || signal?.aborted) return reject(aborted());
      dropStaleSockets(Date.now());
      const req = (tls ? httpsRequest : httpRequest)({
        method: request.method,
        host: request.hostname,
        port: request.port,
        path: request.path,
        headers: request.headers,
        agent: tls ? (fresh ? agents.freshHttps : agents.https) : fresh ? agents.freshHttp : agents.http,
      });
      open.add(req);
      const pumped = isPumped(body) ? { sink: new BodySink(req, body), body, done: false } : null;
      let socketAt = 0;
      let readyAt = 0;
      let sentAt = 0;
      let answerAt = 0;

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
        // whoever pumps may be in the middle of reading a file for it
        pumped?.sink.destroy();
        req.destroy();
        reject(error);
      };
      const onAbort = () => fail(aborted());
      const watched: Watched = {
        req,
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
        socketAt = performance.now();
        watched.socketAtMs = socketAt;
        watched.sentBefore = socket.bytesWritten;
        const ready = () => {
          readyAt = performance.now();
          watched.connected = true;
          watched.idleMs = 0;
        };
        if (req.reusedSocket) {
          readyAt = socketAt;
          watched.connected = true;
          return;
        }
        // request and answer are small next to the wait for a delayed acknowledgement
        socket.setNoDelay(true);
        socket.setKeepAlive(true, tcpKeepAliveMs);
        socket.once(tls ? 'secureConnect' : 'connect', ready);
      });
      req.once('finish', () => {
        sentAt = performance.now();
      });
      // stays attached after the answer: a socket that dies later must not throw
      req.on('error', (error) => fail(closed ? aborted() : error));
      req.once('response', (res) => {
        answerAt = performance.now();
        collect(res, (error, bytes) => {
          if (settled) return;
          if (error !== null) return fail(error);
          const status = res.statusCode ?? 0;
          if (status < 300 && pumped && !pumped.done) return fail(tooEarly());
          settle();
          if (status >= 300 && !req.writableFinished) {
            // refused before the whole body was sent: the rest would only cost time
            pumped?.sink.destroy();
            req.destroy();
          }
          const bodyEnd = sentAt === 0 || sentAt > answerAt ? answerAt : sentAt;
          resolve({
            status,
            reason: res.statusMessage ?? '',
            headers: res.headers,
            body: bytes,
            timing: {
              connectMs: readyAt - socketAt,
              bodyMs: Math.max(0, bodyEnd - readyAt),
              answerMs: answerAt - bodyEnd,
            },
          });
        });
      });
      if (!pumped) return sendBytes(req, body as Uint8Array | string | null);
      // a body's own error is the better word, but a broken connection's is about to be said by the request itself
      const onPumpFailed = (error: unknown) => {
        if (error instanceof SluiceError || !req.destroyed)
          fail(error instanceof Error ? error : new Error(String(error)));
      };
      pumped.body
        .pump(pumped.sink)
        .then(() => {
          if (settled || req.destroyed) return;
          pumped.sink.finishBody();
          pumped.done = true;
        })
        .catch(onPumpFailed);
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

const isPumped = (body: HttpRequest['body']): body is PumpedBody =>
  body !== null && typeof body === 'object' && 'pump' in body;

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
    if (!res.complete) {
      done(Object.assign(new Error('the connection broke inside the answer'), { code: 'ECONNRESET' }), empty);
    }
  });
}

const empty = Buffer.alloc(0);
const aborted = (): Error => Object.assign(new Error('Request aborted'), { name: 'AbortError' });
const tooEarly = (): Error =>
  new SluiceError('store-server-error', 'The store took the body for complete before all of it was sent');
