import { contextBridge, ipcRenderer } from 'electron';
import type { SluiceBridge } from '../../shared/bridge.ts';
import { channels } from './channels.ts';

/** All that the page gets of Electron: five functions, no event objects, no channel names. */
const bridge: SluiceBridge = {
  send: (message) => ipcRenderer.send(channels.toEngine, message),
  onMessage: (listener) => {
    const onMessage = (_event: unknown, message: unknown): void => listener(message);
    ipcRenderer.on(channels.fromEngine, onMessage);
    return () => void ipcRenderer.off(channels.fromEngine, onMessage);
  },
  pickFolder: () => ipcRenderer.invoke(channels.pickFolder) as Promise<string | null>,
  openPath: (path) => ipcRenderer.send(channels.openPath, path),
  platform: process.platform,
};

contextBridge.exposeInMainWorld('sluiceBridge', bridge);
