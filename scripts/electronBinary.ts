import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The path of Electron's binary, or null: npm brings its types, the binary is downloaded by Electron itself where it can be. */
export async function electronBinary(): Promise<string | null> {
  const named = process.env.SLUICE_ELECTRON;
  if (named) return existsSync(named) ? named : null;
  const folder = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  const names: Partial<Record<NodeJS.Platform, string>> = {
    darwin: 'Electron.app/Contents/MacOS/Electron',
    win32: 'electron.exe',
  };
  const binary = join(folder, 'dist', names[process.platform] ?? 'electron');
  return existsSync(binary) ? binary : null;
}
