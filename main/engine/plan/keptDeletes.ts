import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { DeletePolicy } from '../../../shared/settings.ts';
import { deletesAllowed } from './deleteGuard.ts';

export type KeptDeletes =
  | { readonly kind: 'none' }
  /** The guard holds all of them, due or not, until the user looked at the list. */
  | { readonly kind: 'ask'; readonly error: ErrorView }
  /** Held ones noticed until then may go. */
  | { readonly kind: 'delete'; readonly noticedBefore: number };

/**
 * Which held objects the daemon may delete now, by itself. The guard counts all that are held, not only those whose time is over: what vanished over a day is one accident, not
 * twenty-four small ones. Throws `root-changed`.
 */
export function keptDeletes(
  policy: DeletePolicy,
  facts: { readonly held: number; readonly known: number; readonly sameRoot: boolean; readonly nowMs: number },
): KeptDeletes {
  const { held: candidates, known, sameRoot, nowMs } = facts;
  try {
    if (!deletesAllowed(policy, { candidates, known, sameRoot, scanComplete: true })) return { kind: 'none' };
  } catch (error) {
    const view = errorView(error);
    if (view.code !== 'mass-delete') throw error;
    return {
      kind: 'ask',
      error: { ...view, remedy: 'Look at the list, then approve the deletes or keep the objects.' },
    };
  }
  return policy.kind === 'never' ? { kind: 'none' } : { kind: 'delete', noticedBefore: nowMs - policy.holdMs };
}
