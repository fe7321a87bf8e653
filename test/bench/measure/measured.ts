import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { compile } from '../compile.ts';

export interface Measurement {
  readonly exitCode: number;
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  /** Of the whole process tree; of its largest process alone where only GNU time is there. */
  readonly peakRssBytes: number;
}

export interface Program {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export type Measurer = (program: Program, scratch: string, timeoutMs: number) => Promise<Measurement>;

/** How programs are measured here: by our own wrapper (measure.rs), or by GNU time where it can't be compiled. Output goes to `scratch/output.log`. */
export async function openMeasurer(): Promise<Measurer> {
  const built = await compile(fileURLToPath(new URL('./measure.rs', import.meta.url)));
  if (typeof built !== 'string') return (program, scratch, timeoutMs) => run([built.path], program, scratch, timeoutMs);
  if (!existsSync('/usr/bin/time')) throw new Error(`nothing to measure with: ${built}, and no /usr/bin/time`);
  const format = '{"exitCode":%x,"wallSeconds":%e,"userSeconds":%U,"systemSeconds":%S,"peakRssBytes":%M000}';
  return (program, scratch, timeoutMs) =>
    run(['/usr/bin/time', '--quiet', '-f', format, '-o'], program, scratch, timeoutMs);
}

async function run(
  wrapper: readonly [string, ...string[]],
  program: Program,
  scratch: string,
  timeoutMs: number,
): Promise<Measurement> {
  const result = join(scratch, 'measurement.json');
  rmSync(result, { force: true });
  const log = createWriteStream(join(scratch, 'output.log'));
  await once(log, 'open');
  const [command, ...flags] = wrapper;
  const child = spawn(command, [...flags, result, ...program.argv], {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...program.env },
    // A group of its own: what hangs is ended together with the wrapper.
    detached: true,
    ...(program.cwd !== undefined && { cwd: program.cwd }),
  });
  const hanging = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), timeoutMs);
  try {
    await once(child, 'exit');
  } finally {
    clearTimeout(hanging);
    log.end();
    await finished(log);
  }
  if (!existsSync(result)) throw new Error(`${program.argv[0]} did not end within ${timeoutMs / 1000} s, or not start`);
  return JSON.parse(readFileSync(result, 'utf8')) as Measurement;
}
