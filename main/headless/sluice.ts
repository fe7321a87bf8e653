import { errorView } from '../../shared/errors.ts';
import { warmScanThread } from '../engine/watch/scanThread.ts';
import type { CommandHost, Output } from './host.ts';
import { runCommandLine } from './runCommandLine.ts';
import { sayError } from './say.ts';
import { version } from './version.ts';

// A pass reads the folder first, on a thread that takes as long to start as all the rest of the program.
if (process.argv[2] === 'sync') warmScanThread();

/** The process `sluice`: its real streams, signals and engine around runCommandLine. */
const host: CommandHost = {
  stdout: surviving(process.stdout),
  stderr: surviving(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  version,
  now: () => Date.now(),
  createEngine: async (options) => {
    // Loaded when a command needs it: help, plan and usage errors don't.
    const { createSyncEngine } = await import('../engine/createSyncEngine.ts');
    return createSyncEngine(options);
  },
  onSignal: (listener) => {
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
  exit: (code) => process.exit(code),
  confirm: process.stdin.isTTY && process.stderr.isTTY ? confirmOnTerminal : null,
};
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// A bug of ours is one sentence too; with SLUICE_DEBUG its stack.
process.on('uncaughtException', (error) => {
  sayError(host, error, errorView(error));
  process.exit(1);
});

const exitCode = await runCommandLine(process.argv.slice(2), host);
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// Sockets that a store keeps alive must not hold the process.
process.exit(exitCode);

/** Whoever reads our output may go away (`sluice … | head`), the disk under a log may be full: the work goes on, the output is dropped. */
function surviving(stream: NodeJS.WriteStream): Output {
  stream.on('error', () => {});
  return stream;
}

/** Pipes are asynchronous on some platforms: exiting at once would cut the summary off. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

async function confirmOnTerminal(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
