import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SyncApi } from '../../../shared/syncApi.ts';
import { type ServerMessage, serveSyncApi } from '../../../shared/wire.ts';

/** A message of a screen is small; updates go the other way. */
const maxMessageBytes = 1024 * 1024;
/** A page that doesn't read is cut off before it fills the memory; it comes back with a new snapshot. */
const maxBufferedBytes = 32 * 1024 * 1024;
const pingEveryMs = 30_000;

export interface ApiSockets {
  /** The request was judged already. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/** SyncApi over WebSockets: shared/wire.ts messages, one JSON text each. */
export function apiSockets(api: SyncApi): ApiSockets {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
  const alive = new WeakSet<WebSocket>();
  const timer = setInterval(() => {
    for (const socket of server.clients) {
      if (!alive.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }, pingEveryMs);
  timer.unref();

  server.on('connection', (socket: WebSocket) => {
    alive.add(socket);
    socket.on('pong', () => alive.add(socket));
    // `close` follows; what was wrong with a peer's frame is of no use to anybody.
    socket.on('error', () => {});
    serveSyncApi(api, carrierOf(socket));
  });

  return {
    upgrade: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (webSocket) => server.emit('connection', webSocket, request)),
    close: () => {
      clearInterval(timer);
      for (const socket of server.clients) {
        socket.close(1001, 'Sluice is stopping');
        setTimeout(() => socket.terminate(), 1_000).unref();
      }
      server.close();
    },
  };
}

function carrierOf(socket: WebSocket) {
  return {
    send: (message: ServerMessage) => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > maxBufferedBytes) return socket.terminate();
      socket.send(JSON.stringify(message));
    },
    onMessage: (listener: (message: unknown) => void) => {
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        const message = isBinary ? undefined : parsed(data.toString('utf8'));
        if (message === undefined) socket.close(1007, 'JSON text only');
        else listener(message);
      });
    },
    onClose: (listener: () => void) => {
      socket.once('close', listener);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
