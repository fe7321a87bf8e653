import { resolve } from 'node:path';
import envPaths from 'env-paths';

/** The ledger's home, the same as the command line's: `sluice status` and the app speak of one engine's work. */
export function dataDir(env: NodeJS.ProcessEnv): string {
  return env.SLUICE_DATA_DIR ? resolve(env.SLUICE_DATA_DIR) : envPaths('sluice', { suffix: '' }).data;
}
