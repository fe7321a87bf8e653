import { EventEmitter } from 'node:events';
import { whenReset, world } from './world.ts';

/*
 * The electron module as our host uses it: real EventEmitters, Electron's order of events and its traps (objects that throw once destroyed, calls that
 * fail before `ready`, copies across processes), no Chromium. Nothing here that main/desktop does not call.
 */
export { app } from './app.ts';
export { FakeBrowserWindow as BrowserWindow } from './browserWindow.ts';
export { ipcMain } from './ipcMain.ts';
export { FakeNotification as Notification, FakeTray as Tray, Menu, nativeImage } from './surfaces.ts';
export { utilityProcess } from './utilityProcess.ts';

export const powerMonitor = new EventEmitter();
export const nativeTheme = { shouldUseDarkColors: false };
export const screen = { getAllDisplays: () => world.displays.map((workArea) => ({ workArea })) };

class FakeSession extends EventEmitter {
  requestHandler: ((contents: unknown, permission: string, callback: (granted: boolean) => void) => void) | null = null;
  checkHandler: (() => boolean) | null = null;
  deviceHandler: (() => boolean) | null = null;
  setPermissionRequestHandler(handler: typeof this.requestHandler): void {
    this.requestHandler = handler;
  }
  setPermissionCheckHandler(handler: typeof this.checkHandler): void {
    this.checkHandler = handler;
  }
  setDevicePermissionHandler(handler: typeof this.deviceHandler): void {
    this.deviceHandler = handler;
  }
}
export const session = { defaultSession: new FakeSession() };

export const protocol = {
  registerSchemesAsPrivileged: (schemes: { scheme: string; privileges: object }[]): void => {
    if (world.ready) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
    world.privilegedSchemes.push(...schemes);
  },
  handle: (scheme: string, handler: (request: Request) => Response | Promise<Response>): void => {
    if (world.protocolHandlers.has(scheme)) throw new Error('Failed to register protocol: it is registered already');
    world.protocolHandlers.set(scheme, handler);
  },
};

export const shell = {
  openPath: async (path: string): Promise<string> => {
    world.opened.push(path);
    return '';
  },
  showItemInFolder: (path: string): void => void world.shown.push(path),
};

export const dialog = {
  showOpenDialog: async () => {
    const chosen = world.folderDialogs.shift();
    return { canceled: chosen === undefined, filePaths: chosen === undefined ? [] : [chosen] };
  },
  showMessageBox: async (...args: unknown[]) => {
    world.messageBoxes.push(args.at(-1) as { message: string });
    return { response: world.messageBoxAnswers.shift() ?? 0, checkboxChecked: false };
  },
};

/** Not encryption, but not the text either. `null` methods: a runtime that is older than the asynchronous calls. */
const scramble = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x5a));
const seal = (text: string): Buffer => Buffer.concat([Buffer.from('v1'), scramble(Buffer.from(text))]);
const unseal = (sealed: Buffer): string => {
  if (!world.keychain.available || sealed.subarray(0, 2).toString() !== 'v1')
    throw new Error('Error while decrypting the ciphertext');
  return scramble(sealed.subarray(2)).toString();
};
const synchronous = {
  isEncryptionAvailable: () => world.keychain.available,
  encryptString: seal,
  decryptString: unseal,
  getSelectedStorageBackend: () => world.keychain.backend,
};
const asynchronous = {
  isAsyncEncryptionAvailable: async () => world.keychain.available,
  encryptStringAsync: async (text: string) => seal(text),
  decryptStringAsync: async (sealed: Buffer) => ({ result: unseal(sealed), shouldReEncrypt: world.keychain.rotated }),
};
export const safeStorage: typeof synchronous & Partial<typeof asynchronous> = { ...synchronous, ...asynchronous };

/** The test's: the runtime before or after the asynchronous keychain calls came. */
export function setKeychain(change: Partial<typeof world.keychain>): void {
  Object.assign(world.keychain, change);
  for (const name of Object.keys(asynchronous) as (keyof typeof asynchronous)[]) delete safeStorage[name];
  if (world.keychain.kind === 'async') Object.assign(safeStorage, asynchronous);
}

whenReset(() => {
  powerMonitor.removeAllListeners();
  session.defaultSession = new FakeSession();
  setKeychain({});
});
