import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../../shared/errors.ts';
import { noPriceFile, PriceFile } from '../../../shared/prices.ts';

/** Prices that the user knows better: `prices.json` in the data directory, if there is one. Throws `bad-settings` with the place of what is wrong. */
export function readPriceFile(dataDir: string): PriceFile {
  const path = join(dataDir, 'prices.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return noPriceFile;
    throw new SluiceError('bad-settings', `${path} can't be read`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SluiceError('bad-settings', `${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = PriceFile.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SluiceError('bad-settings', `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}
