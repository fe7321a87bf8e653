import { EventEmitter } from 'node:events';
import type { IpcMain } from 'electron';
import type { FakeWebContents } from './browserWindow.ts';
import { cross, whenReset } from './world.ts';

export interface FakeFrame {
  url: string;
  parent: FakeFrame | null;
}

type Handler = (event: { sender: FakeWebContents; senderFrame: FakeFrame | null }, ...args: unknown[]) => unknown;

class FakeIpcMain extends EventEmitter {
  readonly handlers = new Map<string, Handler>();
  handle: IpcMain['handle'] = (channel, listener) => {
    if (this.handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.handlers.set(channel, listener as unknown as Handler);
  };
}

export const ipcMain = new FakeIpcMain();
whenReset(() => {
  ipcMain.removeAllListeners();
  ipcMain.handlers.clear();
});

export function deliverToMain(
  sender: FakeWebContents,
  channel: string,
  message: unknown,
  senderFrame: FakeFrame | null,
): void {
  cross(message, (copy) => ipcMain.emit(channel, { sender, senderFrame, type: 'frame' }, copy));
}

export async function invokeMain(
  sender: FakeWebContents,
  channel: string,
  senderFrame: FakeFrame | null,
): Promise<unknown> {
  const handler = ipcMain.handlers.get(channel);
  if (!handler) throw new Error(`Error invoking remote method '${channel}': No handler registered for '${channel}'`);
  try {
    return structuredClone(await handler({ sender, senderFrame }));
  } catch (error) {
    throw new Error(`Error invoking remote method '${channel}': ${String(error)}`);
  }
}
