import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SyncApi } from '../../shared/syncApi.ts';
import { serveSyncApi } from '../../shared/wire.ts';

/** The daemon's policy: what the built page must live with. */
export const rendererCsp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const root = join(import.meta.dirname, '../../dist/renderer');

export interface RendererHost {
  readonly url: string;
  readonly port: number;
  /** Cuts every open socket, as a crashed engine does; the page may come back. */
  cut(): void;
  close(): Promise<void>;
}

/** Serves the built page and one API, as the daemon does but without its sign-in. `port` 0: any. */
export async function startRendererHost(api: SyncApi, port = 0): Promise<RendererHost> {
  if (!existsSync(join(root, 'index.html'))) throw new Error('The page is not built yet: run `npx vite build` first.');
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname;
    const file = join(root, normalize(path === '/' ? '/index.html' : path));
    try {
      const body = await readFile(file);
      response.writeHead(200, {
        'content-type': types[extname(file)] ?? 'application/octet-stream',
        'content-security-policy': rendererCsp,
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  const sockets = new Set<WebSocket>();
  const upgrades = new WebSocketServer({ server, path: '/api' });
  upgrades.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveSyncApi(api, {
      send: (message) => socket.send(JSON.stringify(message)),
      onMessage: (listener) => socket.on('message', (data) => listener(JSON.parse(String(data)))),
      onClose: (listener) => socket.on('close', listener),
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  const cut = () => {
    for (const socket of sockets) socket.terminate();
  };
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    cut,
    close: async () => {
      cut();
      upgrades.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
