import { isBridgeNotice, type SluiceBridge } from '../../shared/bridge.ts';
import type { EngineLink, EngineRoute } from './engineLink.ts';

/** Electron: messages go through the preload to the engine's process. */
export function bridgeRoute(bridge: SluiceBridge): EngineRoute {
  return {
    open: () => openBridge(bridge),
    refused: async () => false,
    onReachable: (listener) => {
      bridge.onMessage((message) => {
        if (isBridgeNotice(message) && message.state === 'up') listener();
      });
    },
  };
}

function openBridge(bridge: SluiceBridge): EngineLink {
  const closed = new Set<() => void>();
  const heard = new Set<(message: unknown) => void>();
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    stop();
    for (const listener of closed) listener();
  };
  const stop = bridge.onMessage((message) => {
    if (!isBridgeNotice(message)) for (const listener of heard) listener(message);
    else if (message.state === 'down') close();
  });
  return {
    send: (message) => bridge.send(message),
    onMessage: (listener) => void heard.add(listener),
    onClose: (listener) => void closed.add(listener),
    close,
  };
}
