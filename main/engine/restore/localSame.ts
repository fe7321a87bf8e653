import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ObjectKey } from '../../../shared/ids.ts';
import { provingOf } from '../plan/downloadPlan.ts';
import type { DataStore, ObjectHead } from '../store/store.ts';
import { compositeChecksum } from '../transfer/combineChecksums.ts';
import { digestOfRange } from './runningDigest.ts';

/** `unknown`: the store keeps nothing that the file could be held against. */
export type LocalSame = 'same' | 'differs' | 'unknown';

const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Whether a file of the object's size has the object's bytes, by reading it. Throws the file's and the store's errors. */
export async function localSame(
  store: DataStore,
  key: ObjectKey,
  head: ObjectHead,
  path: string,
  signal: AbortSignal,
): Promise<LocalSame> {
  const proving = provingOf(head);
  if (proving.kind === 'none') return 'unknown';
  const file = await open(path, readOnly);
  try {
    if (proving.kind === 'md5')
      return (await digestOfRange(file, 'md5', 0, head.sizeBytes, signal)) === proving.hex ? 'same' : 'differs';
    const { algorithm, value } = proving;
    if (proving.kind === 'full')
      return (await digestOfRange(file, algorithm, 0, head.sizeBytes, signal)) === value ? 'same' : 'differs';
    const layout = await store.partLayout({ key, ifMatch: head.etag });
    if (layout === null) return 'unknown';
    const parts: { length: number; value: string }[] = [];
    for (let at = 0; at < layout.partCount; at++) {
      const offset = at * layout.firstPartBytes;
      const length = Math.max(0, Math.min(layout.firstPartBytes, head.sizeBytes - offset));
      parts.push({ length, value: await digestOfRange(file, algorithm, offset, length, signal) });
    }
    // Parts of unequal sizes can't be told from another file.
    return compositeChecksum(algorithm, parts).value === value ? 'same' : 'unknown';
  } finally {
    await file.close();
  }
}
