import type { ErrorView } from '../../../shared/errors.ts';
import type { ChecksumPlacement, WriteCondition } from '../store/store.ts';

export interface MayMeet {
  readonly condition: WriteCondition;
  readonly placement: ChecksumPlacement;
}

/** Whether a conditional write failed for what is there, or isn't: S3 answers 412, and 404 where `If-Match` finds no object. */
export const mayHaveMet = ({ code }: ErrorView, condition: WriteCondition): boolean =>
  condition.kind !== 'none' &&
  (code === 'precondition-failed' || (condition.kind === 'if-match' && code === 'no-such-key'));
