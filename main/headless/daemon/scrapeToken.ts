import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * `metrics-token` of a data directory, for a scraper's `credentials_file`: made once, 0600, and the same after a restart. It opens /metrics and nothing else. Throws what the
 * file system says.
 */
export async function scrapeToken(dataDir: string): Promise<string> {
  const path = join(dataDir, 'metrics-token');
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (found.trim().length >= 32) return found.trim();
  const token = randomBytes(32).toString('base64url');
  await writeFile(path, token, { mode: 0o600 });
  return token;
}
