import type { SyncApi } from '../../../shared/syncApi.ts';
import { type ClientMessage, createSyncApiClient } from '../../../shared/wire.ts';
import { readDaemonFile } from './daemonFile.ts';

export interface DaemonConnection {
  readonly api: SyncApi;
  readonly pid: number;
  close(): void;
}

const connectWithinMs = 5_000;

/** The daemon of this data directory; null: none is running (an address left behind by a killed one doesn't answer). */
export async function connectDaemon(dataDir: string): Promise<DaemonConnection | null> {
  const found = await readDaemonFile(dataDir);
  if (found === null || !isRunning(found.pid)) return null;
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(`ws://127.0.0.1:${found.port}/api`, {
    headers: { Authorization: `Bearer ${found.token}` },
    handshakeTimeout: connectWithinMs,
    perMessageDeflate: false,
  });
  // A listener for good: an error after the connection is up ends in `close`, which rejects the open calls.
  const opened = await new Promise<boolean>((resolve) => {
    socket.once('open', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  if (!opened) return null;
  const api = createSyncApiClient({
    send: (message: ClientMessage) => socket.send(JSON.stringify(message)),
    onMessage: (listener) => {
      socket.on('message', (data: Buffer) => listener(JSON.parse(data.toString('utf8'))));
    },
    onClose: (listener) => {
      socket.once('close', listener);
    },
  });
  return { api, pid: found.pid, close: () => socket.close() };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process: it runs.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
