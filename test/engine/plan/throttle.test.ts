import { describe, expect, it } from 'vitest';
import {
  type ThrottleState,
  throttleDelivered,
  throttleRate,
  throttleRejected,
  throttleTake,
  unthrottled,
} from '../../../main/engine/plan/throttle.ts';
import { seeded } from './simulatedLink.ts';

interface Outcome {
  readonly done: number;
  readonly refused: number;
  readonly seconds: number;
}

/** Files sent to a server that refuses what is above its rate, as many at once as the engine would on a fast network; each refused one is sent again. */
function upload(files: number, server: (nowMs: number) => boolean, seed: number, inFlightMost = 64): Outcome {
  const random = seeded(seed);
  let state: ThrottleState = unthrottled;
  let waiting = files;
  let done = 0;
  let refused = 0;
  const delivered: number[] = [];
  const flying: { sentAtMs: number; backAtMs: number; ok: boolean }[] = [];
  let nowMs = 1_000_000 + random() * 1000;
  const beganAt = nowMs;
  while (done < files && nowMs < beganAt + 600_000) {
    nowMs += 1;
    while (waiting > 0 && flying.length < inFlightMost) {
      const taken = throttleTake(state, nowMs);
      state = taken.state;
      if (taken.waitMs > 0) break;
      waiting--;
      flying.push({ sentAtMs: nowMs, backAtMs: nowMs + 3 + random() * 10, ok: server(nowMs) });
    }
    for (const one of flying.splice(0)) {
      if (one.backAtMs > nowMs) flying.push(one);
      else if (one.ok) {
        done++;
        delivered.push(nowMs);
      } else {
        refused++;
        waiting++;
        while (delivered.length > 0 && delivered[0]! < nowMs - 1000) delivered.shift();
        state = throttleRejected(state, {
          nowMs,
          sentAtMs: one.sentAtMs,
          delivered: delivered.length,
          retryAfterMs: 0,
        });
      }
    }
  }
  return { done, refused, seconds: (nowMs - beganAt) / 1000 };
}

const fixedWindow = (limit: number) => {
  let window = -1;
  let count = 0;
  return (nowMs: number): boolean => {
    const now = Math.floor(nowMs / 1000);
    if (now !== window) [window, count] = [now, 0];
    return ++count <= limit;
  };
};
const slidingWindow = (limit: number, countsRefused: boolean) => {
  const taken: number[] = [];
  return (nowMs: number): boolean => {
    while (taken.length > 0 && taken[0]! <= nowMs - 1000) taken.shift();
    const ok = taken.length < limit;
    if (ok || countsRefused) taken.push(nowMs);
    return ok;
  };
};

describe('a store that answers 503 to everything above 200 requests a second', () => {
  it.each([
    ['fixed windows', () => fixedWindow(200)],
    ['a sliding window', () => slidingWindow(200, false)],
    ['a sliding window that counts what it refuses', () => slidingWindow(200, true)],
  ])('gets all 5,000 files, and refuses fewer than 3 %%: %s', (_, server) => {
    for (let seed = 1; seed <= 50; seed++) {
      const { done, refused, seconds } = upload(5_000, server(), seed);
      expect(done).toBe(5_000);
      expect(refused / (refused + done)).toBeLessThan(0.03);
      // Careful, but not at the price of half of what it would take.
      expect(seconds).toBeLessThan((5_000 / 200) * 1.35);
    }
  });

  it('is not slowed down where it never said a word', () => {
    const { refused, seconds } = upload(5_000, () => true, 1);
    expect(refused).toBe(0);
    expect(seconds).toBeLessThan(1.5);
  });
});

describe('the request rate', () => {
  const first = throttleRejected(unthrottled, { nowMs: 3_000, sentAtMs: 2_990, delivered: 100, retryAfterMs: 0 });
  const rejected = throttleRejected(first, { nowMs: 5_000, sentAtMs: 4_990, delivered: 100, retryAfterMs: 1_000 });

  it('starts from what was delivered before the first refusal, and is doubled every second until the next', () => {
    expect(throttleRate(first, 4_000)).toBeCloseTo(90, 0);
    expect(throttleRate(first, 6_000)).toBeCloseTo(360, 0);
    expect(throttleDelivered(first, 3_500, 150).known).toBe(150);
    expect(throttleDelivered(first, 4_500, 150).known).toBe(100);
  });

  it('is what was delivered, less a tenth, then grows beyond it, and is forgotten after a minute', () => {
    expect(throttleRate(rejected, 6_000)).toBeCloseTo(90, 0);
    expect(throttleRate(rejected, 9_700)).toBeCloseTo(100, 0);
    expect(throttleRate(rejected, 14_000)).toBeGreaterThan(110);
    expect(throttleRate(rejected, 67_000)).toBeNull();
  });

  it('is cut once for all that was in flight', () => {
    const again = throttleRejected(rejected, { nowMs: 5_010, sentAtMs: 4_995, delivered: 50, retryAfterMs: 0 });
    expect(again.known).toBe(rejected.known);
  });

  it('waits as long as the store asks', () => {
    const asked = throttleRejected(unthrottled, { nowMs: 5_000, sentAtMs: 4_990, delivered: 100, retryAfterMs: 7_000 });
    expect(throttleTake(asked, 6_000).waitMs).toBe(6_000);
  });
});
