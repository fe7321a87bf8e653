import type { ErrorCode, ErrorView } from '../../../shared/errors.ts';

/** `once`: a command that must end; `forever`: the daemon and the app, which never give a file up that waiting may save. */
export type Patience = 'once' | 'forever';

export type AfterFailure =
  /** The whole store refuses or can't be reached: nothing more goes there until a probe succeeds. */
  | { readonly kind: 'store'; readonly immediate: boolean }
  | { readonly kind: 'try-again' }
  | { readonly kind: 'observe-again' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'start-over' }
  | { readonly kind: 'release' }
  | { readonly kind: 'give-up' };

const refusals = new Set<ErrorCode>([
  'no-credentials',
  'wrong-keys',
  'expired-credentials',
  'no-such-bucket',
  'wrong-region',
  'clock-skew',
  'store-tls',
  'policy-refused',
]);
const transport = new Set<ErrorCode>(['store-dns', 'store-unreachable', 'store-timeout', 'access-denied']);

/** Tries of one part before its file is put back. */
export const partTries = 8;
/** Tries of one file in a run that must end. */
export const fileTriesOnce = 4;
/** Times a file may change under the upload before a run that must end gives it up. */
export const changesOnce = 6;

/** What becomes of a file after its upload failed with `error`; `attempt` counts from 0. */
export function afterFailure(error: ErrorView, attempt: number, patience: Patience): AfterFailure {
  const { code } = error;
  if (code === 'interrupted') return { kind: 'release' };
  if (code === 'source-missing') return { kind: 'gone' };
  if (code === 'source-changed') {
    return patience === 'once' && attempt + 1 >= changesOnce ? { kind: 'give-up' } : { kind: 'observe-again' };
  }
  if (refusals.has(code)) return { kind: 'store', immediate: true };
  const lastTry = patience === 'once' && attempt + 1 >= fileTriesOnce;
  if (transport.has(code)) return lastTry ? { kind: 'give-up' } : { kind: 'store', immediate: false };
  if (code === 'no-such-upload' || code === 'invalid-part') {
    return lastTry ? { kind: 'give-up' } : { kind: 'start-over' };
  }
  return error.retryable && !lastTry ? { kind: 'try-again' } : { kind: 'give-up' };
}

/** A part alone: worth another try without troubling the file? */
export function partMayRetry(error: ErrorView, tries: number): boolean {
  return error.retryable && error.code !== 'source-changed' && tries < partTries;
}
