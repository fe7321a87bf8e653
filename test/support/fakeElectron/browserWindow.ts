import { EventEmitter } from 'node:events';
import type {
  BrowserWindowConstructorOptions,
  BrowserWindow as Real,
  WebContents as RealContents,
  Rectangle,
} from 'electron';
import { app } from './app.ts';
import { deliverToMain, type FakeFrame, invokeMain } from './ipcMain.ts';
import { cross, FakeEvent, requireReady, world } from './world.ts';

type OpenHandler = Parameters<RealContents['setWindowOpenHandler']>[0];

class FakeWebContents
  extends EventEmitter
  implements Pick<RealContents, 'send' | 'setWindowOpenHandler' | 'isDestroyed' | 'reload'>
{
  readonly mainFrame: FakeFrame = { url: '', parent: null };
  /** What the page has received, by channel. */
  readonly received: { channel: string; message: unknown }[] = [];
  reloads = 0;
  #destroyed = false;
  #openHandler: OpenHandler | null = null;
  #pageListeners = new Set<(channel: string, message: unknown) => void>();

  constructor() {
    super();
    app.emit('web-contents-created', new FakeEvent(), this);
  }
  send(channel: string, message: unknown): void {
    this.#use();
    cross(message, (copy) => {
      this.received.push({ channel, message: copy });
      for (const listener of this.#pageListeners) listener(channel, copy);
    });
  }
  setWindowOpenHandler(handler: OpenHandler): void {
    this.#openHandler = handler;
  }
  isDestroyed(): boolean {
    return this.#destroyed;
  }
  reload(): void {
    this.#use();
    this.reloads++;
    this.commit(this.mainFrame.url, false);
  }
  destroyContents(): void {
    this.#destroyed = true;
    this.emit('destroyed');
  }
  /** A navigation that took place. */
  commit(url: string, isSameDocument: boolean): void {
    this.emit('did-start-navigation', { url, isSameDocument, isMainFrame: true, frame: this.mainFrame });
    if (!isSameDocument) this.#pageListeners.clear();
    this.mainFrame.url = url;
  }

  // the page's side, for tests

  /** The page goes elsewhere by itself: true when nobody stopped it. */
  pageNavigates(url: string): boolean {
    const event = new FakeEvent();
    this.emit('will-navigate', event, url, false, true);
    if (!event.defaultPrevented) this.commit(url, false);
    return !event.defaultPrevented;
  }
  pageOpens(url: string): 'allow' | 'deny' {
    return this.#openHandler?.({ url } as Parameters<OpenHandler>[0]).action ?? 'allow';
  }
  pageEmbeds(): boolean {
    const event = new FakeEvent();
    this.emit('will-attach-webview', event, {}, {});
    return !event.defaultPrevented;
  }
  pageSends(channel: string, message: unknown, frame: FakeFrame | null = this.mainFrame): void {
    deliverToMain(this, channel, message, frame);
  }
  pageInvokes(channel: string, frame: FakeFrame | null = this.mainFrame): Promise<unknown> {
    return invokeMain(this, channel, frame);
  }
  /** Until the page is replaced. */
  pageListens(listener: (channel: string, message: unknown) => void): () => void {
    this.#pageListeners.add(listener);
    return () => void this.#pageListeners.delete(listener);
  }
  #use(): void {
    if (this.#destroyed) throw new TypeError('Object has been destroyed');
  }
}

export type { FakeWebContents };

type Used =
  | 'show'
  | 'hide'
  | 'focus'
  | 'minimize'
  | 'restore'
  | 'maximize'
  | 'close'
  | 'isVisible'
  | 'isMinimized'
  | 'isMaximized'
  | 'isDestroyed'
  | 'getNormalBounds'
  | 'loadURL';

export class FakeBrowserWindow extends EventEmitter implements Pick<Real, Used> {
  static getAllWindows(): FakeBrowserWindow[] {
    return [...world.windows];
  }
  readonly options: BrowserWindowConstructorOptions;
  readonly #contents = new FakeWebContents();
  #visible: boolean;
  #minimized = false;
  #maximized = false;
  #destroyed = false;
  #bounds: Rectangle;
  focused = 0;

  constructor(options: BrowserWindowConstructorOptions = {}) {
    requireReady('BrowserWindow');
    super();
    this.options = options;
    this.#visible = options.show ?? true;
    this.#bounds = { x: options.x ?? 0, y: options.y ?? 0, width: options.width ?? 800, height: options.height ?? 600 };
    world.windows.push(this);
  }
  get webContents(): FakeWebContents {
    this.#use();
    return this.#contents;
  }
  async loadURL(url: string): Promise<void> {
    this.#use();
    const before = this.#contents.mainFrame.url;
    const first = before === '';
    this.#contents.commit(url, !first && before.split('#')[0] === url.split('#')[0]);
    await Promise.resolve();
    if (first && !this.#destroyed) this.emit('ready-to-show');
  }
  show(): void {
    this.#use();
    this.#visible = true;
    this.emit('show');
  }
  hide(): void {
    this.#use();
    this.#visible = false;
    this.emit('hide');
  }
  focus(): void {
    this.#use();
    this.focused++;
  }
  minimize(): void {
    this.#use();
    this.#minimized = true;
  }
  restore(): void {
    this.#use();
    this.#minimized = false;
  }
  maximize(): void {
    this.#use();
    this.#maximized = true;
  }
  isVisible(): boolean {
    this.#use();
    return this.#visible && !this.#minimized;
  }
  isMinimized(): boolean {
    this.#use();
    return this.#minimized;
  }
  isMaximized(): boolean {
    this.#use();
    return this.#maximized;
  }
  isDestroyed(): boolean {
    return this.#destroyed;
  }
  getNormalBounds(): Rectangle {
    this.#use();
    return { ...this.#bounds };
  }
  /** The test's: the user drags it. */
  moveTo(bounds: Rectangle): void {
    this.#bounds = bounds;
  }
  close(): void {
    this.#use();
    const event = new FakeEvent();
    this.emit('close', event);
    if (!event.defaultPrevented) this.#destroy();
  }
  #destroy(): void {
    this.#destroyed = true;
    world.windows = world.windows.filter((window) => window !== this);
    this.#contents.destroyContents();
    this.emit('closed');
    app.windowClosed();
  }
  #use(): void {
    if (this.#destroyed) throw new TypeError('Object has been destroyed');
  }
}
