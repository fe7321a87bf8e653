import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'sluice-s3-';
const restMs = 10 * 60_000;

/**
 * A folder that outlives its server, so that a test can start another on it, and its process, which may be killed. What dead
 * processes have left is swept by the next one to ask.
 */
export function temporaryFolder(): string {
  for (const name of readdirSync(tmpdir())) {
    const owner = /^sluice-s3-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const path = join(tmpdir(), name);
    const stats = statSync(path, { throwIfNoEntry: false });
    // Several sweepers may meet here; whoever comes second finds nothing.
    if (stats !== undefined && Date.now() - stats.ctimeMs > restMs)
      void rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
