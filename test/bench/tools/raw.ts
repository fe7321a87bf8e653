import { fileURLToPath } from 'node:url';
import type { Tool } from './tool.ts';

const script = fileURLToPath(new URL('../raw/rawUpload.ts', import.meta.url));

/** What Node itself can send on this machine: nobody's uploader, and so nobody's peer. */
export const raw: Tool = {
  name: 'raw',
  title: 'raw ceiling',
  role: 'ceiling',
  flags:
    'bare node:http (node:https) PUTs, no hash, no signature; 64 MiB each, 4 in flight; files up to 1 MiB whole, 64 in flight',
  find: () => Promise.resolve({ version: `node ${process.version}` }),
  fits: (one) => one.run === 'first',
  program: (job) => ({
    argv: [
      process.execPath,
      script,
      job.source,
      job.endpoint,
      job.bucket,
      job.prefix,
      ...(job.caFile === null ? [] : [job.caFile]),
    ],
  }),
};
