import { createHash } from 'node:crypto';
import { hostname } from 'node:os';

/** Names a folder of a machine in an object's metadata without telling either: the same after a lost ledger, another for every other folder and machine. */
export function originOf(folderPath: string, host = hostname()): string {
  return createHash('sha256').update(`${host}\0${folderPath}`).digest('hex').slice(0, 32);
}
