import { execFile } from 'node:child_process';
import type { Case } from '../cases.ts';
import type { Program } from '../measure/measured.ts';

export interface Job {
  readonly case: Case;
  /** The folder to upload. */
  readonly source: string;
  readonly endpoint: string;
  /** PEM of the endpoint's authority; null over plain HTTP. */
  readonly caFile: string | null;
  readonly bucket: string;
  /** Ends with `/`. */
  readonly prefix: string;
  /** Configuration and memory of the tool: empty at its first run, kept for its second. */
  readonly stateDir: string;
  readonly again: boolean;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** `ceiling`: sends the same bytes and does nothing else; it may store them under other keys. */
  readonly role: 'sluice' | 'peer' | 'ceiling';
  /** What is particular about how it is run, for the report. */
  readonly flags: string;
  find(): Promise<Found>;
  /** Whether it has a part in the case; everything unless given. */
  fits?(one: Case): boolean;
  program(job: Job): Program;
}

export type Found = { readonly version: string } | { readonly missing: string };

/** Known to the sink, which checks no signature. */
export const credentials = {
  AWS_ACCESS_KEY_ID: 'benchmarkkey',
  AWS_SECRET_ACCESS_KEY: 'benchmarksecret',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  NO_PROXY: '127.0.0.1',
} as const;

/** The first line that the command prints, once it is found on PATH and exits 0. */
export function versionOf(command: string, ...args: readonly string[]): Promise<Found> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 60_000 }, (error, stdout) => {
      if (error === null) resolve({ version: stdout.split('\n')[0]!.trim() });
      else if (error.code === 'ENOENT') resolve({ missing: 'not found on PATH' });
      else
        resolve({
          missing: `${command} ${args.join(' ')} failed: ${error.message.split('\n').slice(-2).join(' ').trim()}`,
        });
    });
  });
}

/** Of a program in Go: the module it was built from, where `go` can say; else what it prints, which a `go install` leaves without a number. */
export async function goVersionOf(command: string, ...args: readonly string[]): Promise<Found> {
  const found = await versionOf(command, ...args);
  if ('missing' in found) return found;
  const script = 'go version -m "$(command -v "$0")"';
  const built = await new Promise<string>((resolve) =>
    execFile('sh', ['-c', script, command], (_, stdout) => resolve(stdout)),
  );
  const module = /^\tmod\t(\S+)\t(\S+)/m.exec(built);
  return module === null ? found : { version: `${command} ${module[2]}` };
}

/** One or a few files, where what counts is how one file is split. */
export function isLargeFile(one: Case): boolean {
  return one.files.length < 4;
}
