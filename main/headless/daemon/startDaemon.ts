import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SentenceState } from '../../../shared/sentence.ts';
import type { SyncEngine } from '../../engine/engine.ts';
import { prometheusContentType, prometheusText } from '../../engine/insight/prometheusText.ts';
import { usageError } from '../say.ts';
import { apiSockets } from './apiSocket.ts';
import { requestGuard } from './requestGuard.ts';
import { findStaticFile, sendStaticFile } from './staticFiles.ts';

export interface DaemonOptions {
  readonly engine: Pick<SyncEngine, 'api' | 'sentence' | 'metrics'>;
  /** 0: a free one. */
  readonly port: number;
  /** Random unless given. */
  readonly token?: string;
  /** Opens /metrics and nothing else. */
  readonly scrapeToken?: string;
  /** The built screens: index.html and assets/. */
  readonly rendererDir: string;
  /** Told of errors while answering; never of tokens. */
  readonly onError?: (error: unknown) => void;
}

export interface Daemon {
  readonly port: number;
  readonly token: string;
  /** With the token: opened once, it becomes a cookie. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves screens and SyncApi on 127.0.0.1. Throws `usage` when the port is taken. The engine stays the caller's. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const token = options.token ?? randomBytes(32).toString('base64url');
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16 * 1024 });
  const port = await listen(server, options.port);
  const guard = requestGuard({ port, token, scrapeToken: options.scrapeToken ?? null, now: () => Date.now() });
  const sockets = apiSockets(options.engine.api);
  server.on('error', (error) => options.onError?.(error));

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    const url = parseTarget(request.url);
    const asked = { method: request.method ?? '', headers: request.headers, upgrade: false };
    const foreign = guard.foreign(asked);
    if (foreign !== null) return text(response, 403, foreign);
    if (url === null) return text(response, 400, 'This is not an address');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return text(response, 405, 'Only GET and HEAD');
    }
    if (url.pathname === '/healthz') return health(response, options.engine);
    if (url.pathname === '/metrics' && guard.mayScrape(request.headers)) return scraped(response, options.engine);
    const verdict = guard.judge({ ...asked, queryToken: url.pathname === '/' ? url.searchParams.get('token') : null });
    if (verdict.kind === 'refused') return refuse(response, verdict);
    if (verdict.kind === 'signed-in' || url.searchParams.has('token')) return redirectHome(response, verdict);
    if (url.pathname === '/metrics') return scraped(response, options.engine);
    const file = await findStaticFile(options.rendererDir, url.pathname);
    if (file !== null) return sendStaticFile(response, file, request.method === 'GET');
    return text(response, 404, url.pathname === '/' ? 'The screens are not built: npm run build' : 'Not here');
  };

  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => {
      options.onError?.(error);
      if (!response.headersSent) text(response, 500, 'Something went wrong here');
      else response.destroy();
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const verdict = guard.judge({ method: 'GET', headers: request.headers, queryToken: null, upgrade: true });
    if (verdict.kind === 'refused') return refuseUpgrade(socket, verdict.status, verdict.reason);
    if (parseTarget(request.url)?.pathname !== '/api') return refuseUpgrade(socket, 404, 'Not here');
    sockets.upgrade(request, socket, head);
  });

  return {
    port,
    token,
    url: `http://127.0.0.1:${port}/?token=${token}`,
    close: async () => {
      sockets.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 1_500).unref();
      await closed;
    },
  };
}

/** Nothing from elsewhere, nothing inline, nobody frames us, no address leaks. */
const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

const sick = new Set<SentenceState>(['error', 'offline']);

function health(response: ServerResponse, engine: DaemonOptions['engine']): void {
  const { state, text: words } = engine.sentence();
  response.writeHead(sick.has(state) ? 503 : 200, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify({ state, text: words })}\n`);
}

async function scraped(response: ServerResponse, engine: DaemonOptions['engine']): Promise<void> {
  const text = prometheusText(await engine.metrics());
  response.writeHead(200, { 'Content-Type': prometheusContentType });
  response.end(text);
}

function redirectHome(response: ServerResponse, verdict: { readonly kind: string; readonly cookie?: string }): void {
  if (verdict.cookie !== undefined) response.setHeader('Set-Cookie', verdict.cookie);
  response.writeHead(303, { Location: '/' });
  response.end();
}

function refuse(response: ServerResponse, verdict: { readonly status: number; readonly reason: string }): void {
  if (verdict.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  if (verdict.status === 429) response.setHeader('Retry-After', '60');
  text(response, verdict.status, verdict.reason);
}

function text(response: ServerResponse, status: number, words: string): void {
  // What is left of a refused request's body isn't read.
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    ...(status >= 400 && { Connection: 'close' }),
  });
  response.end(`${words}\n`);
}

function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(reason)}\r\n\r\n${reason}`,
  );
}

/** Only origin-form targets: `GET http://…` is a proxy's request. */
function parseTarget(target: string | undefined): URL | null {
  if (target === undefined || !target.startsWith('/') || target.startsWith('//')) return null;
  return URL.canParse(target, 'http://sluice.invalid') ? new URL(target, 'http://sluice.invalid') : null;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(port, error)));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve((server.address() as AddressInfo).port));
  });
}

function portError(port: number, error: NodeJS.ErrnoException): Error {
  const remedy = 'Name another one with --port, or --port 0 for any free one.';
  if (error.code === 'EADDRINUSE') return usageError(`Port ${port} is taken by another program`, remedy);
  if (error.code === 'EACCES') return usageError(`Port ${port} needs more rights than this user has`, remedy);
  return usageError(`Port ${port} can't be opened: ${error.message}`, remedy);
}
