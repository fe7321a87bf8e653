import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import type { MenuItemConstructorOptions, NotificationConstructorOptions, Tray } from 'electron';
import { requireReady, world } from './world.ts';

export class FakeImage {
  template = false;
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
  /** A missing file makes an empty image, not an error: Electron's trap. */
  isEmpty(): boolean {
    return !existsSync(this.path);
  }
  setTemplateImage(template: boolean): void {
    this.template = template;
  }
}
export const nativeImage = { createFromPath: (path: string): FakeImage => new FakeImage(path) };

export interface FakeMenu {
  readonly items: readonly MenuItemConstructorOptions[];
}
export const Menu = {
  buildFromTemplate: (items: MenuItemConstructorOptions[]): FakeMenu => ({ items }),
  setApplicationMenu: (menu: FakeMenu | null): void => {
    world.applicationMenu = menu;
  },
};

export class FakeTray extends EventEmitter implements Pick<Tray, 'setToolTip' | 'destroy'> {
  image: FakeImage;
  tooltip = '';
  menu: FakeMenu | null = null;
  destroyed = false;
  /** How often each was drawn. */
  readonly drawn = { image: 0, tooltip: 0, menu: 0 };

  constructor(image: FakeImage) {
    requireReady('Tray');
    super();
    this.image = image;
    world.trays.push(this);
  }
  setImage(image: FakeImage): void {
    this.#use();
    this.drawn.image++;
    this.image = image;
  }
  setToolTip(tooltip: string): void {
    this.#use();
    this.drawn.tooltip++;
    this.tooltip = tooltip;
  }
  setContextMenu(menu: FakeMenu | null): void {
    this.#use();
    this.drawn.menu++;
    this.menu = menu;
  }
  destroy(): void {
    this.destroyed = true;
  }
  #use(): void {
    if (this.destroyed) throw new TypeError('Object has been destroyed');
  }

  // for tests
  labels(): (string | undefined)[] {
    return (this.menu?.items ?? []).map((item) => (item.type === 'separator' ? '—' : item.label));
  }
  /** Clicks the item of this label, also in a submenu. */
  choose(label: string): void {
    const find = (items: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions | undefined => {
      for (const item of items) {
        if (item.label === label) return item;
        const inner = Array.isArray(item.submenu) ? find(item.submenu) : undefined;
        if (inner) return inner;
      }
      return undefined;
    };
    const item = find(this.menu?.items ?? []);
    if (!item?.click) throw new Error(`no item ${label} among ${this.labels().join(' | ')}`);
    if (item.enabled === false) throw new Error(`${label} is disabled`);
    (item.click as () => void)();
  }
}

export class FakeNotification extends EventEmitter {
  static isSupported(): boolean {
    return true;
  }
  readonly options: NotificationConstructorOptions;
  constructor(options: NotificationConstructorOptions) {
    super();
    this.options = options;
  }
  show(): void {
    world.notifications.push(this);
  }
}
