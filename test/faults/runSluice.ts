import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SyncSummary } from '../../shared/events.ts';

/** The built program unless `SLUICE_PROGRAM` names another (`main/headless/sluice.ts` runs unbuilt). */
const program = resolve(import.meta.dirname, '../..', process.env.SLUICE_PROGRAM ?? 'bin/sluice.js');

export interface SluiceRun {
  readonly pid: number;
  /** Its `file` lines so far. */
  readonly files: readonly FileLine[];
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<SluiceEnd>;
}

export interface SluiceEnd {
  /** null: killed. */
  readonly exitCode: number | null;
  readonly summary: SyncSummary | null;
  readonly files: readonly FileLine[];
  readonly stderr: string;
  readonly durationMs: number;
  /** VmHWM of the process with all its threads, bytes; 0 where there is no /proc. */
  readonly peakRssBytes: number;
  /** null: it didn't say (killed). */
  readonly loopDelayP99Ms: number | null;
}

interface FileLine {
  readonly path: string;
  readonly action: string;
  readonly retries: number;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface SluiceTask {
  readonly folder: string;
  readonly bucket: string;
  readonly dataDir: string;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly flags?: readonly string[];
}

/** `sluice sync … --json` as a process of its own, watched until it ends. */
export function runSluice(task: SluiceTask): SluiceRun {
  const { folder, bucket, dataDir, endpoint, accessKeyId, secretAccessKey, flags = [] } = task;
  const startedAt = performance.now();
  const files: FileLine[] = [];
  let summary: SyncSummary | null = null;
  let stderr = '';
  let rest = '';
  let peakRssBytes = 0;
  const figures = join(tmpdir(), `sluice-figures-${process.pid}-${++runs}.json`);
  const child: ChildProcess = spawn(
    process.execPath,
    [
      program,
      'sync',
      folder,
      `s3://${bucket}/kept`,
      '--endpoint-url',
      endpoint,
      '--data-dir',
      dataDir,
      '--json',
      ...flags,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_REGION: 'us-east-1',
        SLUICE_BENCH_FIGURES: figures,
      },
    },
  );
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const event = JSON.parse(line) as { type: string };
      if (event.type === 'file') files.push(event as unknown as FileLine);
      if (event.type === 'summary') summary = event as unknown as SyncSummary;
    }
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const sampler = setInterval(() => {
    peakRssBytes = peakOf(child.pid!) ?? peakRssBytes;
  }, 50);
  const ended = new Promise<SluiceEnd>((settle) => {
    child.once('close', async (exitCode) => {
      clearInterval(sampler);
      const loopDelayP99Ms = await readFile(figures, 'utf8').then(
        (text) => (JSON.parse(text) as { loopDelayP99Ms: number }).loopDelayP99Ms,
        () => null,
      );
      await rm(figures, { force: true });
      settle({
        exitCode,
        summary,
        files,
        stderr,
        durationMs: performance.now() - startedAt,
        peakRssBytes,
        loopDelayP99Ms,
      });
    });
  });
  return { pid: child.pid!, files, kill: (signal) => void child.kill(signal), ended };
}

let runs = 0;

function peakOf(pid: number): number | undefined {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    // It has just ended, or there is no /proc.
    return undefined;
  }
}
