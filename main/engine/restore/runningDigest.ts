import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { MiB } from '../../../shared/units.ts';
import { createDigest } from '../transfer/digest.ts';

/** What bytes are hashed with here: S3's checksums (base64), and the MD5 of an ETag (hex). */
export type Hashing = ChecksumAlgorithm | 'md5';

export interface RunningDigest {
  update(bytes: Uint8Array): void;
  result(): string;
}

export function runningDigest(hashing: Hashing): RunningDigest {
  if (hashing !== 'md5') {
    const digest = createDigest(hashing);
    return { update: digest.update, result: () => digest.result().value };
  }
  const hash = createHash('md5');
  return { update: (bytes) => void hash.update(bytes), result: () => hash.digest('hex') };
}

/** Of `length` bytes of an open file, or as many as there are. */
export async function digestOfRange(
  file: FileHandle,
  hashing: Hashing,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<string> {
  const digest = runningDigest(hashing);
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(MiB, length)));
  for (let done = 0; done < length; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - done), offset + done);
    if (bytesRead === 0) break;
    digest.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
  return digest.result();
}
