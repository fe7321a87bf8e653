import { createHash } from 'node:crypto';
import type { SourceIdentity } from '../../../shared/source.ts';
import { KiB } from '../../../shared/units.ts';
import { openSource } from './sourceFile.ts';

/**
 * Hex, for objects of which a store keeps no checksum but an MD5 in its ETag; rare enough to be read on the control thread, 0.4 ms at a time. Throws `source-*`:
 * `source-changed` when the file isn't `identity`, before or after.
 */
export async function md5OfFile(path: string, identity: SourceIdentity, signal?: AbortSignal): Promise<string> {
  const source = await openSource(path, identity);
  try {
    const hash = createHash('md5');
    const buffer = Buffer.allocUnsafe(256 * KiB);
    for (let offset = 0; ; ) {
      signal?.throwIfAborted();
      const read = await source.read(buffer, offset);
      hash.update(buffer.subarray(0, read));
      offset += read;
      if (read < buffer.length) break;
    }
    await source.check();
    return hash.digest('hex');
  } finally {
    await source.close();
  }
}
