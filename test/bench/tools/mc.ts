import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, goVersionOf, type Tool } from './tool.ts';

/** MinIO's client. `mc cp --recursive` and `mc put` with other parts and threads take the same time, within what is measured. */
export const mc: Tool = {
  name: 'mc',
  title: 'mc',
  role: 'peer',
  flags: 'mc --quiet mirror; its own part size and concurrency, which it has no flags for',
  find: () => goVersionOf('mc', '--version'),
  program: (job) => {
    const config = join(job.stateDir, 'mc');
    mkdirSync(join(config, 'certs', 'CAs'), { recursive: true });
    if (job.caFile !== null) copyFileSync(job.caFile, join(config, 'certs', 'CAs', 'ca.pem'));
    const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = credentials;
    return {
      argv: ['mc', '--config-dir', config, '--quiet', 'mirror', `${job.source}/`, `bench/${job.bucket}/${job.prefix}`],
      env: { MC_HOST_bench: job.endpoint.replace('://', `://${key}:${secret}@`) },
    };
  },
};
