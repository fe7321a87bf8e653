import { join } from 'node:path';
import { app, type BrowserWindow, session, shell } from 'electron';
import { errorView } from '../../shared/errors.ts';
import type { Snapshot } from '../../shared/syncApi.ts';
import { setAppMenu } from './appMenu.ts';
import { declareAppProtocol, serveAppProtocol } from './appProtocol.ts';
import { dataDir } from './dataDir.ts';
import { type DesktopStateFile, openDesktopState } from './desktopState.ts';
import { askForPlainText, tellMissingTray } from './dialogs.ts';
import { createEngineLauncher, type EngineLauncher } from './engineLauncher.ts';
import { createEngineSupervisor, type EngineSupervisor } from './engineSupervisor.ts';
import { registerIpc } from './ipc.ts';
import { hiddenFlag, loginItem, startedHidden } from './loginItem.ts';
import { createNotifier } from './notifier.ts';
import { followPower } from './power.ts';
import { createSecretVault } from './secretVault.ts';
import { followSnapshots } from './snapshotFeed.ts';
import { createTray } from './tray.ts';
import { trayAvailable } from './trayAvailability.ts';
import { pauseEnd, type TrayAction, type TrayFacts } from './trayMenu.ts';
import { confine, createMainWindow, type MainWindow } from './window.ts';

export interface DesktopOptions {
  /** Holds package.json, dist/ and build/. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
  /** The runtime's own way to start the engine unless given (tests). */
  readonly launcher?: EngineLauncher;
  readonly report: (line: string) => void;
}

/** What parts in flight get to finish when the app quits. */
const quitGraceMs = 5_000;

/** The app from its first moment to its last; called once, before Electron is ready. */
export function startDesktop(options: DesktopOptions): void {
  const { env, report } = options;
  if (env.SLUICE_DATA_DIR) app.setPath('userData', join(dataDir(env), 'desktop'));
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  app.setAppUserModelId('com.sluice.desktop');
  // every page, also one we did not think of; whoever switched the sandbox off (root in a container) gets what was asked for
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  declareAppProtocol();
  app.on('web-contents-created', (_event, contents) => confine(contents, report));
  app.whenReady().then(
    () => run(options),
    (error: unknown) => {
      report(`Sluice could not start: ${errorView(error).message}`);
      app.exit(1);
    },
  );
}

function run(options: DesktopOptions): void {
  const { root, env, report } = options;
  const state = openDesktopState(join(app.getPath('userData'), 'desktop.json'), report);
  const login = loginItem(env);
  refusePermissions();
  serveAppProtocol(join(root, 'dist/renderer'));

  const secrets = createSecretVault({
    path: join(app.getPath('userData'), 'keys.json'),
    acceptPlainText: () => acceptPlainText(state, window.current()),
  });
  const launcher =
    options.launcher ??
    createEngineLauncher(join(root, 'dist/main/engineProcess.js'), {
      nodeVersion: process.versions.node,
      engineNode: env.SLUICE_ENGINE_NODE,
    });
  const supervisor = createEngineSupervisor({
    launcher,
    secrets,
    dataDir: dataDir(env),
    version: app.getVersion(),
    report,
  });
  const ipc = registerIpc({ supervisor, currentWindow: () => window.current(), report });
  const window = createMainWindow({
    preload: join(root, 'dist/desktop/preload.cjs'),
    state,
    onCreated: ipc.attach,
    onClose: (closed) => void putAway(closed, env, state),
    report,
  });
  const show: MainWindow['show'] = (screen) => {
    // opening the app is the user's way to say "try again"
    if (supervisor.status().kind === 'given-up') supervisor.start();
    window.show(screen);
  };

  let snapshot: Snapshot | null = null;
  const facts = (): TrayFacts => ({
    snapshot,
    engine: supervisor.status().kind,
    startAtLogin: login?.enabled() ?? null,
  });
  const tray = createTray(
    {
      iconDirectory: join(root, 'build/tray'),
      onAction: (action) => {
        act(action).catch((error: unknown) => report(`Tray menu: ${errorView(error).message}`));
      },
    },
    facts(),
  );
  const notify = createNotifier({ state, show });
  const act = async (action: TrayAction): Promise<void> => {
    switch (action.type) {
      case 'show':
        return show(action.screen === 'overview' ? undefined : action.screen);
      case 'pause':
        return void (await supervisor.api.pauseAll({ untilMs: pauseEnd(action.span, new Date()) }));
      case 'resume':
        return void (await supervisor.api.resumeAll({}));
      case 'open-folder':
        return await openFolder(action.path, report);
      case 'start-at-login':
        login?.set(action.enabled);
        return tray.show(facts());
      case 'start-engine':
        return supervisor.start();
      case 'quit':
        return app.quit();
    }
  };

  followSnapshots(supervisor.api, (next, previous) => {
    snapshot = next;
    tray.show(facts());
    notify(next, previous);
  });
  supervisor.onStatus(() => tray.show(facts()));
  followPower({ api: supervisor.api, quit: () => app.quit(), report });
  setAppMenu(process.platform, () => app.quit());

  app.on('second-instance', (_event, argv) => {
    if (!argv.includes(hiddenFlag)) show();
  });
  app.on('activate', () => show());
  // it lives in the tray
  app.on('window-all-closed', () => {});
  quitWithCheckpoint({ supervisor, window, onQuit: () => tray.destroy(), report });

  supervisor.start();
  if (!startedHidden(options.argv)) show();
}

/** Nothing in the page needs a camera, a location, a clipboard read or a notification of its own. */
function refusePermissions(): void {
  const { defaultSession } = session;
  defaultSession.setPermissionRequestHandler((_contents, _permission, callback) => callback(false));
  defaultSession.setPermissionCheckHandler(() => false);
  defaultSession.setDevicePermissionHandler(() => false);
  defaultSession.on('will-download', (event) => event.preventDefault());
}

async function acceptPlainText(state: DesktopStateFile, window: BrowserWindow | null): Promise<boolean> {
  if (state.read().acceptedPlainText) return true;
  const accepted = await askForPlainText(window);
  if (accepted) state.change({ acceptedPlainText: true });
  return accepted;
}

async function putAway(window: BrowserWindow, env: NodeJS.ProcessEnv, state: DesktopStateFile): Promise<void> {
  const tray = await trayAvailable(process.platform, env.SLUICE_TRAY);
  if (window.isDestroyed()) return;
  if (tray) {
    window.hide();
    return;
  }
  window.minimize();
  if (state.read().toldAboutMissingTray) return;
  tellMissingTray();
  state.change({ toldAboutMissingTray: true });
}

async function openFolder(path: string, report: (line: string) => void): Promise<void> {
  const problem = await shell.openPath(path);
  if (problem) report(`${path} was not opened: ${problem}`);
}

interface QuitOptions {
  readonly supervisor: EngineSupervisor;
  readonly window: MainWindow;
  readonly onQuit: () => void;
  readonly report: (line: string) => void;
}

/** The first `before-quit` is held back until the engine has written its checkpoint; the second one passes. */
function quitWithCheckpoint({ supervisor, window, onQuit, report }: QuitOptions): void {
  let phase: 'running' | 'stopping' | 'stopped' = 'running';
  app.on('before-quit', (event) => {
    if (phase === 'stopped') return;
    event.preventDefault();
    if (phase === 'stopping') return;
    phase = 'stopping';
    window.save();
    window.release();
    window.current()?.hide();
    supervisor
      .stop(quitGraceMs)
      .catch((error: unknown) => report(`The engine could not be stopped: ${errorView(error).message}`))
      .finally(() => {
        phase = 'stopped';
        onQuit();
        app.quit();
      });
  });
}
