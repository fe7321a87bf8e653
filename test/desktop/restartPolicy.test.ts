import { describe, expect, it } from 'vitest';
import { decideRestart, type EngineEnd, freshRestarts } from '../../main/desktop/restartPolicy.ts';
import { SluiceError } from '../../shared/errors.ts';

const crash = (livedMs = 10): EngineEnd => ({ kind: 'crash', exitCode: 1, livedMs });
const refused = (code: 'ledger-locked' | 'ledger-newer' | 'internal'): EngineEnd => ({
  kind: 'refused',
  error: new SluiceError(code, 'It does not go').view(),
});
function delays(ends: readonly EngineEnd[]): (number | null)[] {
  let state: Parameters<typeof decideRestart>[0] = freshRestarts;
  return ends.map((end) => {
    const decision = decideRestart(state, end);
    state = decision;
    return decision.delayMs;
  });
}

describe('after the engine ended', () => {
  it('the wait doubles, and the fifth quick crash is the last', () => {
    expect(delays([crash(), crash(), crash(), crash(), crash()])).toEqual([1_000, 2_000, 4_000, 8_000, null]);
  });

  it('an engine that ran well for a minute may crash once a day for ever', () => {
    expect(delays(Array.from({ length: 100 }, () => crash(86_400_000)))).toEqual(
      Array.from({ length: 100 }, () => 1_000),
    );
    expect(delays([crash(), crash(), crash(90_000), crash()])).toEqual([1_000, 2_000, 1_000, 2_000]);
  });

  it('a ledger that another Sluice holds is waited for, half a minute at most between tries', () => {
    const tries = delays(Array.from({ length: 20 }, () => refused('ledger-locked')));
    expect(tries.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(tries.at(-1)).toBe(30_000);
  });

  it('what no waiting can cure is not tried again, and the reason names the remedy', () => {
    const decision = decideRestart(freshRestarts, refused('ledger-newer'));
    expect(decision.delayMs).toBe(null);
    expect(decision.reason).toBe('It does not go. Update Sluice, or use another --data-dir');
  });

  it('an unexpected error at start counts as a crash', () => {
    expect(delays(Array.from({ length: 5 }, () => refused('internal'))).at(-1)).toBe(null);
  });
});
