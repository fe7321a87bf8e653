import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { _electron, type ElectronApplication } from 'playwright-core';

/*
 * Our desktop app, run by a real Electron:
 *   SLUICE_ELECTRON          an executable whose app is ours (a packaged build), or
 *   SLUICE_ELECTRON_RUNTIME  a folder of an unpacked runtime (executable `electron`), or
 *   the electron package's own binary, where it was downloaded.
 */

const repo = fileURLToPath(new URL('../../', import.meta.url));

type Electron =
  | { readonly kind: 'packaged'; readonly executable: string }
  | { readonly kind: 'runtime'; readonly folder: string }
  | { readonly kind: 'npm'; readonly executable: string };

export function findElectron(env: NodeJS.ProcessEnv = process.env): { electron: Electron | null; missing: string } {
  if (env.SLUICE_ELECTRON) return { electron: { kind: 'packaged', executable: env.SLUICE_ELECTRON }, missing: '' };
  if (env.SLUICE_ELECTRON_RUNTIME)
    return { electron: { kind: 'runtime', folder: env.SLUICE_ELECTRON_RUNTIME }, missing: '' };
  const name = join(repo, 'node_modules/electron/path.txt');
  const executable = existsSync(name) ? join(repo, 'node_modules/electron/dist', readFileSync(name, 'utf8')) : '';
  if (executable && existsSync(executable)) return { electron: { kind: 'npm', executable }, missing: '' };
  return {
    electron: null,
    missing: 'Electron tests skipped: no Electron binary here (set SLUICE_ELECTRON or SLUICE_ELECTRON_RUNTIME)',
  };
}

export interface DesktopRun {
  readonly app: ElectronApplication;
  /** The main process, also after its end. */
  readonly main: ChildProcess;
  readonly dataDir: string;
  /** Everything the app wrote on its standard error so far. */
  log(): string;
  /** Ends what is still running and removes the folders. */
  dispose(): Promise<void>;
}

export interface DesktopRunOptions {
  readonly electron: Electron;
  /** Runs as the engine's process; the real one unless given. A packaged build always runs its own. */
  readonly engineEntry?: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts the app with a fresh data directory, on a virtual display where there is none. */
export async function runDesktop(options: DesktopRunOptions): Promise<DesktopRun> {
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-desktop-'));
  const dataDir = join(scratch, 'data');
  const display = await virtualDisplay();
  const { executable, args } = prepare(options, scratch);
  // root has no user namespaces of its own to sandbox with
  const rootArgs = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  let text = '';
  const launched = _electron.launch({
    executablePath: executable,
    args: [...rootArgs, '--disable-gpu', '--password-store=basic', ...args, ...(options.args ?? [])],
    env: stringsOnly({
      ...process.env,
      SLUICE_DATA_DIR: dataDir,
      SLUICE_TRAY: 'on',
      // an older runtime's own Node can't load the ledger
      ...(options.electron.kind === 'runtime' ? { SLUICE_ENGINE_NODE: process.execPath } : {}),
      ...display.env,
      ...options.env,
    }),
  });
  const app = await launched.catch((error: unknown) => {
    display.close();
    throw error;
  });
  // Playwright forgets the process once it has ended
  const main = app.process();
  main.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return {
    app,
    main,
    dataDir,
    log: () => text,
    dispose: async () => {
      if (main.exitCode === null && main.signalCode === null) {
        const gone = new Promise((resolve) => main.once('exit', resolve));
        main.kill('SIGKILL');
        await gone;
      }
      display.close();
      rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function prepare(
  { electron, engineEntry }: DesktopRunOptions,
  scratch: string,
): { executable: string; args: string[] } {
  if (electron.kind === 'packaged') return { executable: electron.executable, args: [] };
  if (electron.kind === 'npm') {
    const app = join(scratch, 'app');
    prepareElectronApp(app, engineEntry);
    return { executable: electron.executable, args: [app] };
  }
  // the app of an unpacked runtime is resources/app; hard links cost no space
  const run = join(scratch, 'run');
  mkdirSync(run);
  try {
    execFileSync('cp', ['-al', `${electron.folder}/.`, run], { stdio: 'ignore' });
  } catch {
    // another file system
    execFileSync('cp', ['-a', `${electron.folder}/.`, run]);
  }
  prepareElectronApp(join(run, 'resources/app'), engineEntry);
  return { executable: join(run, 'electron'), args: [] };
}

/** The app's folder as a package holds it, made from dist/. Copies, not links: the main process finds its files beside its own real path. */
export function prepareElectronApp(folder: string, engineEntry: string | undefined): void {
  const { name, version } = JSON.parse(readFileSync(join(repo, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  for (const needed of ['dist/desktop', 'dist/renderer', 'build/tray', ...(engineEntry ? [] : ['dist/main'])]) {
    if (!existsSync(join(repo, needed))) throw new Error(`${needed} is missing: run npm run build first`);
    cpSync(join(repo, needed), join(folder, needed), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, main: 'dist/desktop/main.cjs' }));
  if (engineEntry) {
    mkdirSync(join(folder, 'dist/main'), { recursive: true });
    writeFileSync(join(folder, 'dist/main/package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'dist/main/engineProcess.js'), `import ${JSON.stringify(engineEntry)};\n`);
  } else {
    writeFileSync(join(folder, 'dist/main/package.json'), '{"type":"module"}');
    symlinkSync(join(repo, 'node_modules'), join(folder, 'node_modules'), 'junction');
  }
}

interface Display {
  readonly env: NodeJS.ProcessEnv;
  close(): void;
}

/** An Xvfb of our own where Linux has no display. Throws when it can't be started. */
async function virtualDisplay(): Promise<Display> {
  if (process.platform !== 'linux' || process.env.DISPLAY) return { env: {}, close: () => {} };
  const child: ChildProcess = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const number = await new Promise<string>((resolve, reject) => {
    child.once('error', () => reject(new Error('No display, and Xvfb is not installed')));
    child.once('exit', (code) => reject(new Error(`Xvfb ended with exit code ${code}`)));
    child.stdio[3]?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  return { env: { DISPLAY: `:${number}` }, close: () => void child.kill() };
}

function stringsOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
