import { statfs } from 'node:fs';
import type { SourceIdentity } from '../../../shared/source.ts';

/**
 * Whether this file's system is known to be a disk of this machine, where a read may block its thread for as long as a disk takes. A network mount whose server is gone
 * blocks for ever, and a user-space one as long as it likes: those are read by libuv's threads. Not known yet is no; the answer is then on its way.
 */
export function isOnLocalDisk(path: string, identity: SourceIdentity): boolean {
  return device(path, identity).isLocal === true;
}

/** The same, with the answer waited for. */
export function askLocalDisk(path: string, identity: SourceIdentity): Promise<boolean> {
  return device(path, identity).answer;
}

interface Device {
  /** undefined: not answered yet. */
  isLocal: boolean | undefined;
  readonly askedAt: number;
  readonly answer: Promise<boolean>;
}

function device(path: string, identity: SourceIdentity): Device {
  const id = identity.slice(identity.lastIndexOf('.') + 1);
  const known = devices.get(id);
  if (known !== undefined && performance.now() - known.askedAt < forgetAfterMs) return known;
  const answer = new Promise<boolean>((resolve) => {
    // The path may be gone: reading it says so, and asynchronously is right everywhere.
    statfs(path, (error, stats) =>
      resolve(error === null && process.platform === 'linux' && localTypes.has(stats.type >>> 0)),
    );
  });
  const asked: Device = { isLocal: undefined, askedAt: performance.now(), answer };
  void answer.then((isLocal) => {
    asked.isLocal = isLocal;
  });
  devices.set(id, asked);
  return asked;
}

/** A device number is used again after an unmount. */
const forgetAfterMs = 60_000;
const devices = new Map<string, Device>();

/** `f_type` of statfs(2) (linux/magic.h); other systems' numbers say nothing certain. */
const localTypes = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xf2f52010, // f2fs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // zfs
  0xca451a4e, // bcachefs
  0x5346544e, // ntfs
  0x7366746e, // ntfs3
  0x4d44, // fat
  0x2011bab0, // exfat
]);
