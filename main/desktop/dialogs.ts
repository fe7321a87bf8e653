import { type BrowserWindow, dialog, Notification } from 'electron';

/** Asks once whether keys may be kept where no keychain protects them; "no" is the default, and Escape. */
export async function askForPlainText(window: BrowserWindow | null): Promise<boolean> {
  const question = {
    type: 'warning' as const,
    title: 'No keychain',
    message: 'This desktop has no keychain to protect your access keys',
    detail:
      'Kept all the same, they could be read by every program that runs under your account. Better: install GNOME Keyring or KWallet, or sign in with an AWS profile.',
    buttons: ['Do not keep them', 'Keep them unprotected'],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  };
  const { response } = window ? await dialog.showMessageBox(window, question) : await dialog.showMessageBox(question);
  return response === 1;
}

/** There is no tray to come back from: said once, without stopping anybody. */
export function tellMissingTray(): void {
  if (!Notification.isSupported()) return;
  new Notification({
    title: 'Sluice keeps running',
    body: 'This desktop shows no tray icon, so the window is only minimised. Quit with Ctrl+Q.',
  }).show();
}
