import { createHash, randomBytes } from 'node:crypto';
import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KiB, MiB } from '../../shared/units.ts';

/**
 * A tree that changes under the engine, and remembers every content that was ever complete at each path. New contents are made elsewhere and renamed into place, changes in
 * place are single short writes, so no other content ever exists.
 */
export class LivingTree {
  readonly #root: string;
  readonly #random: () => number;
  readonly #log: (line: string) => void;
  /** By path: what is there now. */
  readonly #present = new Map<string, Buffer>();
  readonly #ever = new Map<string, Set<string>>();
  #named = 0;
  #lastChangeAt = 0;

  constructor(root: string, random: () => number, log: (line: string) => void) {
    this.#root = root;
    this.#random = random;
    this.#log = log;
  }

  get lastChangeAt(): number {
    return this.#lastChangeAt;
  }

  get size(): number {
    return this.#present.size;
  }

  async plant(): Promise<void> {
    for (let small = 4 + this.#below(20); small > 0; small--) await this.#put(this.#newPath(), this.#below(20 * KiB));
    for (let middle = this.#below(4); middle > 0; middle--)
      await this.#put(this.#newPath(), 100 * KiB + this.#below(2 * MiB));
    for (let large = 1 + this.#below(2); large > 0; large--)
      await this.#put(this.#newPath(), 5 * MiB + 1 + this.#below(11 * MiB));
  }

  /** One random change. */
  async change(): Promise<void> {
    const path = this.#anyPath();
    const dice = this.#random();
    if (path === undefined || dice < 0.15) return this.#put(this.#newPath(), this.#someSize());
    const content = this.#present.get(path)!;
    if (dice < 0.3) return this.#put(path, this.#random() < 0.5 ? content.length : this.#someSize());
    if (dice < 0.55) return this.#patch(path, content);
    if (dice < 0.65) return this.#append(path, content);
    if (dice < 0.73) return this.#cut(path, content);
    if (dice < 0.82) return this.#delete(path);
    if (dice < 0.9) return this.#move(path, this.#random() < 0.5 ? this.#newPath() : (this.#anyPath() ?? path));
    if (dice < 0.95) return this.#moveDirectory(path);
    const at = new Date(Date.now() - this.#below(1e9));
    await utimes(join(this.#root, path), at, at);
    this.#changed(`touch ${path}`);
  }

  /** Null, or what is wrong with these bytes at this path. */
  fault(path: string, bytes: Buffer): string | null {
    const known = this.#ever.get(path);
    if (known === undefined) return `${path} was never on disk`;
    return known.has(digest(bytes)) ? null : `${path} never had these ${bytes.length} bytes`;
  }

  async #put(path: string, bytes: number): Promise<void> {
    const content = randomBytes(bytes);
    const made = `${this.#root}.new`;
    writeFileSync(made, content);
    await mkdir(dirname(join(this.#root, path)), { recursive: true });
    this.#willBe(path, content);
    renameSync(made, join(this.#root, path));
    this.#changed(`put ${path}, ${bytes} bytes`);
  }

  /** Sometimes a second one far away at once: a mixture of before and after must never be taken for a version. */
  async #patch(path: string, content: Buffer): Promise<void> {
    if (content.length < 64) return this.#append(path, content);
    const file = await open(join(this.#root, path), 'r+');
    try {
      let now = content;
      for (let times = this.#random() < 0.5 ? 1 : 2; times > 0; times--) {
        // Within one page, which a reader sees whole.
        const at = Math.min(Math.floor(this.#below(now.length) / 64) * 64, now.length - 64);
        const patch = randomBytes(64);
        now = Buffer.from(now);
        patch.copy(now, at);
        this.#willBe(path, now);
        await file.write(patch, 0, 64, at);
        this.#changed(`patch ${path} at ${at}`);
      }
    } finally {
      await file.close();
    }
  }

  async #append(path: string, content: Buffer): Promise<void> {
    const more = randomBytes(16);
    this.#willBe(path, Buffer.concat([content, more]));
    const file = await open(join(this.#root, path), 'r+');
    await file.write(more, 0, more.length, content.length);
    await file.close();
    this.#changed(`append to ${path}`);
  }

  async #cut(path: string, content: Buffer): Promise<void> {
    const length = this.#below(content.length + 1);
    this.#willBe(path, content.subarray(0, length));
    truncateSync(join(this.#root, path), length);
    this.#changed(`truncate ${path} to ${length}`);
  }

  async #delete(path: string): Promise<void> {
    this.#present.delete(path);
    rmSync(join(this.#root, path));
    this.#changed(`rm ${path}`);
  }

  async #move(path: string, to: string): Promise<void> {
    if (path === to) return;
    await mkdir(dirname(join(this.#root, to)), { recursive: true });
    this.#willBe(to, this.#present.get(path)!);
    this.#present.delete(path);
    await rename(join(this.#root, path), join(this.#root, to));
    this.#changed(`mv ${path} ${to}`);
  }

  async #moveDirectory(path: string): Promise<void> {
    const slash = path.indexOf('/');
    if (slash < 0) return;
    const from = path.slice(0, slash);
    const to = `moved${++this.#named}`;
    for (const [each, content] of [...this.#present]) {
      if (!each.startsWith(`${from}/`)) continue;
      this.#willBe(to + each.slice(from.length), content);
      this.#present.delete(each);
    }
    await rename(join(this.#root, from), join(this.#root, to));
    this.#changed(`mv ${from}/ ${to}/`);
  }

  /** Before it is: the engine may see it at once. */
  #willBe(path: string, content: Buffer): void {
    const known = this.#ever.get(path) ?? new Set();
    this.#ever.set(path, known.add(digest(content)));
    this.#present.set(path, content);
  }

  #changed(line: string): void {
    this.#lastChangeAt = performance.now();
    this.#log(line);
  }

  #someSize(): number {
    const dice = this.#random();
    if (dice < 0.08) return 5 * MiB + this.#below(8 * MiB);
    return dice < 0.2 ? this.#below(2 * MiB) : this.#below(20 * KiB);
  }

  #newPath(): string {
    const name = `f${++this.#named}`;
    return this.#random() < 0.5 ? name : `dir${this.#below(3)}/${this.#random() < 0.3 ? 'deep/' : ''}${name}`;
  }

  #anyPath(): string | undefined {
    return [...this.#present.keys()][this.#below(this.#present.size)];
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

const digest = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');
