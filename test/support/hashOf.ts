import { createHash } from 'node:crypto';

/** SHA-256 of what a stream gives, hex: two files, or a file and an object, compared without holding either in memory. */
export async function hashOf(stream: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
