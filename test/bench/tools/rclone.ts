import type { Program } from '../measure/measured.ts';
import { credentials, goVersionOf, isLargeFile, type Job, type Tool } from './tool.ts';

/** As safe as it can be had: MD5 of every file and part, a HEAD after each upload. */
export const rclone: Tool = {
  name: 'rclone',
  title: 'rclone',
  role: 'peer',
  flags:
    'rclone copy --fast-list --s3-no-check-bucket; large: --s3-chunk-size 64M --s3-upload-concurrency 4; many: --transfers 16 --checkers 16 (again: --checksum)',
  find: () => goVersionOf('rclone', 'version'),
  program: (job) => rcloneProgram(job, job.again ? ['--checksum'] : []),
};

/** With all of its checks off. */
export const rcloneUnchecked: Tool = {
  name: 'rclone-unchecked',
  title: 'rclone, checks off',
  role: 'peer',
  flags: 'as rclone, and --s3-disable-checksum --ignore-checksum --s3-no-head',
  find: rclone.find,
  fits: (one) => one.run === 'first',
  program: (job) => rcloneProgram(job, ['--s3-disable-checksum', '--ignore-checksum', '--s3-no-head']),
};

function rcloneProgram(job: Job, more: readonly string[]): Program {
  const shape = isLargeFile(job.case)
    ? ['--s3-chunk-size', '64M', '--s3-upload-concurrency', '4', '--multi-thread-streams', '4']
    : ['--transfers', '16', '--checkers', '16', '--s3-chunk-size', '64M'];
  return {
    argv: [
      'rclone',
      'copy',
      job.source,
      `:s3:${job.bucket}/${job.prefix}`,
      '--s3-provider',
      'Other',
      '--s3-env-auth',
      '--s3-endpoint',
      job.endpoint,
      '--s3-force-path-style',
      '--s3-no-check-bucket',
      '--fast-list',
      '--config',
      '/dev/null',
      ...shape,
      ...more,
      ...(job.caFile === null ? [] : ['--ca-cert', job.caFile]),
    ],
    env: credentials,
  };
}
