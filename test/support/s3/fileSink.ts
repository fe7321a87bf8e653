import { type FileHandle, open, unlink } from 'node:fs/promises';

/** Writes a stream of buffers to a new file, or into an existing one at a position; gathered into large writes, one under way at a time. */
export class FileSink {
  readonly #path: string;
  #position: number | null;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #handle: FileHandle | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** `position` null: a new file. */
  constructor(path: string, position: number | null = null) {
    this.#path = path;
    this.#position = position;
  }

  /** Resolves (or returns nothing) when more may be pushed. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes < gatherBytes) return undefined;
    const before = this.#writing;
    this.#startWrite();
    return before;
  }

  async finish(): Promise<void> {
    // An empty body makes a file all the same.
    if (this.#pendingBytes > 0 || this.#handle === null) this.#startWrite();
    await this.#writing;
    await this.#handle?.close();
    this.#handle = null;
  }

  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#handle?.close().catch(() => undefined);
    if (this.#flags === 'w') await unlink(this.#path).catch(() => undefined);
  }

  get #flags(): 'w' | 'r+' {
    return this.#position === null ? 'w' : 'r+';
  }

  #startWrite(): void {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#writing = this.#writing.then(async () => {
      this.#handle ??= await open(this.#path, this.#flags);
      let rest = batch;
      while (rest.length > 0) {
        const { bytesWritten } = await this.#handle.writev(rest.slice(0, maxVectors), this.#position ?? undefined);
        if (this.#position !== null) this.#position += bytesWritten;
        rest = dropBytes(rest, bytesWritten);
      }
    });
    // The failure is reported by whoever awaits next; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }
}

const gatherBytes = 1024 * 1024;
const maxVectors = 1000;

function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (left >= buffer.length) left -= buffer.length;
    else {
      rest.push(left === 0 ? buffer : buffer.subarray(left));
      left = 0;
    }
  }
  return rest;
}
