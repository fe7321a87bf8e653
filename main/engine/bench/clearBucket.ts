import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../../shared/errors.ts';
import type { Store } from '../store/store.ts';
import { eachLimited } from '../transfer/eachLimited.ts';

/** A request whose connection was cut may still take effect; this long after the last one none does. */
const settleMs = 300;
const mostRounds = 20;
const atOnce = 16;

/** Deletes every object and aborts every upload under a benchmark's own prefix, and looks again until there is none. Throws store codes, `conflict` when it never ends. */
export async function clearBucket(store: Store, prefix: string, wasCut: boolean): Promise<number> {
  let removed = 0;
  let cleanLooks = 0;
  for (let round = 0; round < mostRounds; round++) {
    const found = await removeFound(store, prefix);
    removed += found;
    cleanLooks = found === 0 ? cleanLooks + 1 : 0;
    if (cleanLooks >= (wasCut ? 2 : 1)) return removed;
    if (wasCut) await sleep(settleMs);
  }
  throw new SluiceError('conflict', `Something goes on writing under ${prefix}`, {
    remedy: 'Run sluice bench again later: it removes what is left first.',
  });
}

async function removeFound(store: Store, prefix: string): Promise<number> {
  const tasks: (() => Promise<void>)[] = [];
  for await (const { key, uploadId } of store.listMultipartUploads(prefix))
    if (key.startsWith(prefix)) tasks.push(() => store.abortMultipartUpload({ key, uploadId }));
  for await (const { key } of store.listObjects(prefix))
    if (key.startsWith(prefix)) tasks.push(() => store.deleteObject({ key, ifMatch: null }));
  await eachLimited(atOnce, tasks, new AbortController().signal, () => undefined);
  return tasks.length;
}
