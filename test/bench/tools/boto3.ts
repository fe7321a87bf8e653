import { fileURLToPath } from 'node:url';
import { credentials, type Tool, versionOf } from './tool.ts';

export const boto3: Tool = boto3Tool(
  'boto3',
  'boto3',
  'classic',
  'import boto3, s3transfer',
  'upload_file, payload_signing_enabled False, 64 MiB parts; large: 4 parts at once; many: 4 files at once',
);
export const boto3Crt: Tool = boto3Tool(
  's3transfer-crt',
  's3transfer, CRT',
  'crt',
  'import boto3, s3transfer, awscrt',
  'CRTTransferManager as the AWS CLI uses it, 16 MiB parts, target throughput 25 Gbit/s',
);

function boto3Tool(name: string, title: string, client: 'classic' | 'crt', imports: string, flags: string): Tool {
  const script = fileURLToPath(new URL('./boto3Upload.py', import.meta.url));
  return {
    name,
    title,
    role: 'peer',
    flags,
    find: async () => {
      const found = await versionOf(
        'python3',
        '-c',
        `${imports}; print("boto3", boto3.__version__, "s3transfer", s3transfer.__version__)`,
      );
      return 'missing' in found && found.missing.includes('failed') ? { missing: `python3 can't ${imports}` } : found;
    },
    fits: (one) => one.run === 'first',
    program: (job) => ({
      argv: [
        'python3',
        script,
        job.source,
        job.endpoint,
        job.bucket,
        job.prefix,
        client,
        String((client === 'crt' ? 16 : 64) * 1024 ** 2),
        '4',
        ...(job.caFile === null ? [] : [job.caFile]),
      ],
      env: credentials,
    }),
  };
}
