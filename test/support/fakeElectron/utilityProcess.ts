import { EventEmitter } from 'node:events';
import type { UtilityProcess } from 'electron';
import { cross, requireReady, world } from './world.ts';

/** Both ends of a utilityProcess. What runs in it is `world.utilityMain`, in this very process. */
export class FakeUtilityProcess extends EventEmitter implements Pick<UtilityProcess, 'postMessage' | 'kill' | 'pid'> {
  static #lastPid = 4_000;
  readonly modulePath: string;
  readonly parentPort = Object.assign(new EventEmitter(), {
    postMessage: (message: unknown): void => {
      if (this.alive) cross(message, (copy) => void (this.alive && this.emit('message', copy)));
    },
  });
  alive = true;
  pid: number | undefined = ++FakeUtilityProcess.#lastPid;

  constructor(modulePath: string) {
    super();
    this.modulePath = modulePath;
  }
  postMessage(message: unknown): void {
    if (this.alive) cross(message, (data) => void (this.alive && this.parentPort.emit('message', { data, ports: [] })));
  }
  kill(): boolean {
    if (!this.alive) return false;
    this.exit(15);
    return true;
  }
  /** The process ends, by itself or not. */
  exit(code: number): void {
    if (!this.alive) return;
    this.alive = false;
    queueMicrotask(() => {
      this.pid = undefined;
      this.emit('exit', code);
    });
  }
}

export const utilityProcess = {
  fork: (modulePath: string): FakeUtilityProcess => {
    requireReady('utilityProcess.fork');
    const process = new FakeUtilityProcess(modulePath);
    world.utilityProcesses.push(process);
    const main = world.utilityMain;
    queueMicrotask(() => main?.(process));
    return process;
  },
};
