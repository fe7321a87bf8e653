import { SluiceError } from '../../../shared/errors.ts';
import type { DeletePolicy } from '../../../shared/settings.ts';
import { formatCount } from '../../../shared/units.ts';

export interface DeleteFacts {
  /** Objects of ours whose files are gone from disk. */
  readonly candidates: number;
  /** Files whose objects were proven, gone ones included. */
  readonly known: number;
  /** The root is the directory it was when those files were seen. */
  readonly sameRoot: boolean;
  /** Every directory could be read. */
  readonly scanComplete: boolean;
}

/**
 * May the gone files' objects be deleted? Throws `mass-delete` or `root-changed` when it looks like an accident: an unmounted disk is not an empty folder.
 */
export function deletesAllowed(policy: DeletePolicy, facts: DeleteFacts): boolean {
  if (policy.kind === 'never' || facts.candidates === 0 || !facts.scanComplete) return false;
  if (!facts.sameRoot) {
    throw new SluiceError(
      'root-changed',
      `The folder is not the one whose ${formatCount(facts.known)} files were uploaded: nothing was deleted`,
    );
  }
  const { limit } = policy;
  const allowed = limit.kind === 'count' ? limit.count : Math.floor((facts.known * limit.percent) / 100);
  if (facts.candidates > allowed) {
    const bound = limit.kind === 'count' ? formatCount(limit.count) : `${limit.percent} %`;
    throw new SluiceError(
      'mass-delete',
      `${formatCount(facts.candidates)} of ${formatCount(facts.known)} objects would be deleted, more than the ${bound} allowed: nothing was deleted`,
    );
  }
  return true;
}
