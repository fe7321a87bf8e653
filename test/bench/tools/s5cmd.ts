import { credentials, goVersionOf, isLargeFile, type Tool } from './tool.ts';

export const s5cmd: Tool = {
  name: 's5cmd',
  title: 's5cmd',
  role: 'peer',
  flags: 's5cmd --log error cp (again: sync); large: --part-size 64 --concurrency 4; many: --numworkers 64',
  find: () => goVersionOf('s5cmd', 'version'),
  program: (job) => ({
    argv: [
      's5cmd',
      '--log',
      'error',
      '--endpoint-url',
      job.endpoint,
      ...(job.caFile === null ? [] : ['--no-verify-ssl']),
      ...(isLargeFile(job.case) ? [] : ['--numworkers', '64']),
      job.again ? 'sync' : 'cp',
      ...(isLargeFile(job.case) ? ['--part-size', '64', '--concurrency', '4'] : []),
      `${job.source}/`,
      `s3://${job.bucket}/${job.prefix}`,
    ],
    env: credentials,
  }),
};
