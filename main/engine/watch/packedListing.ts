import type { RelativePath } from '../../../shared/ids.ts';
import type { DirectoryListing, ObservedFile, SourceIdentity } from '../../../shared/source.ts';

/** Files of one directory on their way between threads: two values instead of four a file, at a fifth of the cost. */
export interface PackedFiles {
  /** Name and identity of each, in name order, each followed by `/`, which neither can hold. */
  readonly text: string;
  readonly mtimesMs: Float64Array;
  readonly bytes: number;
}

export function packFiles(files: readonly ObservedFile[]): PackedFiles {
  let text = '';
  let bytes = 0;
  const mtimesMs = new Float64Array(files.length);
  for (const [at, file] of files.entries()) {
    text += `${file.name}/${file.identity}/`;
    mtimesMs[at] = file.mtimeMs;
    bytes += file.sizeBytes;
  }
  return { text, mtimesMs, bytes };
}

/** A listing that makes its files' objects only when somebody asks for them: whoever finds the text unchanged never does. */
export class PackedListing implements DirectoryListing {
  readonly directory: RelativePath;
  readonly packed: { readonly text: string; readonly count: number; readonly bytes: number };
  readonly #mtimesMs: readonly Float64Array[];

  constructor(directory: RelativePath, pieces: readonly PackedFiles[]) {
    this.directory = directory;
    this.#mtimesMs = pieces.map(({ mtimesMs }) => mtimesMs);
    this.packed = {
      text: pieces.length === 1 ? pieces[0]!.text : pieces.map(({ text }) => text).join(''),
      count: pieces.reduce((count, { mtimesMs }) => count + mtimesMs.length, 0),
      bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  get files(): readonly ObservedFile[] {
    const fields = this.packed.text.split('/');
    let at = 0;
    return this.#mtimesMs.flatMap((mtimesMs) =>
      Array.from(mtimesMs, (mtimeMs): ObservedFile => {
        const name = fields[at++]!;
        const identity = fields[at++]! as SourceIdentity;
        // the identity begins with the size
        return { name, sizeBytes: Number.parseInt(identity, 36), mtimeMs, identity };
      }),
    );
  }
}
