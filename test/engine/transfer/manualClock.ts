import type { Clock } from '../../../main/engine/ports.ts';

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
  time = 1_000_000;
  readonly #tasks = new Set<{ at: number; run: () => void }>();
  now = () => this.time;
  after = (ms: number, run: () => void) => {
    const task = { at: this.time + ms, run };
    this.#tasks.add(task);
    return () => void this.#tasks.delete(task);
  };
  /** Runs what falls due on the way, in order, and lets promises settle after each. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      const due = [...this.#tasks].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due.at);
      this.#tasks.delete(due);
      due.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.time = until;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
