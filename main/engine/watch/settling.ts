import type { RelativePath } from '../../../shared/ids.ts';

interface Waiting {
  /** What the last look showed; null: not looked at yet. */
  seen: string | null;
  dueAt: number;
  /** When it was first heard of, or last reported while it kept changing. */
  since: number;
}

/** A path that keeps changing is reported all the same after this many settle times. */
const patience = 30;

/** Which paths have been quiet long enough: decisions only, the clock and the looking are the caller's. Times in ms. */
export class Settling {
  readonly #settleMs: number;
  readonly #waiting = new Map<RelativePath, Waiting>();

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Something happened to it. A path that already waits goes on waiting: the looks tell whether it is still changing. */
  touch(path: RelativePath, now: number): void {
    if (!this.#waiting.has(path)) this.#waiting.set(path, { seen: null, dueAt: now, since: now });
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** When the next look is due; Infinity: nothing waits. */
  nextDueAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#waiting.values()) next = Math.min(next, dueAt);
    return next;
  }

  /** Paths to look at now. */
  due(now: number, limit: number): RelativePath[] {
    const paths: RelativePath[] = [];
    for (const [path, { dueAt }] of this.#waiting) {
      if (dueAt > now) continue;
      paths.push(path);
      if (paths.length === limit) break;
    }
    return paths;
  }

  /** What a look showed, as a comparable string. True: report it now. */
  looked(path: RelativePath, seen: string, now: number): boolean {
    const entry = this.#waiting.get(path);
    if (entry === undefined) return false;
    if (entry.seen === seen) {
      this.#waiting.delete(path);
      return true;
    }
    entry.seen = seen;
    entry.dueAt = now + this.#settleMs;
    if (now - entry.since < patience * this.#settleMs) return false;
    entry.since = now;
    return true;
  }
}
