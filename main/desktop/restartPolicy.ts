import type { ErrorCode, ErrorView } from '../../shared/errors.ts';

/** Why the engine's process is no more, without having been asked to end. */
export type EngineEnd =
  | { readonly kind: 'crash'; readonly exitCode: number | null; readonly livedMs: number }
  /** It said why it can't run. */
  | { readonly kind: 'refused'; readonly error: ErrorView };

export interface RestartDecision {
  /** ms until the next start; null: not again until the user asks. */
  readonly delayMs: number | null;
  /** Quick crashes in a row, this one included. */
  readonly quickCrashes: number;
  /** Tries in a row that ended in a refusal that may pass. */
  readonly refusals: number;
  /** For the user; no full stop. */
  readonly reason: string;
}

export const freshRestarts: Pick<RestartDecision, 'quickCrashes' | 'refusals'> = { quickCrashes: 0, refusals: 0 };

/** An engine that lived this long was healthy: its crash starts the count anew. */
const healthyMs = 60_000;
const maxQuickCrashes = 5;
const firstDelayMs = 1_000;
const maxDelayMs = 30_000;
/** Refusals that end by themselves or by the user's hand, outside this app. */
const passing = new Set<ErrorCode>(['ledger-locked', 'ledger-full', 'ledger-io']);

/** Restart with a doubling delay; stop for good when it makes no sense any more. */
export function decideRestart(
  before: Pick<RestartDecision, 'quickCrashes' | 'refusals'>,
  end: EngineEnd,
): RestartDecision {
  if (end.kind === 'refused' && end.error.code !== 'internal') {
    const reason = `${end.error.message}. ${end.error.remedy}`.replace(/\.$/, '');
    if (!passing.has(end.error.code)) return { ...freshRestarts, delayMs: null, reason };
    const refusals = before.refusals + 1;
    return { quickCrashes: 0, refusals, delayMs: backoff(refusals), reason };
  }
  const quick = end.kind === 'refused' || end.livedMs < healthyMs;
  const quickCrashes = quick ? before.quickCrashes + 1 : 1;
  const what = end.kind === 'refused' ? end.error.message : `its engine ended unexpectedly${exitWords(end.exitCode)}`;
  if (quickCrashes >= maxQuickCrashes) {
    return { quickCrashes, refusals: 0, delayMs: null, reason: `${what}, ${maxQuickCrashes} times in a row` };
  }
  return { quickCrashes, refusals: 0, delayMs: backoff(quickCrashes), reason: what };
}

const backoff = (attempt: number): number => Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1));
const exitWords = (code: number | null): string => (code === null ? '' : ` (exit code ${code})`);
