import { resolve } from 'node:path';
import envPaths from 'env-paths';
import type { CommandHost } from './host.ts';

/** Where ledger, settings and secrets are: the flag, SLUICE_DATA_DIR, or the platform's application-data folder. */
export function dataDirOf(host: Pick<CommandHost, 'env' | 'cwd'>, flag: string | undefined): string {
  const named = flag || host.env.SLUICE_DATA_DIR;
  return named ? resolve(host.cwd, named) : envPaths('sluice', { suffix: '' }).data;
}
