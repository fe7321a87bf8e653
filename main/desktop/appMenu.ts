import { Menu, type MenuItemConstructorOptions } from 'electron';

/** What the platform's keyboard shortcuts need and no more: no reload, no developer tools. */
export function setAppMenu(platform: NodeJS.Platform, quit: () => void): void {
  const edit: MenuItemConstructorOptions = { role: 'editMenu' };
  const file: MenuItemConstructorOptions = {
    label: 'File',
    submenu: [
      { role: 'close' },
      { type: 'separator' },
      { label: 'Quit Sluice', accelerator: 'CommandOrControl+Q', click: quit },
    ],
  };
  const template: MenuItemConstructorOptions[] =
    platform === 'darwin' ? [{ role: 'appMenu' }, edit, { role: 'windowMenu' }] : [file, edit];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
