import { parentPort, workerData } from 'node:worker_threads';
import { type ShareEnds, treeShare } from '../../../main/engine/watch/treeShare.ts';
import type { RelativePath } from '../../../shared/ids.ts';

/** Walks an imagined tree: `3/3` has three directories below it of depth 2, down to depth 0. */
const { ends, from } = workerData as { readonly ends: ShareEnds; readonly from: readonly RelativePath[] };
const share = treeShare(ends);
const walked: string[] = [];
const pending = [...from];
for (;;) {
  const next = pending.pop();
  if (next === undefined) {
    const more = share.take();
    if (more === null) break;
    pending.push(...more);
    continue;
  }
  if (share.isWanted() && pending.length > 0) share.give(pending.splice(0, Math.ceil(pending.length / 2)));
  walked.push(next);
  const depth = next.split('/').length;
  if (depth < 6) for (let at = 0; at < 4; at++) pending.push(`${next}/${at}` as RelativePath);
}
parentPort?.postMessage(walked);
ends.port.close();
