import { remedies } from '../../../shared/errors.ts';
import { errnoOf } from './errno.ts';

export interface WatchTrouble {
  /** One sentence, and the remedy when there is one. */
  readonly detail: string;
  /** `network-drive`: nothing is wrong, it is the nature of such a folder. */
  readonly kind: 'limit' | 'network-drive' | 'failure';
}

/** What a watcher's error means for the user. */
export function watchTrouble(error: unknown): WatchTrouble {
  const code = errnoOf(error);
  if (code === 'ENOSPC')
    return { kind: 'limit', detail: `This system allows no more watches. ${remedies['watch-limit']}` };
  if (code === 'EMFILE' || code === 'ENFILE') {
    return {
      kind: 'limit',
      detail:
        'This system allows no more open files or watchers. Raise the limit: sudo sysctl fs.inotify.max_user_instances=1024',
    };
  }
  return {
    kind: 'failure',
    detail: `The folder can't be watched (${code}); it is looked through now and then instead.`,
  };
}

export const partlyUnwatched = (directories: number): WatchTrouble => ({
  kind: 'limit',
  detail: `This system allows no more watches: ${directories} ${directories === 1 ? 'folder' : 'folders'} in it, and what is below, can only be looked through now and then. ${remedies['watch-limit']}`,
});

export const networkTrouble = (type: string): WatchTrouble => ({
  kind: 'network-drive',
  detail: `The folder is on a network drive (${type}), where changes made elsewhere are not told; it is looked through now and then.`,
});
