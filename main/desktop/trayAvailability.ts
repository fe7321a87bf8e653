import { execFile } from 'node:child_process';

const askMs = 1_500;
const watcherQuestion = [
  '--session',
  '--print-reply',
  '--dest=org.freedesktop.DBus',
  '/org/freedesktop/DBus',
  'org.freedesktop.DBus.NameHasOwner',
  'string:org.kde.StatusNotifierWatcher',
];

/**
 * Can a tray icon be seen? Linux desktops without a status notifier (GNOME as it comes) show none and report no error. `setting` is
 * SLUICE_TRAY: `on` or `off` where we guess wrong (panels that speak the older protocol only).
 */
export async function trayAvailable(platform: NodeJS.Platform, setting: string | undefined): Promise<boolean> {
  if (setting === 'on') return true;
  if (setting === 'off') return false;
  if (platform !== 'linux') return true;
  // no dbus-send or no session bus: no tray that we know of, and minimising is always safe
  return await new Promise((resolve) => {
    execFile('dbus-send', watcherQuestion, { timeout: askMs }, (error, stdout) => {
      resolve(error === null && /boolean true/.test(stdout));
    });
  });
}
