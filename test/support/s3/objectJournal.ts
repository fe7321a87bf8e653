import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import type { StoredObject } from './storage.ts';

type Line = { readonly put: StoredObject } | { readonly deleted: string };

/**
 * The metadata of a bucket's objects: a line of JSON for each write or delete. Appending one line is what makes bytes on disk an
 * object; a file for each object would double the cost of small ones. A line cut by a kill is no line.
 */
export class ObjectJournal {
  readonly #path: string;
  #descriptor: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** What is there; leaves the journal with one line each. */
  load(): Map<string, StoredObject> {
    const objects = new Map<string, StoredObject>();
    if (!existsSync(this.#path)) return objects;
    const text = readFileSync(this.#path, 'utf8');
    for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line) as Line;
      if ('put' in entry) objects.set(entry.put.key, entry.put);
      else objects.delete(entry.deleted);
    }
    const fresh = `${this.#path}.fresh`;
    writeFileSync(fresh, [...objects.values()].map((put) => `${JSON.stringify({ put })}\n`).join(''));
    renameSync(fresh, this.#path);
    return objects;
  }

  put(object: StoredObject): void {
    this.#append({ put: object });
  }

  delete(key: string): void {
    this.#append({ deleted: key });
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #append(line: Line): void {
    this.#descriptor ??= openSync(this.#path, 'a');
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }
}
