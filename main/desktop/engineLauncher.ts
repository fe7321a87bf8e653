import { spawn } from 'node:child_process';
import { utilityProcess } from 'electron';
import type { ToEngine } from './engineMessages.ts';

/** One running engine process. */
export interface EngineProcess {
  readonly pid: number | undefined;
  send(message: ToEngine): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, also when it could not be started at all. `code` is null after a signal. */
  onExit(listener: (code: number | null) => void): void;
  /** At once, without a checkpoint. */
  kill(): void;
}

export interface EngineLauncher {
  start(): EngineProcess;
}

/** The ledger's native module and the engine's JavaScript need this Node. */
const engineNodeMajor = 24;

export interface LauncherChoice {
  readonly nodeVersion: string;
  /** SLUICE_ENGINE_NODE: a Node binary to run the engine with, whatever this runtime's own Node is. */
  readonly engineNode: string | undefined;
}

/** The runtime's own Node where it is new enough; otherwise a Node 24 from outside, `node` of the PATH unless one is named. */
export function chooseLauncher(choice: LauncherChoice): { kind: 'utility' } | { kind: 'node'; binary: string } {
  if (choice.engineNode) return { kind: 'node', binary: choice.engineNode };
  return Number.parseInt(choice.nodeVersion, 10) >= engineNodeMajor
    ? { kind: 'utility' }
    : { kind: 'node', binary: 'node' };
}

export function createEngineLauncher(entry: string, choice: LauncherChoice): EngineLauncher {
  const chosen = chooseLauncher(choice);
  return chosen.kind === 'utility' ? utilityLauncher(entry) : nodeLauncher(entry, chosen.binary);
}

function utilityLauncher(entry: string): EngineLauncher {
  return {
    start: () => {
      const child = utilityProcess.fork(entry, [], { serviceName: 'Sluice engine', stdio: 'inherit' });
      return {
        get pid() {
          return child.pid;
        },
        send: (message) => child.postMessage(message),
        onMessage: (listener) => child.on('message', listener),
        onExit: (listener) => child.once('exit', (code) => listener(code)),
        kill: () => void child.kill(),
      };
    },
  };
}

function nodeLauncher(entry: string, binary: string): EngineLauncher {
  return {
    start: () => {
      const child = spawn(binary, [entry], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], windowsHide: true });
      return {
        pid: child.pid,
        // a failed write is followed by `exit`, which says it all
        send: (message) => void (child.connected && child.send(message, () => {})),
        onMessage: (listener) => child.on('message', listener),
        onExit: (listener) => {
          let told = false;
          const tell = (code: number | null) => {
            if (!told) listener(code);
            told = true;
          };
          child.once('exit', tell);
          child.on('error', () => {
            // not an error of a running child (a failed kill or send): it never started, and no `exit` will come
            if (child.pid === undefined) tell(127);
          });
        },
        kill: () => void child.kill('SIGKILL'),
      };
    },
  };
}
