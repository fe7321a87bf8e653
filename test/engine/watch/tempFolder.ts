import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** A folder of a test's own, removed when its file is through (tests may run at the same time). */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
  folders.push(folder);
  return folder;
}
