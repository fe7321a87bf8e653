import type { ParentPort } from 'electron';
import type { HostPort } from './engineHost.ts';

/** The channel this process was started with: a utilityProcess' parent port, or a Node child's IPC channel. Throws when there is neither. */
export function hostPort(): HostPort {
  const parentPort = (process as { parentPort?: ParentPort }).parentPort;
  if (parentPort) {
    return {
      send: (message) => parentPort.postMessage(message),
      onMessage: (listener) => parentPort.on('message', ({ data }) => listener(data)),
      // Chromium ends a utilityProcess together with the process it belongs to
      onClose: () => {},
    };
  }
  const send = process.send?.bind(process);
  if (!send)
    throw new Error('The engine process has no channel to a main process: it is started by the app, not by hand');
  return {
    send: (message) => {
      if (process.connected) send(message);
    },
    onMessage: (listener) => process.on('message', listener),
    onClose: (listener) => process.once('disconnect', listener),
  };
}
