import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SluiceError } from '../../../shared/errors.ts';
import type { RootIdentity } from '../../../shared/source.ts';
import { errnoOf } from './errno.ts';

/**
 * The folder's device and inode, links followed (the root itself may be a link: its target counts). A device number can change at a remount on network, overlay and
 * btrfs file systems. Throws `folder-missing`, `folder-unreadable`, `not-a-folder`.
 */
export async function rootIdentity(root: string): Promise<RootIdentity> {
  try {
    return identityOf(root, await stat(root, { bigint: true }));
  } catch (error) {
    throw rootError(root, error);
  }
}

/** For worker threads, which may block. */
export function rootIdentitySync(root: string): RootIdentity {
  try {
    return identityOf(root, statSync(root, { bigint: true }));
  } catch (error) {
    throw rootError(root, error);
  }
}

export function sameRoot(a: RootIdentity, b: RootIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** What a failed system call on the root means. */
export function rootError(root: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = errnoOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new SluiceError('folder-missing', `There is no folder ${root}.`, { path: root, cause: error });
  return new SluiceError('folder-unreadable', `The folder ${root} can't be read (${code}).`, {
    path: root,
    cause: error,
  });
}

function identityOf(root: string, stats: BigIntStats): RootIdentity {
  if (!stats.isDirectory()) throw new SluiceError('not-a-folder', `${root} is not a folder.`, { path: root });
  return { dev: String(stats.dev), ino: String(stats.ino) };
}
