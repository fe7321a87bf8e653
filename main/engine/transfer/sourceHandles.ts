import type { SourceIdentity } from '../../../shared/source.ts';
import { openSource, type SourceFile } from './sourceFile.ts';

/** One open handle per file in this thread, shared by all the parts on their way; it stays open a moment for the next part. */
export interface SourceHandles {
  /** Checked: the file is what was observed. Throws as openSource. */
  acquire(path: string, identity: SourceIdentity): Promise<SourceHandle>;
  /** Closes what nobody uses now. */
  closeIdle(): void;
}

export interface SourceHandle extends Pick<SourceFile, 'fd' | 'check' | 'read'> {
  /** `at-once`: nobody will want it again soon (a cancelled or changed file), so that it holds no disk from being unmounted. */
  release(closing: 'soon' | 'at-once'): void;
}

interface Shared {
  readonly opened: Promise<SourceFile>;
  users: number;
  closeTimer: NodeJS.Timeout | undefined;
}

/** Between one part's end and the start of the next. */
const keepOpenMs = 1_000;

export function createSourceHandles(): SourceHandles {
  const files = new Map<string, Shared>();

  const close = (key: string, shared: Shared) => {
    clearTimeout(shared.closeTimer);
    if (files.get(key) === shared) files.delete(key);
    // Opening may have failed, which its users were told; of a file only read, close has nothing to lose.
    shared.opened.then((file) => file.close()).catch(() => undefined);
  };

  return {
    acquire: async (path, identity) => {
      const key = `${identity}\0${path}`;
      const known = files.get(key);
      const shared: Shared = known ?? { opened: openSource(path, identity), users: 0, closeTimer: undefined };
      files.set(key, shared);
      shared.users++;
      clearTimeout(shared.closeTimer);
      let released = false;
      const release: SourceHandle['release'] = (closing) => {
        if (released) return;
        released = true;
        if (--shared.users > 0) {
          // A file that changed must be opened anew by whoever comes next.
          if (closing === 'at-once' && files.get(key) === shared) files.delete(key);
        } else if (closing === 'at-once' || files.get(key) !== shared) close(key, shared);
        else shared.closeTimer = setTimeout(() => close(key, shared), keepOpenMs);
      };
      try {
        const file = await shared.opened;
        if (known) await file.check();
        return { fd: file.fd, check: file.check, read: file.read, release };
      } catch (error) {
        release('at-once');
        throw error;
      }
    },
    closeIdle: () => {
      for (const [key, shared] of files) if (shared.users === 0) close(key, shared);
    },
  };
}
