import type { Lane } from '../ledger/ledger.ts';
import { shouldHedge } from '../plan/hedge.ts';
import { isStraggler } from '../plan/straggler.ts';
import type { Clock } from '../ports.ts';

/** The requests of one store in flight, looked at some four times a second: which of them stands still, which is far slower than its kind. */
export interface SendWatches {
  open(send: WatchedSend): SendWatch;
  /** Time to an answer, ms. */
  answered(ms: number): void;
  look(): void;
}

export interface WatchedSend {
  readonly lane: Lane;
  readonly sizeBytes: number;
  readonly mayHedge: boolean;
  readonly isHedge: boolean;
  /** Once at most. */
  onHedge(): void;
  onStraggler(): void;
}

export interface SendWatch {
  sent(bytes: number): void;
  ended(wentThrough: boolean): void;
}

interface Watched {
  /** Emptied at the end: an outgrown table of the set it was in may keep it for long. */
  send: WatchedSend;
  readonly startedAtMs: number;
  sentBytes: number;
  movedAtMs: number;
  /** What the others had done when it last moved. */
  doneBefore: number;
  totalBefore: number;
  /** Smoothed over some seconds. */
  bytesPerSecond: number;
  ratedAtMs: number;
  ratedBytes: number;
  hedged: boolean;
}

const recentKept = 64;

export function createSendWatches(options: { readonly clock: Clock; readonly isHeldBack: () => boolean }): SendWatches {
  const { clock, isHeldBack } = options;
  const open = new Set<Watched>();
  /** By size, to the power of two: how long parts of that size took. */
  const recent = new Map<number, number[]>();
  const parts = { count: 0, bytes: 0 };
  const hedged = { count: 0, bytes: 0 };
  let done = 0;
  let total = 0;
  let answerMs: number | null = null;
  let laneBytes = 0;
  let lookedAtMs = clock.now();
  /** Bytes per second over all, now and at its best. */
  let speed = 0;
  let best = 0;

  const kindOf = (sizeBytes: number): number => Math.round(Math.log2(Math.max(1, sizeBytes)));

  const look = (): void => {
    const now = clock.now();
    const elapsedMs = now - lookedAtMs;
    if (elapsedMs <= 0) return;
    const rate = (laneBytes * 1000) / elapsedMs;
    laneBytes = 0;
    lookedAtMs = now;
    const weight = 1 - Math.exp(-elapsedMs / 1500);
    speed += (rate - speed) * weight;
    best = Math.max(speed, best * 0.995);
    const fair = speed / Math.max(1, open.size);
    const held = isHeldBack();
    for (const watched of [...open]) {
      measure(watched, now);
      const quiet = {
        quietMs: now - watched.movedAtMs,
        fairBytesPerSecond: fair,
        moves: watched.sentBytes > 0,
        othersDone: done - watched.doneBefore,
        othersBytes: total - watched.totalBefore,
        answerMs,
      };
      if (!held && isStraggler(quiet)) watched.send.onStraggler();
      else if (!held && watched.send.mayHedge && !watched.hedged && worthHedging(watched, now)) {
        watched.hedged = true;
        hedged.count++;
        hedged.bytes += watched.send.sizeBytes;
        watched.send.onHedge();
      }
    }
  };

  const worthHedging = ({ send, startedAtMs, sentBytes, bytesPerSecond }: Watched, now: number): boolean =>
    shouldHedge({
      sizeBytes: send.sizeBytes,
      sentBytes,
      elapsedMs: now - startedAtMs,
      bytesPerSecond,
      recentMs: recent.get(kindOf(send.sizeBytes)) ?? [],
      parts,
      hedged,
      othersGoWell: open.size < 2 || speed > 0.4 * best,
    });

  const measure = (watched: Watched, now: number): void => {
    const elapsedMs = now - watched.ratedAtMs;
    if (elapsedMs < 200) return;
    const rate = ((watched.sentBytes - watched.ratedBytes) * 1000) / elapsedMs;
    watched.bytesPerSecond += (rate - watched.bytesPerSecond) * (1 - Math.exp(-elapsedMs / 2000));
    watched.ratedAtMs = now;
    watched.ratedBytes = watched.sentBytes;
  };

  return {
    open: (send) => {
      const now = clock.now();
      const watched: Watched = {
        send,
        startedAtMs: now,
        sentBytes: 0,
        movedAtMs: now,
        doneBefore: done,
        totalBefore: total,
        bytesPerSecond: 0,
        ratedAtMs: now,
        ratedBytes: 0,
        hedged: false,
      };
      open.add(watched);
      return {
        sent: (bytes) => {
          laneBytes += bytes;
          total += bytes;
          watched.sentBytes += bytes;
          watched.movedAtMs = clock.now();
          watched.doneBefore = done;
          watched.totalBefore = total;
        },
        ended: (wentThrough) => {
          watched.send = nobody;
          if (!open.delete(watched) || !wentThrough) return;
          done++;
          if (!send.mayHedge) return;
          parts.count++;
          parts.bytes += send.sizeBytes;
          const kind = kindOf(send.sizeBytes);
          const durations = recent.get(kind) ?? [];
          durations.push(clock.now() - watched.startedAtMs);
          if (durations.length > recentKept) durations.shift();
          recent.set(kind, durations);
        },
      };
    },
    answered: (ms) => {
      answerMs = answerMs === null ? ms : answerMs + (ms - answerMs) * 0.1;
    },
    look,
  };
}

const nobody: WatchedSend = {
  ...{ lane: 'small', sizeBytes: 0, mayHedge: false, isHedge: false },
  onHedge: () => undefined,
  onStraggler: () => undefined,
};
