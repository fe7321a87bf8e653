import { PassThrough } from 'node:stream';
import type { CommandHost } from '../../../main/headless/host.ts';
import { runCommandLine } from '../../../main/headless/runCommandLine.ts';
import { type FakeEngine, type FakeEngineScript, fakeEngine } from './fakeEngine.ts';

export interface RunOptions {
  readonly script?: FakeEngineScript;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly createEngine?: CommandHost['createEngine'];
  readonly confirm?: CommandHost['confirm'];
  readonly onEngine?: (engine: FakeEngine, signal: () => void) => void;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly engine: FakeEngine | undefined;
  readonly exits: readonly number[];
}

/** The command line as the process runs it, with a scripted engine and captured streams. */
export async function runInProcess(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const stdout = capture();
  const stderr = capture();
  const listeners = new Set<() => void>();
  const exits: number[] = [];
  let engine: FakeEngine | undefined;
  const host: CommandHost = {
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    version: '9.8.7',
    now: () => Date.now(),
    createEngine:
      options.createEngine ??
      (async (engineOptions) => {
        engine = fakeEngine(engineOptions, options.script);
        options.onEngine?.(engine, () => {
          for (const listener of listeners) listener();
        });
        return engine;
      }),
    onSignal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: (code) => exits.push(code),
    confirm: options.confirm ?? null,
  };
  const code = await runCommandLine(args, host);
  return { code, stdout: stdout.text(), stderr: stderr.text(), engine, exits };
}

export const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function capture() {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return {
    stream,
    text: () => {
      text += (stream.read() as string | null) ?? '';
      return text;
    },
  };
}
