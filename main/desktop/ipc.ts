import { stat } from 'node:fs/promises';
import { extname, isAbsolute, relative } from 'node:path';
import { type BrowserWindow, dialog, type IpcMainEvent, type IpcMainInvokeEvent, ipcMain, shell } from 'electron';
import type { BridgeNotice } from '../../shared/bridge.ts';
import type { SyncApi } from '../../shared/syncApi.ts';
import { type Carrier, type ServerMessage, serveSyncApi } from '../../shared/wire.ts';
import { isAppUrl } from './appProtocol.ts';
import { channels } from './channels.ts';
import type { EngineSupervisor } from './engineSupervisor.ts';

export interface IpcOptions {
  readonly supervisor: EngineSupervisor;
  readonly currentWindow: () => BrowserWindow | null;
  readonly report: (line: string) => void;
}

export interface Ipc {
  /** Serves this window's page, and each page that takes its place. */
  attach(window: BrowserWindow): void;
}

export function registerIpc({ supervisor, currentWindow, report }: IpcOptions): Ipc {
  let session: Session | undefined;

  const trusted = (event: IpcMainEvent | IpcMainInvokeEvent, channel: string): boolean => {
    if (isOurPage(event, currentWindow())) return true;
    report(`Refused a message on ${channel} from a page that is not ours`);
    return false;
  };
  ipcMain.on(channels.toEngine, (event, message: unknown) => {
    if (trusted(event, channels.toEngine)) session?.receive(message);
  });
  ipcMain.handle(channels.pickFolder, async (event) => {
    const window = currentWindow();
    if (!trusted(event, channels.pickFolder) || !window) throw new Error('Refused');
    const { canceled, filePaths } = await dialog.showOpenDialog(window, {
      title: 'Choose a folder to keep in S3',
      properties: ['openDirectory', 'createDirectory'],
    });
    return canceled ? null : (filePaths[0] ?? null);
  });
  ipcMain.on(channels.openPath, (event, path: unknown) => {
    if (!trusted(event, channels.openPath) || typeof path !== 'string') return;
    void showPath(supervisor.api, path).then((problem) => {
      if (problem) report(`${path} was not opened: ${problem}`);
    });
  });

  return {
    attach: (window) => {
      const renew = (): void => {
        session?.close();
        session = window.isDestroyed() ? undefined : openSession(supervisor.api, window);
      };
      const notify = (state: BridgeNotice['state']): void => {
        if (!window.isDestroyed())
          window.webContents.send(channels.fromEngine, { type: 'link', state } satisfies BridgeNotice);
      };
      const unsubscribe = supervisor.onStatus((status) => {
        if (status.kind === 'running') return notify('up');
        if (status.kind === 'starting') return;
        // answers of the engine that is gone must not reach the page any more
        renew();
        notify('down');
      });
      // answers to the page that was here before must not reach the next one, which counts its calls from 1 again
      window.webContents.on('did-start-navigation', (details) => {
        if (details.isMainFrame && !details.isSameDocument) renew();
      });
      window.on('closed', () => {
        unsubscribe();
        session?.close();
        session = undefined;
      });
      renew();
    },
  };
}

interface Session {
  receive(message: unknown): void;
  close(): void;
}

function openSession(api: SyncApi, window: BrowserWindow): Session {
  const onMessage: ((message: unknown) => void)[] = [];
  const onClose: (() => void)[] = [];
  let open = true;
  const carrier: Carrier<unknown, ServerMessage> = {
    send: (message) => {
      if (open && !window.isDestroyed()) window.webContents.send(channels.fromEngine, message);
    },
    onMessage: (listener) => onMessage.push(listener),
    onClose: (listener) => onClose.push(listener),
  };
  serveSyncApi(api, carrier);
  return {
    receive: (message) => {
      for (const listener of onMessage) listener(message);
    },
    close: () => {
      open = false;
      for (const listener of onClose) listener();
    },
  };
}

/** Only the main frame of our own window, showing our own page, may ask for anything. A frame that is gone already (null) may not. */
function isOurPage(event: IpcMainEvent | IpcMainInvokeEvent, window: BrowserWindow | null): boolean {
  const frame = event.senderFrame;
  if (!window || window.isDestroyed() || event.sender !== window.webContents) return false;
  return frame !== null && frame !== undefined && frame.parent === null && isAppUrl(frame.url);
}

/** Folders are opened, files only shown: opening a file could run it. Only what lies in a synced folder. Returns what went wrong, or ''. */
async function showPath(api: SyncApi, path: string): Promise<string> {
  const { folders } = await api.snapshot({});
  if (!isAbsolute(path) || !folders.some((folder) => contains(folder.path, path))) return 'it is in no synced folder';
  const found = await stat(path).catch(() => null);
  if (!found) return 'it does not exist';
  // on macOS a folder with an extension may be a program
  const program = process.platform === 'darwin' && extname(path) !== '';
  if (found.isDirectory() && !program) return await shell.openPath(path);
  shell.showItemInFolder(path);
  return '';
}

function contains(folder: string, path: string): boolean {
  const inner = relative(folder, path);
  return inner === '' || (!isAbsolute(inner) && inner.split(/[\\/]/)[0] !== '..');
}
