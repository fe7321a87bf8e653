import type { FakeBrowserWindow } from './browserWindow.ts';
import type { FakeNotification, FakeTray } from './surfaces.ts';
import type { FakeUtilityProcess } from './utilityProcess.ts';

/** What the fake Electron's parts share, and what a test looks at and decides. */
export interface World {
  ready: boolean;
  exitCode: number | null;
  /** Answer of requestSingleInstanceLock. */
  firstInstance: boolean;
  packaged: boolean;
  switches: Set<string>;
  paths: Record<string, string>;
  loginItem: { openAtLogin: boolean; args: string[] };
  wasOpenedAtLogin: boolean;
  windows: FakeBrowserWindow[];
  trays: FakeTray[];
  notifications: FakeNotification[];
  utilityProcesses: FakeUtilityProcess[];
  /** What runs in the next utilityProcess. */
  utilityMain: ((process: FakeUtilityProcess) => void) | null;
  applicationMenu: unknown;
  privilegedSchemes: { scheme: string; privileges: object }[];
  protocolHandlers: Map<string, (request: Request) => Response | Promise<Response>>;
  /** Answers of the next folder dialogs; empty: cancelled. */
  folderDialogs: string[];
  messageBoxAnswers: number[];
  messageBoxes: { message: string; detail?: string }[];
  opened: string[];
  shown: string[];
  keychain: { kind: 'async' | 'sync'; available: boolean; backend: string; rotated: boolean };
  displays: { x: number; y: number; width: number; height: number }[];
}

const fresh = (): World => ({
  ready: false,
  exitCode: null,
  firstInstance: true,
  packaged: false,
  switches: new Set(),
  paths: {},
  loginItem: { openAtLogin: false, args: [] },
  wasOpenedAtLogin: false,
  windows: [],
  trays: [],
  notifications: [],
  utilityProcesses: [],
  utilityMain: null,
  applicationMenu: null,
  privilegedSchemes: [],
  protocolHandlers: new Map(),
  folderDialogs: [],
  messageBoxAnswers: [],
  messageBoxes: [],
  opened: [],
  shown: [],
  keychain: { kind: 'async', available: true, backend: 'gnome_libsecret', rotated: false },
  displays: [{ x: 0, y: 0, width: 1920, height: 1080 }],
});

export const world: World = fresh();
const onReset: (() => void)[] = [];

/** A part that holds something of its own says how it starts anew. */
export const whenReset = (listener: () => void): void => void onReset.push(listener);

export function resetElectron(): void {
  Object.assign(world, fresh());
  for (const listener of onReset) listener();
}

export function requireReady(what: string): void {
  if (!world.ready) throw new Error(`${what} cannot be used before the app is ready`);
}

/** An event whose default can be prevented. */
export class FakeEvent {
  defaultPrevented = false;
  preventDefault(): void {
    this.defaultPrevented = true;
  }
}

/** What crosses a process boundary: a copy, later, and only what can be cloned. */
export function cross<Value>(value: Value, deliver: (copy: Value) => void): void {
  const copy = structuredClone(value);
  queueMicrotask(() => deliver(copy));
}
