import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveEngine } from '../../../main/desktop/engineHost.ts';
import { startDesktop } from '../../../main/desktop/lifecycle.ts';
import type { EngineOptions, SyncEngine } from '../../../main/engine/engine.ts';
import { app } from '../../support/fakeElectron/app.ts';
import type { FakeBrowserWindow } from '../../support/fakeElectron/browserWindow.ts';
import type { FakeTray } from '../../support/fakeElectron/surfaces.ts';
import type { FakeUtilityProcess } from '../../support/fakeElectron/utilityProcess.ts';
import { resetElectron, world } from '../../support/fakeElectron/world.ts';
import { createFixtureApi, type FixtureApi, fixtureSnapshot } from './fixtureSyncApi.ts';

/** The whole desktop host on the fake Electron, its engine a fixture behind the real serving code. */
export interface Host {
  readonly lines: string[];
  readonly folder: string;
  /** Of the engine that runs now. */
  api(): FixtureApi;
  engineOptions(): EngineOptions;
  engine(): FakeUtilityProcess;
  stops: number;
  window(): FakeBrowserWindow;
  tray(): FakeTray;
  /** A call as the page makes it. */
  ask(method: string, params?: unknown): Promise<unknown>;
  dispose(): void;
}

export interface HostOptions {
  readonly argv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Before the app starts: what this machine is like. */
  readonly prepare?: (folder: string) => void;
  /** Instead of the fixture. */
  readonly createEngine?: (options: EngineOptions) => Promise<SyncEngine>;
  /** A stop that never ends. */
  readonly hang?: boolean;
  readonly folder?: string;
}

const repo = fileURLToPath(new URL('../../../', import.meta.url));

export async function startHost(options: HostOptions = {}): Promise<Host> {
  resetElectron();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'sluice-host-'));
  world.paths = { userData: join(folder, 'unused'), home: folder };
  options.prepare?.(folder);
  let api: FixtureApi | undefined;
  let engineOptions: EngineOptions | undefined;
  const lines: string[] = [];
  let lastId = 100;
  const host: Host = {
    lines,
    folder,
    stops: 0,
    api: () => api as FixtureApi,
    engineOptions: () => engineOptions as EngineOptions,
    engine: () => world.utilityProcesses.at(-1) as FakeUtilityProcess,
    window: () => world.windows[0] as FakeBrowserWindow,
    tray: () => world.trays[0] as FakeTray,
    ask: (method, params = {}) => {
      const id = ++lastId;
      const { webContents } = host.window();
      return new Promise((resolve) => {
        const stop = webContents.pageListens((_channel, message) => {
          const answer = message as { id?: number };
          if (answer.id !== id) return;
          stop();
          resolve(message);
        });
        webContents.pageSends('sluice:to-engine', { type: 'call', id, method, params });
      });
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
  const createFixture = async (given: EngineOptions): Promise<SyncEngine> => {
    engineOptions = given;
    api = createFixtureApi({ about: { ...fixtureSnapshot().about, dataDir: given.dataDir } });
    return engineOf(api, async () => {
      host.stops++;
      if (options.hang) await new Promise(() => {});
    });
  };
  world.utilityMain = (process) =>
    serveEngine(
      {
        send: (message) => process.parentPort.postMessage(message),
        onMessage: (listener) => process.parentPort.on('message', ({ data }: { data: unknown }) => listener(data)),
        onClose: () => {},
      },
      options.createEngine ?? createFixture,
      (code) => process.exit(code),
    );

  startDesktop({
    root: repo,
    env: { SLUICE_DATA_DIR: join(folder, 'data'), SLUICE_TRAY: 'on', ...options.env },
    argv: options.argv ?? ['sluice'],
    report: (line) => lines.push(line),
  });
  app.becomeReady();
  await settle();
  return host;
}

function engineOf(api: FixtureApi, stop: () => Promise<void>): SyncEngine {
  const refuse = (): never => {
    throw new Error('not in this fixture');
  };
  return {
    api,
    sentence: () => fixtureSnapshot().sentence,
    onEvent: () => () => {},
    metrics: async () => [],
    ensureFolder: refuse,
    runOnce: refuse,
    summary: refuse,
    start: async () => {},
    stop,
  };
}

/** Until everything that waits for nothing but its turn has had it. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
}
