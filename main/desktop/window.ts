import { BrowserWindow, nativeTheme, screen, type WebContents } from 'electron';
import { appUrl, isAppUrl } from './appProtocol.ts';
import type { DesktopStateFile } from './desktopState.ts';
import type { Screen } from './trayMenu.ts';
import { minimumSize, windowBounds } from './windowBounds.ts';

export interface MainWindow {
  /** null until it is shown for the first time: a start in the tray costs no page. */
  current(): BrowserWindow | null;
  /** In front, on this screen; the screen stays what it was when none is named. */
  show(screen?: Screen): void;
  /** The app is quitting: from now on `close` closes. */
  release(): void;
  save(): void;
}

export interface WindowOptions {
  readonly preload: string;
  readonly state: DesktopStateFile;
  /** Called for each new window, before it loads anything. */
  readonly onCreated: (window: BrowserWindow) => void;
  /** The user closed it: hide, or minimise where nothing could bring it back. */
  readonly onClose: (window: BrowserWindow) => void;
  readonly report: (line: string) => void;
}

/** A page that crashes again and again is not loaded for ever. */
const maxReloads = 3;
const reloadWindowMs = 60_000;
const routes: Readonly<Record<Screen, string>> = { overview: '#/overview', issues: '#/issues' };

export function createMainWindow(options: WindowOptions): MainWindow {
  let window: BrowserWindow | null = null;
  let released = false;

  const save = (): void => {
    if (!window || window.isDestroyed()) return;
    options.state.change({ window: { bounds: window.getNormalBounds(), maximized: window.isMaximized() } });
  };
  const create = (route: string): BrowserWindow => {
    const saved = options.state.read().window;
    const areas = screen.getAllDisplays().map((display) => display.workArea);
    const created = new BrowserWindow({
      ...windowBounds(saved?.bounds ?? null, areas),
      minWidth: minimumSize.width,
      minHeight: minimumSize.height,
      title: 'Sluice',
      show: false,
      autoHideMenuBar: true,
      // what is seen before the first paint
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#101418' : '#ffffff',
      webPreferences: {
        preload: options.preload,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webviewTag: false,
        webSecurity: true,
        allowRunningInsecureContent: false,
        navigateOnDragDrop: false,
        safeDialogs: true,
        spellcheck: false,
      },
    });
    if (saved?.maximized) created.maximize();
    created.on('close', (event) => {
      save();
      if (released) return;
      event.preventDefault();
      options.onClose(created);
    });
    created.on('closed', () => {
      window = null;
    });
    reloadAfterCrash(created.webContents, options.report);
    options.onCreated(created);
    created.once('ready-to-show', () => created.show());
    created
      .loadURL(`${appUrl}${route}`)
      .catch((error: unknown) => options.report(`The window could not be loaded: ${String(error)}`));
    return created;
  };

  return {
    current: () => window,
    show: (target) => {
      if (!window) {
        window = create(target ? routes[target] : '');
        return;
      }
      // only the fragment differs: the page stays
      if (target === 'issues') void window.loadURL(`${appUrl}${routes[target]}`).catch(() => {});
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    release: () => {
      released = true;
    },
    save,
  };
}

/** No page of ours leads anywhere else, opens windows or embeds anything; whoever tries is refused. For every web contents there will be. */
export function confine(contents: WebContents, report: (line: string) => void): void {
  contents.setWindowOpenHandler(({ url }) => {
    report(`Refused to open a window for ${originOf(url)}`);
    return { action: 'deny' };
  });
  contents.on('will-navigate', (event, url) => {
    if (isAppUrl(url)) return;
    report(`Refused to leave the app for ${originOf(url)}`);
    event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function reloadAfterCrash(contents: WebContents, report: (line: string) => void): void {
  let crashes: number[] = [];
  contents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit') return;
    const now = performance.now();
    crashes = [...crashes.filter((at) => now - at < reloadWindowMs), now];
    report(`The window's process ended: ${reason} (exit code ${exitCode})`);
    if (crashes.length <= maxReloads) contents.reload();
  });
}

/** A URL can hold secrets; for the log its origin is enough. */
function originOf(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return 'a malformed URL';
  }
}
