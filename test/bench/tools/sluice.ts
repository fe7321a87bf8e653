import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, type Tool, versionOf } from './tool.ts';

const program = fileURLToPath(new URL('../../../bin/sluice.js', import.meta.url));

export const sluice: Tool = {
  name: 'sluice',
  title: 'Sluice',
  role: 'sluice',
  flags:
    'sluice sync DIR s3://… --endpoint-url … --no-progress --data-dir …, nothing else set; checksums on, ledger committed',
  find: () => versionOf(process.execPath, program, '--version'),
  program: (job) => ({
    argv: [
      process.execPath,
      program,
      'sync',
      job.source,
      `s3://${job.bucket}/${job.prefix}`,
      '--endpoint-url',
      job.endpoint,
      '--no-progress',
      '--data-dir',
      join(job.stateDir, 'data'),
      ...(job.caFile === null ? [] : ['--ca-bundle', job.caFile]),
    ],
    env: { ...credentials, SLUICE_BENCH_FIGURES: figuresFile(job.stateDir) },
  }),
};

/** Sluice writes there, when it ends, what cannot be seen from outside: `{"loopDelayP99Ms": 3.1}`. */
export function figuresFile(stateDir: string): string {
  return join(stateDir, 'figures.json');
}
