import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { StoreConnection } from '../../../shared/settings.ts';
import { resolveEndpoint } from '../../engine/store/endpoint.ts';
import type { CommandHost } from '../host.ts';
import { parseFlags } from './parseFlags.ts';

export function addDataDirFlag(command: Command): Command {
  return command.option(
    '--data-dir <dir>',
    "ledger and settings (default: SLUICE_DATA_DIR or the platform's application-data folder)",
  );
}

/** The flags of all commands that talk to a store (cli.md). */
export function addStoreFlags(command: Command): Command {
  return command
    .optionsGroup('Store:')
    .option('--endpoint-url <url>', 'S3-compatible endpoint (default: AWS, or AWS_ENDPOINT_URL_S3)')
    .option('--region <region>', 'region of the bucket (default: AWS_REGION, or found by asking)')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--path-style', 'put the bucket into the path, not the host name')
    .option('--no-verify-ssl', 'do not check the certificate (loopback endpoints only)')
    .option('--ca-bundle <file>', 'PEM file with the certificate authority of the endpoint');
}

const StoreFlags = z.object({
  endpointUrl: z.string().optional(),
  region: z.string().min(1, 'the name of the region is empty').optional(),
  profile: z.string().min(1, 'the name of the profile is empty').optional(),
  pathStyle: z.boolean().default(false),
  verifySsl: z.boolean().default(true),
  caBundle: z.string().min(1, 'the name of the file is empty').optional(),
});

/** Flags first, then the environment that the AWS tools read too. Throws `usage`, `bad-settings`. */
export function parseStoreFlags(raw: unknown, host: Pick<CommandHost, 'env' | 'cwd'>): StoreConnection {
  const { env } = host;
  const flags = parseFlags(StoreFlags, raw);
  const caBundle = flags.caBundle ?? (env.AWS_CA_BUNDLE || null);
  const connection: StoreConnection = {
    endpointUrl: flags.endpointUrl ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || null),
    region: flags.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || null),
    pathStyle: flags.pathStyle,
    verifyTls: flags.verifySsl,
    caBundlePath: caBundle === null ? null : resolve(host.cwd, caBundle),
    credentials: { kind: 'chain', profile: flags.profile ?? null },
  };
  // For stores under test, whose second endpoint no name leads to.
  if (env.SLUICE_ACCELERATE_URL) connection.accelerateUrl = env.SLUICE_ACCELERATE_URL;
  resolveEndpoint(connection);
  return StoreConnection.parse(connection);
}

/** Before anything is touched: a bundle that can't be read would fail much later, as a TLS error. Throws `bad-settings`. */
export async function checkCaBundle({ caBundlePath }: StoreConnection): Promise<void> {
  if (caBundlePath === null) return;
  // Loads node:tls, which takes 15 ms.
  const { readCaBundle } = await import('../../engine/store/readCaBundle.ts');
  readCaBundle(caBundlePath);
}
