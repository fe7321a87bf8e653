import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { app } from 'electron';

/** Started by the session: no window. */
export const hiddenFlag = '--hidden';

export interface LoginItem {
  enabled(): boolean;
  /** Throws when the system refuses. */
  set(enabled: boolean): void;
}

/** null where start at login makes no sense: an app that runs from its source. */
export function loginItem(env: NodeJS.ProcessEnv): LoginItem | null {
  if (!app.isPackaged) return null;
  return process.platform === 'linux' ? autostartEntry(env) : systemItem();
}

function systemItem(): LoginItem {
  const args = process.platform === 'win32' ? [hiddenFlag] : [];
  return {
    enabled: () => app.getLoginItemSettings({ args }).openAtLogin,
    set: (enabled) => app.setLoginItemSettings({ openAtLogin: enabled, args }),
  };
}

/** Electron has no login items on Linux; the XDG autostart folder is what desktops there read. */
function autostartEntry(env: NodeJS.ProcessEnv): LoginItem {
  const config = env.XDG_CONFIG_HOME || join(app.getPath('home'), '.config');
  const path = join(config, 'autostart', 'sluice.desktop');
  return {
    enabled: () => {
      try {
        return !/^(Hidden=true|X-GNOME-Autostart-enabled=false)$/m.test(readFileSync(path, 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw error;
      }
    },
    set: (enabled) => {
      if (!enabled) return rmSync(path, { force: true });
      mkdirSync(dirname(path), { recursive: true });
      // an AppImage runs from a mount of its own that is gone after a restart
      writeFileSync(path, desktopEntry(env.APPIMAGE || process.execPath));
    },
  };
}

function desktopEntry(executable: string): string {
  // quoting rules of the Desktop Entry Specification: the string escape comes on top of the argument escape
  const quoted = executable
    .replace(/[\\"`$]/g, '\\$&')
    .replaceAll('\\', '\\\\')
    .replaceAll('%', '%%');
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Sluice',
    'Comment=Keeps folders synced to S3',
    `Exec="${quoted}" ${hiddenFlag}`,
    'Icon=sluice',
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

/** Was this start the session's, not the user's? */
export function startedHidden(argv: readonly string[]): boolean {
  if (argv.includes(hiddenFlag)) return true;
  return process.platform === 'darwin' && app.getLoginItemSettings().wasOpenedAtLogin;
}
