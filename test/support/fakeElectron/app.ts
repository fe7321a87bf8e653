import { EventEmitter } from 'node:events';
import type { App } from 'electron';
import { FakeEvent, whenReset, world } from './world.ts';

type Used =
  | 'quit'
  | 'exit'
  | 'whenReady'
  | 'requestSingleInstanceLock'
  | 'setPath'
  | 'getPath'
  | 'getVersion'
  | 'setAppUserModelId'
  | 'enableSandbox'
  | 'setLoginItemSettings'
  | 'isPackaged';

class FakeApp extends EventEmitter implements Pick<App, Used> {
  readonly commandLine = { hasSwitch: (name: string): boolean => world.switches.has(name) };
  sandboxed = false;
  #waiting: (() => void)[] = [];
  #quitting = false;

  get isPackaged(): boolean {
    return world.packaged;
  }
  reset(): void {
    this.removeAllListeners();
    this.sandboxed = false;
    this.#waiting = [];
    this.#quitting = false;
  }
  /** The test's: Electron has started. */
  becomeReady(): void {
    world.ready = true;
    this.emit('ready');
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
  whenReady(): Promise<void> {
    return new Promise((resolve) => (world.ready ? resolve() : this.#waiting.push(resolve)));
  }
  requestSingleInstanceLock(): boolean {
    return world.firstInstance;
  }
  /** before-quit, then every window's close (any of them can stop it), then will-quit and quit: Electron's order. */
  quit(): void {
    if (world.exitCode !== null) return;
    const before = new FakeEvent();
    this.emit('before-quit', before);
    if (before.defaultPrevented) return;
    this.#quitting = true;
    for (const window of [...world.windows]) window.close();
    if (world.windows.length > 0) {
      this.#quitting = false;
      return;
    }
    const will = new FakeEvent();
    this.emit('will-quit', will);
    if (!will.defaultPrevented) this.exit(0);
  }
  exit(code = 0): void {
    world.exitCode = code;
    this.emit('quit', new FakeEvent(), code);
  }
  /** Called by a window that is gone. */
  windowClosed(): void {
    if (world.windows.length > 0 || this.#quitting) return;
    // without a listener Electron quits with its last window
    if (this.listenerCount('window-all-closed') === 0) this.quit();
    else this.emit('window-all-closed');
  }
  setPath(name: string, path: string): void {
    world.paths[name] = path;
  }
  getPath(name: string): string {
    const path = world.paths[name];
    if (path === undefined) throw new Error(`Failed to get '${name}' path`);
    return path;
  }
  getVersion(): string {
    return '0.1.0';
  }
  setAppUserModelId(): void {}
  enableSandbox(): void {
    if (world.ready) throw new Error('app.enableSandbox() can only be called before app is ready');
    this.sandboxed = true;
  }
  setLoginItemSettings(settings: { openAtLogin?: boolean; args?: string[] }): void {
    world.loginItem = { openAtLogin: settings.openAtLogin ?? false, args: settings.args ?? [] };
  }
  getLoginItemSettings(): { openAtLogin: boolean; wasOpenedAtLogin: boolean } {
    return { openAtLogin: world.loginItem.openAtLogin, wasOpenedAtLogin: world.wasOpenedAtLogin };
  }
}

export const app = new FakeApp();
whenReset(() => app.reset());
