import { bridgeRoute } from './bridgeRoute.ts';
import { createEngineStore, type EngineStore } from './engineStore.ts';
import { webSocketRoute } from './webSocketRoute.ts';

/** The engine behind this page: Electron's bridge where there is one, else the daemon that served the page. */
export function connect(): EngineStore {
  const bridge = window.sluiceBridge;
  return createEngineStore(bridge ? bridgeRoute(bridge) : webSocketRoute(window.location), document);
}
