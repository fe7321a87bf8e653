import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { SourceIdentity } from '../../../shared/source.ts';

/** Names a folder of a machine in an object's metadata without telling either: the same after a lost ledger, another for every other folder and machine. */
export function originOf(folderPath: string, host = hostname()): string {
  return createHash('sha256').update(`${host}\0${folderPath}`).digest('hex').slice(0, 32);
}

/** Names a file as it was when it was read, times to the nanosecond, inode and device included, without telling any of them: only the same file untouched gives the same. */
export function sourceOf(identity: SourceIdentity): string {
  return createHash('sha256').update(`source\0${identity}`).digest('hex').slice(0, 32);
}
