import { errorView } from '../../../shared/errors.ts';
import type { Lane } from '../ledger/ledger.ts';
import type { Passage } from './acceleratedRoute.ts';
import type { JobHandle, ResultFor } from './sendPool.ts';
import type { SendJob } from './sendProtocol.ts';
import type { OpenSend } from './storeFlow.ts';
import type { UploadContext } from './uploadContext.ts';
import { whenAborted } from './whenAborted.ts';

export type BodyJob = SendJob & { readonly kind: 'put' | 'part' };
export type Sent<J extends SendJob> = ResultFor<J> & { readonly sentMs: number };

/** It stood still while others went through, and was cut off: not the store's fault, nor a try. */
export const stoodStill = Symbol('stood still');

interface Try {
  readonly handle: JobHandle;
  readonly open: OpenSend;
  readonly release: () => void;
  sentBytes: number;
  over: boolean;
}

/**
 * One try of a put or a part, which for a part may become two: a straggler is sent again on a connection of its own (plan/hedge.ts), the first to finish wins and the other is
 * cancelled. Throws the error of the last one to fail.
 */
export function sendOnce<J extends BodyJob>(
  context: UploadContext,
  lane: Lane,
  job: J,
  {
    onSent,
    mayCutOff,
    passage,
  }: {
    readonly onSent: (bytes: number) => void;
    readonly mayCutOff: boolean;
    /** Over the accelerated endpoint, and paid for once: no hedge. */
    readonly passage: Passage | null;
  },
  signal: AbortSignal,
): Promise<Sent<J> | typeof stoodStill> {
  const { flow, pool, slots, folder, metrics } = context;
  return new Promise((resolve, reject) => {
    /** One, or two. */
    let tries: readonly Try[] = [];
    let told = 0;
    let settled = false;
    let unlisten = (): void => undefined;

    const stop = (): void => end(() => reject(signal.reason));
    const end = (settle: () => void): void => {
      if (settled) return;
      settled = true;
      unlisten();
      for (const one of tries) drop(one);
      settle();
    };
    /** What it sent was in vain. */
    const lose = (one: Try): void => {
      one.over = true;
      one.release();
      metrics.counts.bytesWasted += one.sentBytes;
      tries = tries.filter((other) => other !== one);
    };
    const drop = (one: Try): void => {
      if (one.over) return;
      one.open.cancelled();
      lose(one);
      one.handle.cancel();
    };

    const launch = (variant: J, isHedge: boolean, release: () => void): void => {
      const open = flow.begin({
        lane,
        key: job.key,
        sizeBytes: job.source.length,
        mayHedge: job.kind === 'part' && !isHedge && passage === null,
        isHedge,
        onHedge: () => {
          const second = slots.take(lane, folder.id);
          if (!second) return;
          if (variant.kind !== 'part' || one.over) return second();
          metrics.counts.hedges++;
          launch({ ...variant, freshConnection: true }, true, second);
        },
        onStraggler: () => {
          if (one.over || !mayCutOff) return;
          metrics.counts.stragglers++;
          drop(one);
          if (tries.length === 0) end(() => resolve(stoodStill));
        },
      });
      const handle = pool.send(passage ? { ...variant, store: passage.store } : variant, (bytes) => {
        metrics.sent(bytes);
        passage?.sent(bytes);
        open.sent(bytes);
        one.sentBytes += bytes;
        if (one.over || one.sentBytes <= told) return;
        onSent(one.sentBytes - told);
        told = one.sentBytes;
      });
      const one: Try = { handle, open, release, sentBytes: 0, over: false };
      tries = [...tries, one];
      handle.result.then(
        (result) => {
          if (one.over) return;
          one.over = true;
          one.release();
          tries = tries.filter((other) => other !== one);
          open.succeeded(result.kind === 'stored' ? result.timing : null);
          end(() => resolve(result as Sent<J>));
        },
        (error: unknown) => {
          if (one.over) return;
          open.failed(errorView(error));
          lose(one);
          if (tries.length === 0) end(() => reject(error));
        },
      );
    };

    if (signal.aborted) return reject(signal.reason);
    unlisten = whenAborted(signal, stop);
    launch(job, false, () => undefined);
  });
}
