import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { NotificationMemory } from './notifications.ts';

const Bounds = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int(),
  height: z.number().int(),
});
export type Bounds = z.infer<typeof Bounds>;

/** What the desktop host itself remembers; nothing of the engine's. */
export const DesktopState = z.object({
  window: z.object({ bounds: Bounds, maximized: z.boolean() }).nullable().catch(null),
  /** The user was asked and agreed to keys without a keychain. */
  acceptedPlainText: z.boolean().catch(false),
  /** Was told once that there is no tray and the window only minimises. */
  toldAboutMissingTray: z.boolean().catch(false),
  notifications: NotificationMemory.catch(NotificationMemory.parse({})),
});
export type DesktopState = z.infer<typeof DesktopState>;

export interface DesktopStateFile {
  read(): DesktopState;
  /** Written at once, whole or not at all. */
  change(change: Partial<DesktopState>): void;
}

/** A missing or damaged file is a first start: nothing in it is worth stopping for. */
export function openDesktopState(path: string, report: (line: string) => void): DesktopStateFile {
  let state = DesktopState.parse(readJson(path, report) ?? {});
  return {
    read: () => state,
    change: (change) => {
      state = { ...state, ...change };
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(`${path}.new`, JSON.stringify(state, null, 2), { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch (error) {
        report(`The window's state could not be saved: ${String(error)}`);
      }
    },
  };
}

function readJson(path: string, report: (line: string) => void): object | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? value : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      report(`The window's state could not be read: ${String(error)}`);
    return null;
  }
}
