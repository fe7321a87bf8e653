import { setTimeout as delay } from 'node:timers/promises';

/** A shared line of `bytesPerSecond`: every byte through it waits for those before it. */
export class SharedLine {
  readonly #bytesPerSecond: number;
  #freeAt = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** The largest piece to send at once, so that connections interleave. */
  get pieceBytes(): number {
    return Math.max(512, Math.floor(this.#bytesPerSecond / 50));
  }

  async pass(bytes: number): Promise<void> {
    const now = performance.now();
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes / this.#bytesPerSecond) * 1000;
    // Timers are coarse: short waits are saved up.
    if (this.#freeAt - now > 4) await delay(this.#freeAt - now);
  }
}
