import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface LedgerProcess {
  readonly pid: number;
  /** Numbers of the rounds it committed so far. */
  readonly rounds: readonly number[];
  /** Resolves once it has committed `count` rounds. */
  reached(count: number): Promise<void>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
}

/** ledgerProcess.ts in a process of its own, holding `dataDir`. */
export async function spawnLedger(mode: 'hold' | 'write', dataDir: string): Promise<LedgerProcess> {
  const script = fileURLToPath(new URL('./ledgerProcess.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, mode, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  const waiting = new Set<{
    readonly lines: number;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }>();
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
    for (const one of waiting) if (lines.length >= one.lines) one.resolve();
  });
  const reach = (count: number) =>
    new Promise<void>((resolve, reject) => {
      waiting.add({ lines: count, resolve, reject });
      if (lines.length >= count) resolve();
    });
  void ended.then(() => {
    for (const one of waiting) one.reject(new Error('the ledger process ended by itself'));
  });
  await reach(1);
  return {
    pid: child.pid!,
    get rounds() {
      return lines.slice(1).map(Number);
    },
    reached: (count) => reach(count + 1),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
