/** Keys in S3's order, which is that of their UTF-8 bytes. */
export class KeyIndex<T> {
  readonly #byKey = new Map<string, T>();
  #sorted: string[] = [];
  #stale = false;

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  set(key: string, value: T): void {
    if (!this.#byKey.has(key)) this.#stale = true;
    this.#byKey.set(key, value);
  }

  delete(key: string): void {
    if (this.#byKey.delete(key)) this.#stale = true;
  }

  keys(): readonly string[] {
    // Sorted when looked at, so that a burst of writes pays nothing for order.
    if (this.#stale) {
      this.#sorted = [...this.#byKey.keys()].sort(compareUtf8);
      this.#stale = false;
    }
    return this.#sorted;
  }

  /** Position of the first key that is greater than `key` (or equal to it, with `orEqual`). */
  seek(key: string, orEqual: boolean): number {
    const keys = this.keys();
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareUtf8(keys[middle]!, key);
      if (order < 0 || (order === 0 && !orEqual)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** UTF-16 order differs from UTF-8 order only between surrogates and U+E000…U+FFFF. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
