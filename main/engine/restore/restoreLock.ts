import { constants } from 'node:fs';
import { open, readFile, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { partialPrefix } from '../plan/restoreTarget.ts';
import { targetError } from './targetError.ts';

const Holder = z.object({ pid: z.number().int().positive(), host: z.string() });

/** Two restores writing the same partial files would undo each other's proofs. Returns what gives the folder back. Throws `target-busy`, `target-unwritable`. */
export async function lockTarget(root: string): Promise<() => Promise<void>> {
  const path = join(root, `${partialPrefix}lock`);
  for (let tries = 0; ; tries++) {
    try {
      const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname() }));
      await file.close();
      return () => unlink(path).catch(() => undefined);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw targetError(error, path);
      const holder = await holderOf(path);
      if (holder === null && tries < 3) {
        // Perhaps just being written.
        await sleep(100);
        continue;
      }
      if (tries > 5 || (holder !== null && isAlive(holder)))
        throw new SluiceError(
          'target-busy',
          `Another restore (process ${holder?.pid ?? '?'}) is writing into ${root}; if there is none, remove ${path}`,
          { path },
        );
      // A killed run's.
      await unlink(path).catch(() => undefined);
    }
  }
}

async function holderOf(path: string): Promise<z.infer<typeof Holder> | null> {
  try {
    return Holder.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // Killed while it was written, or gone by now.
    return null;
  }
}

/** Of another machine nothing can be known: its lock counts. */
function isAlive({ pid, host }: z.infer<typeof Holder>): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
