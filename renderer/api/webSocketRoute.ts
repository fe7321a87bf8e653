import type { EngineLink, EngineRoute } from './engineLink.ts';

/** The daemon that served this page; the browser's session cookie signs the socket in. */
export function webSocketRoute(at: Location): EngineRoute {
  const url = `${at.protocol === 'https:' ? 'wss' : 'ws'}://${at.host}/api`;
  return {
    open: () => openSocket(url),
    refused: async () => {
      try {
        // A socket refused for its cookie looks like a dead daemon; only plain HTTP tells them apart.
        const { status } = await fetch(at.pathname, { method: 'HEAD', cache: 'no-store', redirect: 'manual' });
        return status === 401 || status === 403;
      } catch {
        return false;
      }
    },
    onReachable: (listener) => window.addEventListener('online', listener),
  };
}

function openSocket(url: string): EngineLink {
  const socket = new WebSocket(url);
  // Calls made before the handshake is through must not be lost.
  const waiting: string[] = [];
  socket.addEventListener('open', () => {
    for (const text of waiting.splice(0)) socket.send(text);
  });
  return {
    send: (message) => {
      const text = JSON.stringify(message);
      if (socket.readyState === WebSocket.CONNECTING) waiting.push(text);
      else if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    onMessage: (listener) => socket.addEventListener('message', ({ data }) => listener(JSON.parse(String(data)))),
    onClose: (listener) => socket.addEventListener('close', listener, { once: true }),
    close: () => socket.close(),
  };
}
