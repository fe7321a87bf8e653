import { Menu, type MenuItemConstructorOptions, Tray } from 'electron';
import { trayIcon, trayIconFile } from './trayIcon.ts';
import { type MenuEntry, type TrayAction, type TrayFacts, trayMenu, traySentence } from './trayMenu.ts';

export interface TrayView {
  /** Drawn at most once a second, and only what changed. */
  show(facts: TrayFacts): void;
  destroy(): void;
}

export interface TrayOptions {
  readonly iconDirectory: string;
  readonly onAction: (action: TrayAction) => void;
}

const drawEveryMs = 1_000;
/** Windows cuts a tooltip at 127 characters. */
const maxTooltip = 127;

export function createTray(options: TrayOptions, first: TrayFacts): TrayView {
  const tray = new Tray(trayIcon(options.iconDirectory, traySentence(first).state));
  const drawn = { icon: '', tooltip: '', menu: '' };
  let wanted = first;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const draw = (): void => {
    timer = undefined;
    drawnAt = performance.now();
    const { state, text } = traySentence(wanted);
    const icon = trayIconFile(state, process.platform);
    if (icon !== drawn.icon) tray.setImage(trayIcon(options.iconDirectory, state));
    const tooltip = `Sluice: ${text}`.slice(0, maxTooltip);
    if (tooltip !== drawn.tooltip) tray.setToolTip(tooltip);
    const entries = trayMenu(wanted);
    const menu = JSON.stringify(entries);
    if (menu !== drawn.menu)
      tray.setContextMenu(Menu.buildFromTemplate(entries.map((entry) => item(entry, options.onAction))));
    Object.assign(drawn, { icon, tooltip, menu });
  };
  // on macOS a click opens the menu
  if (process.platform !== 'darwin') tray.on('click', () => options.onAction({ type: 'show', screen: 'overview' }));
  draw();

  return {
    show: (facts) => {
      wanted = facts;
      timer ??= setTimeout(draw, Math.max(0, drawnAt + drawEveryMs - performance.now()));
    },
    destroy: () => {
      clearTimeout(timer);
      tray.destroy();
    },
  };
}

function item(entry: MenuEntry, onAction: (action: TrayAction) => void): MenuItemConstructorOptions {
  if (entry.kind === 'separator') return { type: 'separator' };
  const label = entry.label.replaceAll('&', '&&');
  switch (entry.kind) {
    case 'text':
      return { label, enabled: false };
    case 'submenu':
      return { label, submenu: entry.entries.map((inner) => item(inner, onAction)) };
    case 'check':
      return { label, type: 'checkbox', checked: entry.checked, click: () => onAction(entry.action) };
    case 'action':
      return { label, click: () => onAction(entry.action) };
  }
}
