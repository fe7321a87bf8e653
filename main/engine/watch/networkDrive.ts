import { statfsSync } from 'node:fs';

/** Magic numbers of Linux's file systems whose changes made elsewhere nobody is told of (linux/magic.h, and the file systems' own headers). */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x786f4256, 'VirtualBox'],
]);

/** The kind of network (or FUSE) drive that a folder is on, which must be looked through instead of watched; null: a local one, or the system doesn't say. */
export function networkDrive(root: string, typeOf: (root: string) => number = typeOfFileSystem): string | null {
  if (process.platform === 'win32') return /^[\\/]{2}(?![?.][\\/])/.test(root) ? 'network' : null;
  if (process.platform !== 'linux') return null;
  try {
    return networkTypes.get(typeOf(root) >>> 0) ?? null;
  } catch {
    return null;
  }
}

const typeOfFileSystem = (root: string): number => statfsSync(root).type;
