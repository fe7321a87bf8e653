import { remedies } from '../../../shared/errors.ts';
import { errnoOf } from './errno.ts';

/** What a watcher's error means for the user: one sentence, and the remedy when there is one. */
export function watchTrouble(error: unknown): { readonly detail: string } {
  const code = errnoOf(error);
  if (code === 'ENOSPC') return { detail: `This system allows no more watches. ${remedies['watch-limit']}` };
  if (code === 'EMFILE' || code === 'ENFILE') {
    return {
      detail:
        'This system allows no more open files or watchers. Raise the limit: sudo sysctl fs.inotify.max_user_instances=1024',
    };
  }
  return { detail: `The folder can't be watched (${code}); it is looked through now and then instead.` };
}
