import { type FileHandle, open } from 'node:fs/promises';

/** Lays the parts one behind the other in a new file. The parts stay as they are: a cut Complete can be repeated. */
export async function assembleParts(
  parts: readonly { readonly path: string; readonly size: number; readonly offset: number }[],
  target: string,
): Promise<void> {
  const out = await open(target, 'w');
  try {
    let offset = 0;
    const work = parts.map((part) => {
      const at = offset;
      offset += part.size;
      return { ...part, at };
    });
    let next = 0;
    const lane = async (): Promise<void> => {
      const buffer = Buffer.allocUnsafe(copyBytes);
      for (let item = work[next++]; item !== undefined; item = work[next++]) await copy(item, out, buffer);
    };
    await Promise.all(Array.from({ length: Math.min(lanes, work.length) }, lane));
  } finally {
    await out.close();
  }
}

const copyBytes = 2 * 1024 * 1024;
const lanes = 2;

async function copy(
  part: { path: string; size: number; offset: number; at: number },
  out: FileHandle,
  buffer: Buffer,
): Promise<void> {
  const source = await open(part.path, 'r');
  try {
    for (let done = 0; done < part.size; ) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, part.size - done), part.offset + done);
      if (bytesRead === 0) throw new Error(`${part.path} is shorter than its part`);
      for (let written = 0; written < bytesRead; ) {
        const result = await out.write(buffer, written, bytesRead - written, part.at + done + written);
        written += result.bytesWritten;
      }
      done += bytesRead;
    }
  } finally {
    await source.close();
  }
}
