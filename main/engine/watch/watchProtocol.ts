import type { ErrorView } from '../../../shared/errors.ts';
import type { RelativePath } from '../../../shared/ids.ts';
import type { PathObservation, SourceProblem } from '../../../shared/source.ts';
import type { WatchOptions } from './watch.ts';

export type WatchWorkerData = Pick<WatchOptions, 'root' | 'rules' | 'keyPrefix' | 'settleMs' | 'tuning'>;

export type WatchWorkerMessage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'changes';
      readonly observations: readonly PathObservation[];
      readonly problems: readonly SourceProblem[];
    }
  | { readonly kind: 'rescan'; readonly reason: string; readonly within?: readonly RelativePath[] | undefined }
  | {
      readonly kind: 'state';
      readonly state: 'watching' | 'polling';
      readonly detail: string | null;
      readonly cause: Parameters<WatchOptions['onState']>[2];
    }
  | { readonly kind: 'root-gone' };

/** The answer to `changes`; the next ones are sent after it. */
export interface ChangesTaken {
  readonly error: ErrorView | null;
}
