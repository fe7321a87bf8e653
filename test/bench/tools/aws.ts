import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Program } from '../measure/measured.ts';
import { credentials, type Found, isLargeFile, type Job, type Tool, versionOf } from './tool.ts';

/** The Python transfer manager, s3transfer. */
export const aws: Tool = {
  name: 'aws',
  title: 'aws-cli, classic',
  role: 'peer',
  flags:
    'aws s3 cp --recursive --quiet (again: sync), payload_signing_enabled false, 4 requests at once; large: 64 MiB parts',
  find: () => versionOf('aws', '--version'),
  program: (job) => awsProgram(job, 'classic'),
};

/** The AWS Common Runtime's client, in C. */
export const awsCrt: Tool = {
  name: 'aws-crt',
  title: 'aws-cli, CRT',
  role: 'peer',
  flags: 'as aws, preferred_transfer_client crt, target_bandwidth 25Gb/s',
  find: findCrt,
  program: (job) => awsProgram(job, 'crt'),
};

/** Version 1 takes the setting and ignores it, without a word: it would be the classic one under another name. */
async function findCrt(): Promise<Found> {
  const found = await versionOf('aws', '--version');
  if ('missing' in found) return found;
  if (/^aws-cli\/1\./.test(found.version))
    return { missing: `${found.version.split(' ')[0]} has no CRT client: version 2 has` };
  const { stdout } = await promisify(execFile)('aws', ['--version']);
  return { version: stdout.trim() };
}

function awsProgram(job: Job, client: 'classic' | 'crt'): Program {
  const config = join(job.stateDir, 'aws-config');
  const lines = [
    '[default]',
    's3 =',
    '  addressing_style = path',
    '  payload_signing_enabled = false',
    '  max_concurrent_requests = 4',
    `  preferred_transfer_client = ${client}`,
    ...(client === 'crt' ? ['  target_bandwidth = 25Gb/s'] : []),
    `  ${isLargeFile(job.case) ? 'multipart_chunksize' : 'multipart_threshold'} = 64MB`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const verb = job.again ? ['sync'] : ['cp', '--recursive'];
  return {
    argv: [
      'aws',
      '--endpoint-url',
      job.endpoint,
      ...(job.caFile === null ? [] : ['--ca-bundle', job.caFile]),
      's3',
      ...verb,
      job.source,
      `s3://${job.bucket}/${job.prefix}`,
      job.again ? '--no-progress' : '--quiet',
    ],
    env: { ...credentials, AWS_CONFIG_FILE: config, AWS_PAGER: '' },
  };
}
