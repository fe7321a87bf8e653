import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { S3TestServer } from '../../support/s3/server.ts';

const program = fileURLToPath(new URL('../../../main/headless/sluice.ts', import.meta.url));

export interface ProcessOptions {
  readonly env?: Record<string, string>;
  /** Runs as this user (only root may ask). */
  readonly uid?: number;
  readonly cwd?: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when what was written so far matches; rejects when the process ends before. */
  until(pattern: RegExp): Promise<RegExpMatchArray>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** `sluice …` from source, with nothing of this machine's AWS configuration. */
export function startProcess(args: readonly string[], options: ProcessOptions = {}): Running {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: options.cwd,
    env: {
      PATH: process.env.PATH,
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const watcher of watchers) watcher();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
      for (const watcher of watchers) watcher();
    });
  });
  const until = (pattern: RegExp) =>
    new Promise<RegExpMatchArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(`${stdout}\n${stderr}`);
        if (match) resolve(match);
        else if (child.exitCode !== null || child.signalCode !== null) {
          reject(new Error(`ended before ${pattern}: ${stdout}\n${stderr}`));
        } else return;
        watchers.delete(look);
      };
      watchers.add(look);
      look();
    });
  return { child, stdout: () => stdout, stderr: () => stderr, until, ended };
}

export const runProcess = (args: readonly string[], options?: ProcessOptions) => startProcess(args, options).ended;

export const keysOf = (
  s3: Pick<S3TestServer, 'accessKeyId' | 'secretAccessKey' | 'region'>,
): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: s3.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  AWS_REGION: s3.region,
});
