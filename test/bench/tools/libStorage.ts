import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, type Tool } from './tool.ts';

const script = fileURLToPath(new URL('./libStorageUpload.ts', import.meta.url));

/** The JavaScript SDK's own uploader. */
export const libStorage: Tool = {
  name: 'lib-storage',
  title: 'JS SDK, lib-storage',
  role: 'peer',
  flags: 'Upload of a read stream; large: 64 MiB parts, 4 at once; many: 32 files at once',
  find: async () => {
    try {
      const entry = createRequire(import.meta.url).resolve('@aws-sdk/lib-storage');
      const manifest = readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8');
      return { version: `lib-storage ${(JSON.parse(manifest) as { version: string }).version}` };
    } catch {
      return { missing: '@aws-sdk/lib-storage not found beside the project or in NODE_PATH' };
    }
  },
  fits: (one) => one.run === 'first',
  program: (job) => ({
    argv: [process.execPath, script, job.source, job.endpoint, job.bucket, job.prefix, '32'],
    env: { ...credentials, ...(job.caFile !== null && { NODE_EXTRA_CA_CERTS: job.caFile }) },
  }),
};
