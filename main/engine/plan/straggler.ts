/** A request in flight that hasn't moved for a while. */
export interface QuietFacts {
  /** Since its last byte went out, or since it began, ms. */
  readonly quietMs: number;
  /** What each request in flight gets of the lane's present speed, bytes per second. */
  readonly fairBytesPerSecond: number;
  /** It has sent something: before, it may still be reading and checksumming a slow disk. */
  readonly moves: boolean;
  /** Requests of this store that went through since this one last moved, and bytes that the others sent. */
  readonly othersDone: number;
  readonly othersBytes: number;
  /** Smoothed time to an answer of this store, ms; null: not known. */
  readonly answerMs: number | null;
}

/** What the socket may hold unseen: no byte moves for the application until the kernel has sent it. */
const unseenBytes = 2 * 2 ** 20;
const leastQuietMs = 2_500;
const leastQuietAtStartMs = 15_000;
/** So much of others, and the link isn't what stands still. */
const othersMoved = { requests: 2, bytes: 8 * 2 ** 20 };

/**
 * A deadline by progress, not by time: a slow link is no time-out, but a request that stands still for much longer than what its socket holds takes, while others get through, is
 * dead: cancel it and try again. When nothing moves at all it is an outage, which isn't said here.
 */
export function isStraggler(facts: QuietFacts): boolean {
  const { quietMs, fairBytesPerSecond, answerMs } = facts;
  const othersMove = facts.othersDone >= othersMoved.requests || facts.othersBytes >= othersMoved.bytes;
  if (!othersMove || fairBytesPerSecond <= 0) return false;
  const drainMs = (unseenBytes / fairBytesPerSecond) * 1000;
  return quietMs > Math.max(facts.moves ? leastQuietMs : leastQuietAtStartMs, 8 * (answerMs ?? 0)) + drainMs;
}
