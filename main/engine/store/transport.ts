import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { lookup } from './localhostLookup.ts';
import { sendBody } from './sendBody.ts';
import { watchProgress } from './watchProgress.ts';

export interface TransportOptions {
  readonly maxSockets: number;
  readonly stallTimeoutMs: number;
  /** DNS, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** PEM; undefined: the authorities Node trusts. */
  readonly ca: readonly string[] | undefined;
  readonly verifyTls: boolean;
}

/** What we use of the SDK's HttpRequest. */
export interface TransportRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | (string | null)[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface TransportResponse {
  readonly statusCode: number;
  readonly reason?: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/**
 * The SDK's request handler, ours: one pool of kept-alive connections; bodies go to the socket unwrapped and uncopied; a refused
 * upload stops being sent; a deadline on progress, not on duration; answers (never object data) are read whole, so that a
 * connection lost in the middle of one is an error of this request.
 */
export interface Transport {
  readonly metadata: { readonly handlerProtocol: string };
  handle(request: TransportRequest, options?: { abortSignal?: unknown }): Promise<{ response: TransportResponse }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}

/** S3 closes a connection idle for about 5 s: leave before it does, or the next request runs into the close. */
const idleSocketMs = 4_000;
/** A dead peer is noticed by TCP keep-alive while we wait for a slow answer. */
const tcpKeepAliveMs = 15_000;
/** CompleteMultipartUpload may say nothing while the store puts a large object together. */
const completePatience = 10;
const maxAnswerBytes = 64 * 1024 * 1024;

export function createTransport(options: TransportOptions): Transport {
  const pool = {
    keepAlive: true,
    maxSockets: options.maxSockets,
    timeout: idleSocketMs,
    lookup,
  };
  const httpAgent = new HttpAgent(pool);
  const httpsAgent = new HttpsAgent({
    ...pool,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: options.verifyTls,
    ...(options.ca && { ca: [...options.ca] }),
  });
  const open = new Set<ClientRequest>();
  let closed = false;

  const freedAt = new WeakMap<object, number>();
  for (const agent of [httpAgent, httpsAgent]) agent.on('free', (socket: object) => freedAt.set(socket, Date.now()));
  let lastRequestAt = Date.now();
  /** After a sleep, or when the event loop was blocked, the timer of an idle socket comes too late: the server has long closed it. */
  const dropStaleSockets = (now: number) => {
    const gap = now - lastRequestAt;
    lastRequestAt = now;
    if (gap < 1_000) return;
    for (const sockets of [httpAgent, httpsAgent].flatMap((agent) => Object.values(agent.freeSockets))) {
      for (const socket of sockets ?? []) if (now - (freedAt.get(socket) ?? 0) > idleSocketMs) socket.destroy();
    }
  };

  const handle: Transport['handle'] = (request, { abortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      if (closed || signal?.aborted) {
        if (request.body instanceof Readable) request.body.destroy();
        return reject(aborted());
      }
      dropStaleSockets(Date.now());
      const tls = request.protocol === 'https:';
      const send = tls ? httpsRequest : httpRequest;
      const req = send({
        method: request.method,
        host: request.hostname.replace(/^\[|\]$/g, ''),
        port: request.port,
        path: pathOf(request),
        headers: request.headers,
        agent: tls ? httpsAgent : httpAgent,
      });
      open.add(req);
      const body = request.body instanceof Readable ? request.body : undefined;

      let settled = false;
      const settle = () => {
        settled = true;
        open.delete(req);
        stopWatching();
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: Error) => {
        if (settled) return;
        settle();
        // whoever made the body may be in the middle of reading a file for it
        body?.destroy();
        req.destroy();
        reject(error);
      };
      const onAbort = () => fail(aborted());
      const patience = request.method === 'POST' && request.query?.uploadId !== undefined ? completePatience : 1;
      const stopWatching = watchProgress(req, {
        tls,
        connectTimeoutMs: options.connectTimeoutMs,
        stallTimeoutMs: options.stallTimeoutMs * patience,
        onTimeout: fail,
      });
      signal?.addEventListener('abort', onAbort);
      req.once('socket', (socket) => socket.setKeepAlive(true, tcpKeepAliveMs));
      // stays attached after the answer: a socket that dies later must not throw
      req.on('error', (error) => fail(closed ? aborted() : error));
      req.once('response', (res) => {
        collect(res).then((bytes) => {
          if (settled) return;
          settle();
          const status = res.statusCode ?? 0;
          if (status >= 300 && !req.writableFinished) {
            // refused before the whole body was sent: the rest would only cost time
            body?.destroy();
            req.destroy();
          }
          resolve({
            response: { statusCode: status, reason: res.statusMessage ?? '', headers: headersOf(res), body: bytes },
          });
        }, fail);
      });
      body?.once('error', fail);
      sendBody(req, request.body);
    });

  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle,
    // the SDK offers its own defaults through these two; this handler is complete as it is
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy() {
      closed = true;
      for (const req of open) req.destroy(aborted());
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function collect(res: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    res.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) reject(new Error('the answer is too large to be one of S3'));
      else chunks.push(chunk);
    });
    res.once('end', () => resolve(Buffer.concat(chunks, bytes)));
    res.once('error', reject);
    res.once('close', () => {
      if (!res.complete)
        reject(Object.assign(new Error('the connection broke inside the answer'), { code: 'ECONNRESET' }));
    });
  });
}

function headersOf(res: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(res.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** The same escaping as the signature's. */
function pathOf(request: TransportRequest): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      pairs.push(one === null ? escapeQuery(name) : `${escapeQuery(name)}=${escapeQuery(one)}`);
    }
  }
  return pairs.length === 0 ? request.path : `${request.path}?${pairs.join('&')}`;
}

const escapeQuery = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

const aborted = (): Error => Object.assign(new Error('Request aborted'), { name: 'AbortError' });
